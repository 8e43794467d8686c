//! What a caller can watch while a study runs.

use crate::arm::Arm;
use crate::record::RunRecord;
use crate::training::Step;

/// A run about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPlan {
    /// What is done to the parameters.
    pub arm: Arm,
    /// Of every random choice of the run.
    pub seed: u64,
    /// Optimizer steps to come.
    pub steps: usize,
}

/// Hears what happens; each method does nothing unless implemented.
///
/// The library prints nothing: `()` is the silent observer.
pub trait Progress {
    /// The study has `runs` runs, of which `recorded` are in its folder already.
    fn study_started(&mut self, runs: usize, recorded: usize) {
        let _ = (runs, recorded);
    }
    /// A run starts.
    fn run_started(&mut self, plan: RunPlan) {
        let _ = plan;
    }
    /// An optimizer step was taken.
    fn step(&mut self, step: &Step) {
        let _ = step;
    }
    /// An epoch was scored: epoch from 1, accuracy on dev.
    fn epoch(&mut self, epoch: usize, dev_accuracy: f64) {
        let _ = (epoch, dev_accuracy);
    }
    /// A run ended and is on disk.
    fn run_finished(&mut self, record: &RunRecord) {
        let _ = record;
    }
}

impl Progress for () {}
