//! The recipe's optimizer.

use optimize::AdamWConfig;
use study::Recipe;

/// The configuration of a recipe's AdamW.
pub(crate) fn adamw(recipe: &Recipe) -> AdamWConfig {
    AdamWConfig {
        betas: recipe.betas,
        epsilon: recipe.epsilon,
        weight_decay: recipe.weight_decay,
    }
}
