//! Plain finetuning.

use super::Treatment;

/// Nothing beside the recipe.
pub(super) struct Baseline;

impl Treatment for Baseline {
    fn name(&self) -> &'static str {
        "baseline"
    }

    fn about(&self) -> &'static str {
        "plain finetuning"
    }
}
