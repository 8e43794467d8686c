//! Encoders on Burn, loaded from Hugging Face snapshots.
//!
//! A [`Snapshot`] is a folder with `config.json`, weights and a tokenizer, as the Hugging Face hub stores it.
//! [`Snapshot::open`] checks the folder. [`Snapshot::classifier`] loads the weights into a [`Classifier`] and
//! refuses every tensor that is missing, unexpected or misshaped; [`Snapshot::tokenizer`] reads the tokenizer.
//! [`Snapshot::save_classifier`] saves a finetuned one. [`BertForMaskedLM::fresh`] starts a new encoder for pretraining, and [`write_snapshot`] stores one.
//!
//! A [`Classifier`] hides its family: callers ask it for the stages of its forward pass and for the [`Role`] of
//! each parameter. A new family is a file in `src/family` and its line in the registry there.
//!
//! Module paths follow the names of the checkpoint: the parameter that transformers calls
//! `bert.encoder.layer.0.attention.self.query.weight` is
//! `bert.encoder.layer.0.attention.self_attention.query.weight` here (`self` is a keyword of Rust).
//!
//! This crate knows no noise, no task and no optimizer.

pub mod blocks;
mod check;
mod classifier;
mod config;
mod error;
mod export;
mod family;
mod finetuned;
mod finite;
mod folder;
mod groups;
mod initial;
mod input;
mod names;
mod own_head;
mod pooling;
mod precision;
mod reading;
mod roles;
mod sharded;
mod snapshot;
mod tokenizer;
mod weights;

pub use blocks::{Dropouts, HiddenAct};
pub use classifier::{Classifier, ClassifierOutput};
pub use config::EncoderConfig;
pub use error::{EncoderError, TensorProblem};
pub use export::{ProblemType, SaveDtype, SaveFormat, SaveOptions, write_snapshot};
pub use family::bert::{
    BertBody, BertConfig, BertForMaskedLM, MaskedLmHead, MaskedLmPredictions, MaskedLmTransform,
};
pub use family::deberta::{DebertaV2Config, PositionTerm, PositionTerms};
pub use family::distilbert::DistilBertConfig;
pub use family::electra::ElectraConfig;
pub use family::modernbert::{AttentionKind, ModernBertConfig, Rope, RopeParameters};
pub use family::roberta::RobertaConfig;
pub use family::xlnet::XlNetConfig;
pub use finetuned::HeadOutputs;
pub use input::{EncoderInput, Layout, Tokens};
pub use own_head::OwnHead;
pub use pooling::ClassifierPooling;
pub use precision::{cast_linear, cast_linear_together};
pub use roles::{Parameter, Projection, Role};
pub use snapshot::{CheckpointHead, LoadedClassifier, Snapshot};
pub use tokenizer::{Encoding, Encodings, Tokenizer, tokenizer_file};
