//! What a handful of runs says about a difference, and how certain that is.
//!
//! Every function is pure: those that draw random numbers take a seed and draw the same on every
//! machine. Scores are fractions (an accuracy is from 0 to 1); only sentences use points, which are
//! hundredths of that.
//!
//! | question | function |
//! |---|---|
//! | how did one arm do? | [`Summary::of`] |
//! | do two arms differ, pair by pair? | [`Paired::of`], [`Paired::finding`] |
//! | how wide is the uncertainty over seeds? | [`paired_t_test`]; over several tasks, [`interval_of_means`] |
//! | and over seeds and sentences? | [`crossed_interval`] |
//! | could it be chance? | [`sign_flip_test`], [`paired_t_test`] |
//! | can so few pairs show anything? | [`least_p_value`], [`fewest_pairs`] |
//! | is the difference too small to matter? | [`Equivalence::of`] |
//! | and over several comparisons? | [`holm`], [`Paired::interval_beside`] |
//! | do two arms err on the same examples? | [`McNemar::of`] |
//! | what would the best of n runs score? | [`expected_maximum`] |
//! | is one arm's whole distribution higher? | [`StochasticOrder::of`] |
//! | how many pairs would settle it? | [`power`], [`pairs_needed`], [`sd_interval`] |
//!
//! `tests/golden/statistics/coverage.md` has how often the interval and the tests err.
//!
//! Numbers that are not finite, or too few numbers, are an [`Error`], never a NaN in a result.

mod crossed;
mod equivalence;
mod error;
mod evidence;
mod expected_maximum;
mod holm;
mod mcnemar;
mod paired;
mod power;
mod sign_flip;
mod stochastic_order;
mod summary;
mod t_test;
mod words;

pub use crossed::crossed_interval;
pub use equivalence::{Equivalence, MARGINS};
pub use error::Error;
pub use evidence::{Finding, MIN_PAIRS, fewest_pairs, least_p_value};
pub use expected_maximum::expected_maximum;
pub use holm::holm;
pub use mcnemar::McNemar;
pub use paired::{Paired, Test, differences};
pub use power::{ALPHA, MAX_PAIRS, POWER, pairs_needed, power, sd_interval};
pub use sign_flip::{SignFlip, sign_flip_test};
pub use stochastic_order::{ORDER_THRESHOLD, StochasticOrder, violation_ratio};
pub(crate) use summary::ROUNDING;
pub use summary::Summary;
pub use t_test::{TTest, interval_of_means, paired_t_test};
pub(crate) use words::{either, listed, points};
pub use words::{p_equals, signed};

/// Bootstrap resamples behind a recorded [`StochasticOrder`].
pub const RESAMPLES: usize = 10_000;
