//! The optimizer of the BERT recipe, for pretraining and finetuning alike.
//!
//! [`AdamW`] in two parameter groups, which may leave the rows of a table that nobody looks up for later, clipping by the
//! [norm of all gradients](squared_global_norm), a [`LinearSchedule`] or a [`StableSchedule`]; and [`RecAdam`], which pulls the parameters back towards where training started.
//! Knows Burn's modules and gradients; no model, no task. Settings that make no sense are a
//! [`SettingError`] where they are passed in.

mod adamw;
mod clipping;
mod deferred;
mod recadam;
mod schedule;
mod setting;
mod state;
mod together;

pub use adamw::{AdamW, AdamWConfig};
pub use clipping::{clipping_factor, squared_global_norm};
pub use recadam::{RecAdam, RecAdamConfig};
pub use schedule::{LinearSchedule, StableSchedule, StableScheduleConfig};
pub use setting::SettingError;
