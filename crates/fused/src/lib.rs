//! Fused operations for Burn, differentiable, with kernels for the flex (CPU) backend.

mod adamw;
mod attention;
mod dropout;
mod embedding;
mod gelu;
mod layer_norm;
mod linear;
mod mask;

#[cfg(feature = "flex")]
mod cpu;

pub use adamw::{AdamW, Moments, adamw_step, squared_norm};
pub use attention::attention;
pub use dropout::{Dropout, DropoutError, DropoutKey, dropout};
pub use embedding::embedding;
pub use gelu::gelu;
pub use layer_norm::{dropout_add_layer_norm, layer_norm};
pub use linear::{linear, linear_gelu};
