//! BERT encoders on Burn, loaded from Hugging Face snapshots.
//!
//! A [`Snapshot`] is a folder with `config.json`, `model.safetensors` and `tokenizer.json`, as the
//! Hugging Face hub stores it. [`Snapshot::open`] checks the folder, [`Snapshot::classifier`] loads
//! the weights into a [`BertForSequenceClassification`] and refuses every tensor that is missing,
//! unexpected or misshaped; [`Snapshot::tokenizer`] reads the tokenizer that belongs to them.
//! [`BertForMaskedLM::fresh`] starts a new encoder for pretraining, and [`write_snapshot`] stores one.
//!
//! The structs mirror the names of the checkpoint: the parameter that transformers calls
//! `bert.encoder.layer.0.attention.self.query.weight` has the module path
//! `bert.encoder.layer.0.attention.self_attention.query.weight` (`self` is a keyword of Rust).
//!
//! This crate knows no noise, no task and no optimizer.

mod attention;
mod classifier;
mod config;
mod dropout;
mod embeddings;
mod encoder;
mod error;
mod export;
mod initial;
mod input;
mod layer;
mod linear;
mod manifest;
mod masked_lm;
mod model;
mod norm;
mod output;
mod pooler;
mod precision;
mod snapshot;
mod tokenizer;
mod weights;

pub use attention::{BertAttention, BertSelfAttention};
pub use classifier::BertForSequenceClassification;
pub use config::{BertConfig, HiddenAct};
pub use dropout::Dropouts;
pub use embeddings::BertEmbeddings;
pub use encoder::BertEncoder;
pub use error::{EncoderError, TensorProblem};
pub use export::write_snapshot;
pub use input::{EncoderInput, Layout, Tokens};
pub use layer::{BertIntermediate, BertLayer};
pub use linear::Linear;
pub use masked_lm::{
    BertBody, BertForMaskedLM, MaskedLmHead, MaskedLmPredictions, MaskedLmTransform,
};
pub use model::{BertModel, BertModelOutput};
pub use norm::LayerNorm;
pub use output::BertOutput;
pub use pooler::BertPooler;
pub use precision::cast_linear;
pub use snapshot::{LoadedClassifier, Snapshot};
pub use tokenizer::{Encoding, Tokenizer};
