//! Watching a study while it runs.

use std::path::Path;

use study::plan::RunKey;
use study::record::{RunRecord, Saving};

use crate::trainer::Step;

/// A study about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudyStart {
    /// Number of all its runs.
    pub runs: usize,
    /// Number of runs that its folder already holds.
    pub recorded: usize,
    /// Optimizer steps of the runs still to be trained, all together.
    pub steps: usize,
    /// The most that checkpoints take on disk, in bytes; `None` if none are written.
    pub checkpoint_bytes: Option<u64>,
}

/// A run about to start.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStart {
    /// The run.
    pub run: RunKey,
    /// Its arm, and what distinguishes it from the arm's other runs of this seed.
    pub label: String,
    /// Number of its optimizer steps.
    pub steps: usize,
}

/// Observes a study. Every method does nothing by default. Calls never overlap, even if several runs train at the same
/// time.
///
/// The library prints nothing: `()` is the silent observer.
pub trait Progress {
    /// The last line of `runs.jsonl`, or of a shard's file, was half-written and has been cut off.
    fn torn_line(&mut self, path: &Path, line: usize) {
        let _ = (path, line);
    }
    /// The records of so many shards' files are in `runs.jsonl` now, some of which were not there before; the files are gone.
    fn shards_merged(&mut self, files: usize, records: usize) {
        let _ = (files, records);
    }
    /// The options ask for something else than the plans that are there, so the study has this one too: an extension, which
    /// makes its verdicts exploratory.
    fn plan_extended(&mut self, path: &Path) {
        let _ = path;
    }
    /// The study starts or continues; of a shard, its share of the runs.
    fn study_started(&mut self, plan: &StudyStart) {
        let _ = plan;
    }
    /// A run of the study was already recorded; called after [`study_started`](Self::study_started).
    fn run_recorded(&mut self, record: &RunRecord) {
        let _ = record;
    }
    /// The tuning runs have ended and recipes are chosen, with which the remaining runs have at most as many steps as
    /// [`study_started`](Self::study_started) said, and some may be the same.
    fn recipes_chosen(&mut self, plan: &StudyStart) {
        let _ = plan;
    }
    /// The models of these recorded runs are among those to save, and are not there; they cannot be saved any more. Called
    /// after [`study_started`](Self::study_started).
    fn models_are_lost(&mut self, saving: Saving, runs: &[&RunRecord]) {
        let _ = (saving, runs);
    }
    /// A run starts.
    fn run_started(&mut self, plan: &RunStart) {
        let _ = plan;
    }
    /// A checkpoint of the run that has just started cannot be used; `reason` says why, and what happens instead.
    fn checkpoint_unusable(&mut self, path: &Path, reason: &str) {
        let _ = (path, reason);
    }
    /// The run that has just started continues after this many optimizer steps.
    fn run_continues(&mut self, run: &RunKey, steps: usize) {
        let _ = (run, steps);
    }
    /// A run took an optimizer step.
    fn step(&mut self, run: &RunKey, step: &Step) {
        let _ = (run, step);
    }
    /// An epoch of a run, counted from 1, was scored; `score` is the headline score.
    fn epoch(&mut self, run: &RunKey, epoch: usize, score: f64) {
        let _ = (run, epoch, score);
    }
    /// Whether to stop now; asked before every run, after every step, and after every batch of an
    /// evaluation.
    fn should_stop(&mut self) -> bool {
        false
    }
    /// A run has ended, and its record is on disk.
    fn run_finished(&mut self, record: &RunRecord) {
        let _ = record;
    }
}

impl Progress for () {}
