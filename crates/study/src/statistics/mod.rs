//! What a handful of runs says about a difference, and how certain that is.
//!
//! Every function is pure: those that draw random numbers take a seed and draw the same on every
//! machine. Scores are fractions (an accuracy is from 0 to 1); only sentences use points, which are
//! hundredths of that.
//!
//! | question | function |
//! |---|---|
//! | how did one arm do? | [`Summary::of`] |
//! | do two arms differ, pair by pair? | [`Paired::of`], [`Paired::verdict`] |
//! | how wide is the uncertainty? | [`resampled_means`], then [`bca_interval`] or [`percentile_interval`] |
//! | could it be chance? | [`sign_flip_test`], [`paired_t_test`] |
//! | and over several comparisons? | [`holm`] |
//! | do two arms err on the same examples? | [`McNemar::of`] |
//! | is one arm's whole distribution higher? | [`StochasticOrder::of`] |
//! | how many pairs would settle it? | [`power`], [`pairs_needed`] |
//!
//! Numbers that are not finite, or too few numbers, are an [`Error`], never a NaN in a result.

mod bootstrap;
mod error;
mod holm;
mod mcnemar;
mod paired;
mod power;
mod sign_flip;
mod stochastic_order;
mod summary;
mod t_test;
mod words;

pub use bootstrap::{bca_interval, percentile_interval, resampled_means};
pub use error::Error;
pub use holm::holm;
pub use mcnemar::McNemar;
pub use paired::{Paired, Test, differences};
pub use power::{ALPHA, MAX_PAIRS, POWER, pairs_needed, power};
pub use sign_flip::{SignFlip, sign_flip_test};
pub use stochastic_order::{StochasticOrder, violation_ratio};
pub use summary::Summary;
pub use t_test::{TTest, paired_t_test};
pub(crate) use words::points;
pub use words::{p_equals, signed};

/// Bootstrap resamples behind every interval.
pub const RESAMPLES: usize = 10_000;

/// Coverage of every recorded interval.
pub const LEVEL: f64 = 0.95;
