//! AdamW in the two groups of the BERT recipe.

use burn::module::ParamGroup;
use burn::optim::{AdamWConfig, ModuleOptimizer};

use crate::recipe::Recipe;

/// Biases and the parameters of LayerNorm, by their module paths: they do not decay.
const NO_DECAY: &str = r"(^|\.)(bias|gamma|beta)$";

/// AdamW with decoupled weight decay on everything but biases and LayerNorm.
///
/// Clipping is not in it: Burn clips each tensor by its own norm, the recipe clips all of them by
/// their global norm; see [`crate::clipping`].
pub fn adamw(recipe: &Recipe) -> ModuleOptimizer {
    let config = AdamWConfig::new()
        .with_beta_1(recipe.betas[0] as f32)
        .with_beta_2(recipe.betas[1] as f32)
        .with_epsilon(recipe.epsilon as f32);
    let no_decay = ParamGroup::from_regex(NO_DECAY).expect("a constant, valid pattern");
    config
        .clone()
        .with_weight_decay(recipe.weight_decay as f32)
        .init()
        .with_group(no_decay, config.with_weight_decay(0.0).build(), None)
}
