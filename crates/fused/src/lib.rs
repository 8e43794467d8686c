//! Fused operations for [Burn](https://burn.dev): transformer layers that train fast on the CPU and
//! run everywhere.
//!
//! Each operation goes through Burn's own extension mechanism (`#[backend_extension]`). On the flex
//! backend it is a kernel of this crate: vector instructions chosen at run time, all cores, no
//! intermediate tensors. On every other backend it is a default body of Burn's primitives. On CubeCL's,
//! dropout, layer norm, GELU's gradient, what attention computes around its products, parts, the gradient of rows that were
//! looked up, cross-entropy and what a step does to all parameters are kernels of this crate too, because there each kernel
//! of Burn's costs the host some twenty microseconds. The tests compare each kernel with its default body. The backward passes are
//! written out, one node of the autodiff graph per operation.
//!
//! | operation | instead of |
//! |---|---|
//! | [`linear`], [`linear_gelu`] | matmul, add, gelu |
//! | [`projections`] | the same for several weights, as one product |
//! | [`attention`], [`packed_attention`] | reshapes, swaps, matmul, mask, softmax, dropout, matmul |
//! | [`projections_by_head`], [`attention_by_head`] | both with the heads apart in between, and the probabilities kept |
//! | [`biased_attention`] | the same with a bias of the scores, such as one of relative positions |
//! | [`layer_norm`] | mean, variance, scale, shift |
//! | [`linear_dropout_add_layer_norm`] | matmul, add, dropout, add, layer norm |
//! | [`cross_entropy`] | log-softmax, gather, mean |
//! | [`geglu`] | two slices, gelu, product |
//! | [`gelu`], [`dropout`], [`embedding`] | Burn's operations of these names |
//! | [`rotary`] | slices, concatenation, two products and a sum |
//! | [`branches`] | clones, whose gradients Burn adds one by one on one thread |
//! | [`parts`] | slices, whose gradients Burn pads and adds likewise |
//! | [`adamw_step`], [`squared_norm`] | about fifteen elementwise operations per parameter |
//! | [`AdamWSteps`], [`SquaredNorm`] | the same for all parameters of a model, in a few kernels on CubeCL's devices |
//! | [`Casts`] | casts of all parameters of a model, likewise |
//! | [`Backlog`], [`squared_norm_of_rows`] | the same over a whole table of which a step looks up some rows |
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::tensor::{Device, Distribution, Tensor};
//! use fused::{Dropout, DropoutKey};
//!
//! let device = Device::flex().autodiff();
//! let x = Tensor::<3>::random([2, 5, 8], Distribution::Default, &device);
//! let weight = Tensor::<2>::random([8, 8], Distribution::Default, &device).require_grad();
//! let y = fused::linear(x.clone(), weight.clone(), Tensor::zeros([8], &device));
//!
//! let key = DropoutKey { seed: 1, step: 0, site: 0 };
//! let y = fused::dropout(y, Dropout::new(0.1, key)?);
//! let gradients = y.sum().backward();
//! assert_eq!(weight.grad(&gradients).unwrap().dims(), [8, 8]);
//! # }
//! # Ok::<(), fused::DropoutError>(())
//! ```
//!
//! # Features
//!
//! None is on by default. Enable one for each Burn backend in use: `flex`, `ndarray`, `tch`, or
//! `cube` for CUDA, ROCm, Metal, Vulkan, WebGPU and CubeCL's CPU, with Burn's `fusion` (one of
//! Burn's own features for these has to be on as well). A call on a backend whose feature is off
//! panics in Burn's dispatch.
//!
//! `remote` is for devices that a server hosts. The operations cross to it as custom operations, one message each, and run
//! there as on a local device of its backend; `with_operations` registers them in a server.
//!
//! # Processors
//!
//! The kernels take AVX-512, AVX2 or NEON, or do without vectors. CI runs their tests on x86-64; on 64-bit ARM they ran under qemu
//! (`arm.sh`; `NOTES.md` says with what result).
//!
//! # Results
//!
//! - A kernel and its default body agree to rounding: sums are added in other orders, and
//!   exponentials and the normal distribution are approximations of this crate with a relative or
//!   absolute error below 2e-7.
//! - NaN and infinities come out of a kernel where they come out of its default body, forward and
//!   backward, so that a diverged model is seen to have diverged. The one difference is on the
//!   lenient side: attention leaves keys of padding at the end of a sequence out of its products,
//!   where the default body multiplies them by 0 and NaN among them spreads.
//! - The kernels compute in single precision; other types take the default bodies on flex as well.
//! - In half precision, products of matrices are those of the backend; flex's add in single precision, but in f16 on 64-bit ARM
//!   where the processor can. Sums, exponentials,
//!   statistics, dropout and AdamW are computed in single precision and rounded once. The loss of
//!   [`cross_entropy`], [`squared_norm`] and AdamW's moments stay in single precision, and
//!   LayerNorm's scale and shift may.
//! - Results do not depend on the number of threads: work is divided by constants, and partial sums
//!   are added in the order of their rows.
//! - The kernels for CubeCL's devices add in an order that the shapes decide, and the places of the rows that were looked up,
//!   without atomic additions. Products of matrices are Burn's there, and sums for the biases of [`linear`].
//! - A dropout mask is a pure function of its [`DropoutKey`] and of the element's index, the same on
//!   every backend; it is never stored.
//! - Only first-order derivatives, as everywhere in Burn.

// Burn marks these two backends as deprecated as a whole; serving them is not using them.
#![cfg_attr(any(feature = "ndarray", feature = "tch"), allow(deprecated))]

mod adamw;
mod attention;
mod attention_by_head;
mod backlog;
mod biased_attention;
mod branches;
mod cast;
mod cross_entropy;
mod dropout;
mod embedding;
mod geglu;
mod gelu;
mod half;
mod key;
mod layer_norm;
mod linear;
mod mask;
mod meeting;
mod packing;
mod parts;
mod plain_attention;
mod projections;
mod residual;
mod rotary;
mod rows;
mod together;

#[cfg(feature = "flex")]
mod cpu;
#[cfg(feature = "cube")]
mod cube;
#[cfg(feature = "remote")]
mod remote;

pub use adamw::{AdamW, AdamWError, Moments, adamw_step, squared_norm};
pub use attention::{attention, packed_attention};
pub use attention_by_head::{attends_by_head, attention_by_head};
pub use backlog::{Backlog, defers_rows, squared_norm_of_rows};
pub use biased_attention::biased_attention;
pub use branches::branches;
pub use cast::{Casted, Casts};
pub use cross_entropy::cross_entropy;
pub use dropout::dropout;
pub use embedding::embedding;
pub use geglu::geglu;
pub use gelu::gelu;
pub use key::{Dropout, DropoutError, DropoutKey};
pub use layer_norm::layer_norm;
pub use linear::{linear, linear_gelu};
pub use packing::{Packing, PackingError};
pub use parts::parts;
pub use projections::{projections, projections_by_head};
#[cfg(feature = "remote")]
pub use remote::with_operations;
pub use residual::{Norm, linear_dropout_add_layer_norm};
pub use rotary::rotary;
pub use rows::Rows;
pub use together::{AdamWStepped, AdamWSteps, SquaredNorm, runs_together};
