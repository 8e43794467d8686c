//! What a caller can watch while a study runs.

use std::path::Path;

use study::plan::RunKey;
use study::record::RunRecord;

use crate::trainer::Step;

/// A study about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudyStart {
    /// All its runs.
    pub runs: usize,
    /// Those that its folder holds already.
    pub recorded: usize,
    /// Optimizer steps of the others together.
    pub steps: usize,
}

/// A run about to start.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStart {
    /// Which run.
    pub run: RunKey,
    /// Its arm, and what sets it apart from the arm's other runs of this seed.
    pub label: String,
    /// Optimizer steps to come.
    pub steps: usize,
}

/// Hears what happens; each method does nothing unless implemented. Of the runs that are in work at the same time
/// one is heard after the other.
///
/// The library prints nothing: `()` is the silent observer.
pub trait Progress {
    /// The last line of the file of records was half-written and has been cut off.
    fn torn_line(&mut self, path: &Path, line: usize) {
        let _ = (path, line);
    }
    /// The study starts or continues.
    fn study_started(&mut self, plan: &StudyStart) {
        let _ = plan;
    }
    /// A run of the study was recorded before; called after [`study_started`](Self::study_started).
    fn run_recorded(&mut self, record: &RunRecord) {
        let _ = record;
    }
    /// A run starts.
    fn run_started(&mut self, plan: &RunStart) {
        let _ = plan;
    }
    /// A run took an optimizer step.
    fn step(&mut self, run: &RunKey, step: &Step) {
        let _ = (run, step);
    }
    /// An epoch of a run was scored: epoch from 1, the headline score.
    fn epoch(&mut self, run: &RunKey, epoch: usize, score: f64) {
        let _ = (run, epoch, score);
    }
    /// Whether to stop here; asked before every run and after every step.
    fn should_stop(&mut self) -> bool {
        false
    }
    /// A run ended and is on disk.
    fn run_finished(&mut self, record: &RunRecord) {
        let _ = record;
    }
}

impl Progress for () {}
