//! A stop is heeded within an evaluation.

use std::fmt::Write;

use finetune::FinetuneError;
use finetune::progress::Progress;
use finetune::trainer::Step;
use study::Arm;
use study::plan::RunKey;
use study::record::RunLog;

use crate::setup::{config, open, write_data};

/// Asks to stop after a number of batches of the first evaluation.
struct Impatient {
    /// Steps before the first evaluation.
    steps: usize,
    batches: usize,
    taken: usize,
    /// Questions since the last step, the first of which is about the step.
    asked: usize,
}

impl Progress for Impatient {
    fn step(&mut self, _: &RunKey, _: &Step) {
        self.taken += 1;
        self.asked = 0;
    }

    fn epoch(&mut self, _: &RunKey, _: usize, _: f64) {
        panic!("the evaluation did not end");
    }

    fn should_stop(&mut self) -> bool {
        self.asked += 1;
        self.taken == self.steps && self.asked > self.batches
    }
}

#[test]
fn an_evaluation_ends_with_the_batch_in_progress() {
    let data = tempfile::tempdir().expect("a folder");
    write_data(data.path());
    // Five batches of 64.
    let mut text = "sentence\tlabel\n".to_owned();
    for row in 0..320 {
        let _ = writeln!(text, "a fine thing {}\t1", "x".repeat(row % 9 + 1));
    }
    std::fs::write(data.path().join("dev.tsv"), text).expect("a file");
    let study = open(config(&[Arm::BASELINE], 1, 0.0), data.path());
    for batches in [1, 4] {
        let out = tempfile::tempdir().expect("a folder");
        let mut progress = Impatient {
            steps: 3,
            batches,
            taken: 0,
            asked: 0,
        };
        let error = study.run(out.path(), &mut progress);
        let error = error.expect_err("it was stopped");
        assert!(matches!(error, FinetuneError::Stopped), "{error}");
        // One question after the step, one after every batch, and none after the answer.
        assert_eq!((progress.taken, progress.asked), (3, batches + 1));
        assert!(RunLog::read(out.path()).expect("a log").is_empty());
        study.run(out.path(), &mut ()).expect("it continues");
        assert_eq!(RunLog::read(out.path()).expect("a log").len(), 1);
    }
}
