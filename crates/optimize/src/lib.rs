//! The optimizer of the BERT recipe, for pretraining and finetuning alike.
//!
//! [`AdamW`] in two parameter groups, clipping by the [`global_norm`], a [`LinearSchedule`] or a
//! [`StableSchedule`]; and [`RecAdam`], which pulls towards where training started. Knows Burn's modules
//! and gradients; no model, no task.

mod adamw;
mod clipping;
mod recadam;
mod schedule;

pub use adamw::{AdamW, AdamWConfig};
pub use clipping::{clipping_factor, global_norm, squared_global_norm};
pub use recadam::{RecAdam, RecAdamConfig};
pub use schedule::{LinearSchedule, StableSchedule};
