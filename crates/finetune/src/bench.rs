//! Training steps against the clock.

use std::time::Instant;

use serde::Serialize;

use crate::error::FinetuneError;
use crate::order::epoch_batches;
use crate::plan;
use crate::recipe::at_least_one;
use crate::study::Study;

/// Steps that are taken before the clock starts.
const WARM_UP: usize = 3;

/// The time of a number of training steps, in the field names of the PyTorch script it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepTiming {
    /// Always `train`.
    pub what: &'static str,
    /// Timed steps.
    pub steps: usize,
    /// Mean seconds of a step.
    pub s_per_step: f64,
    /// Sentences a second.
    pub examples_per_s: f64,
    /// Real tokens a second, padding not counted.
    pub tokens_per_s: f64,
    /// Worker threads.
    pub threads: usize,
    /// Most memory the process has held; `None` where the system does not tell.
    pub peak_rss_mib: Option<f64>,
}

/// Times `steps` training steps of the study's first run, after 3 steps of warm-up; epoch follows epoch.
///
/// # Errors
/// [`FinetuneError::Setting`] for 0 steps, and whatever keeps a run from starting.
pub fn time_steps(study: &Study, steps: usize) -> Result<StepTiming, FinetuneError> {
    at_least_one("bench steps", steps)?;
    let config = study.config();
    let runs = plan::runs(&study.plan());
    let run = runs.first().expect("a checked configuration has runs");
    let seed = run.seed;
    let (loaded, _) = study.start_model(run)?;
    let mut trainer = study.trainer(loaded, steps + WARM_UP, seed);

    let data = study.data();
    let lengths = data.train.lengths();
    let recipe = &config.recipe;
    let batches = (1..)
        .flat_map(|epoch| epoch_batches(recipe.batching, seed, epoch, &lengths, recipe.batch_size));
    let mut started = Instant::now();
    let (mut examples, mut tokens) = (0, 0);
    for (index, positions) in batches.take(steps + WARM_UP).enumerate() {
        if index == WARM_UP {
            started = Instant::now();
            (examples, tokens) = (0, 0);
        }
        let batch = data.train.batch(
            &positions,
            recipe.padding(data.pad_token_id),
            trainer.device(),
        );
        let step = trainer.step(batch)?;
        examples += step.examples;
        tokens += step.tokens;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(StepTiming {
        what: "train",
        steps,
        s_per_step: seconds / steps as f64,
        examples_per_s: examples as f64 / seconds,
        tokens_per_s: tokens as f64 / seconds,
        threads: rayon::current_num_threads(),
        peak_rss_mib: peak_rss_mib(),
    })
}

#[cfg(unix)]
fn peak_rss_mib() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss() as f64;
    // macOS counts bytes, the others KiB.
    let unit = if cfg!(target_os = "macos") {
        1_048_576.0
    } else {
        1_024.0
    };
    Some(peak / unit)
}

#[cfg(not(unix))]
fn peak_rss_mib() -> Option<f64> {
    None
}
