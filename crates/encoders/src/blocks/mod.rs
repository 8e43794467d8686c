//! What families of encoders share.
//!
//! A block takes its sizes from `Settings` and knows no family.

mod activation;
mod attended;
mod attention;
mod dropout;
mod embeddings;
mod encoder;
mod head;
mod layer;
mod linear;
mod norm;
mod output;
mod pooler;
mod relative;
mod settings;

pub use activation::HiddenAct;
pub use attention::{Attention, Heads, SelfAttention};
pub use dropout::Dropouts;
pub use embeddings::Embeddings;
pub use encoder::Encoder;
pub use head::ClassificationHead;
pub use layer::{Intermediate, Layer};
pub use linear::Linear;
pub(crate) use linear::{Initial, zero_bias};
pub use norm::LayerNorm;
pub use output::Output;
pub use pooler::Pooler;
pub(crate) use relative::{scores_at, scores_by_distance, scores_of_pairs, split_heads};
pub(crate) use settings::{FirstPosition, Settings};
