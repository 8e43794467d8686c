//! RecAdam (Chen et al., EMNLP 2020, arXiv:2004.12651).

use optimize::RecAdamConfig;

use super::{Companion, Start};
use crate::error::FinetuneError;
use crate::optimizer::adamw;

/// Adam with an annealed quadratic pull towards the pretrained weights; see [`optimize::RecAdam`].
///
/// The authors give the annealing's midpoint (100 to 1,000) and slope (0.05 to 1) in steps, for runs of
/// thousands of steps. Here both are relative to the run, so that they mean the same in a short one: the
/// midpoint is a share of the steps, the slope is per run. Of the authors' settings, the flattest has a slope of 390 per
/// run, which is the default. The pull of 5,000 is theirs, and nothing bounds it, as in their program, unless
/// `recadam.largest-pull` does.
pub(super) fn companion(start: &Start<'_>) -> Result<Companion, FinetuneError> {
    let steps = start.steps as f64;
    let config = RecAdamConfig {
        adamw: adamw(start.recipe),
        pull: start.number("recadam.pull"),
        slope: start.number("recadam.slope") / steps,
        midpoint: start.number("recadam.midpoint") * steps,
        largest_pull: match start.number("recadam.largest-pull") {
            0.0 => f64::INFINITY,
            largest => largest,
        },
    };
    Ok(Companion {
        update: Some(Box::new(
            optimize::RecAdam::new(config, start.fresh).expect("the hyperparameters were checked"),
        )),
        ..Companion::default()
    })
}
