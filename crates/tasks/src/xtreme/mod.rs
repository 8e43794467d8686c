//! The tasks of XTREME that are on pairs of sentences, one file for each: trained on English, scored in every language.
//!
//! A new task is a file with a function that returns its [`XtremeTask`], and a line in [`all`].
//!
//! The headline is the score on the English dev set, the only one that may decide anything: there are no labels in the other
//! languages to choose by. The languages' own sets stand beside it, and [`language_set`] names them.
//!
//! Source: Hu et al., "XTREME: A Massively Multilingual Multi-task Benchmark for Evaluating Cross-lingual Generalization",
//! ICML 2020, arXiv:2003.11080; file names are those of the archives of XNLI and PAWS-X, of XTREME's
//! `scripts/download_data.sh`, and of the repositories of the Hugging Face hub.

mod layout;
mod pawsx;
mod xnli;

pub use layout::{LanguageSets, XtremeTask};
pub use pawsx::pawsx;
pub use xnli::xnli;

/// Returns every task.
pub fn all() -> Vec<XtremeTask> {
    vec![xnli(), pawsx()]
}

/// Returns the task that XTREME's `scripts/train.sh` calls `name`.
pub fn named(name: &str) -> Option<XtremeTask> {
    all().into_iter().find(|task| task.name == name)
}

/// Returns the name of a language's evaluation set, such as `test-de`.
pub fn language_set(sets: LanguageSets, language: &str) -> String {
    format!("{}-{language}", sets.name())
}
