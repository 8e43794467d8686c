//! Predictions of a finetuned encoder for any number of texts, in constant memory.
//!
//! | type | purpose |
//! |---|---|
//! | [`Predictor`] | a finetuned classifier with its tokenizer: texts in, [`Prediction`]s out |
//! | [`Input`] | texts one after the other: given ones, lines, or the rows of a table |
//! | [`Output`] | lines of predictions: a stream, or a file that continues where it was interrupted |
//! | [`run()`] | reads from an input and writes to an output, a window of texts at a time |
//!
//! A window is sorted by length, so that batches hold texts of about the same length, and its predictions are put back
//! in order. Texts are tokenized as they are in training: the same special tokens, pairs and cuts.
//!
//! ```no_run
//! use burn::tensor::Device;
//! use encoders::Snapshot;
//! use predict::{Predictor, Settings};
//!
//! let device = Device::default();
//! let snapshot = Snapshot::open("out/glue/reviews/models/baseline-seed0")?;
//! let predictor = Predictor::open(&snapshot, &Settings::default(), &device)?;
//! for prediction in predictor.predict(&[("a fine film", None)])? {
//!     println!("{:?} {}", predictor.label(&prediction), prediction.score);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batches;
mod error;
mod format;
mod input;
mod lines;
mod output;
mod prediction;
mod predictor;
mod run;

pub use batches::Batching;
pub use error::PredictError;
pub use format::Format;
pub use input::{Input, Text};
pub use lines::Lines;
pub use output::Output;
pub use prediction::Prediction;
pub use predictor::{Predictor, Settings};
pub use run::{Observer, Summary, run};
