//! Progress on the terminal: bars where someone watches, a line a run in a pipe.

use finetune::progress::{Progress, RunPlan, StudyPlan};
use finetune::record::RunRecord;
use finetune::training::Step;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Two bars on standard error: the study, which counts the steps of all runs, and the run.
pub(crate) struct Terminal {
    bars: MultiProgress,
    study: ProgressBar,
    steps: ProgressBar,
    runs: usize,
    done: usize,
    examples: usize,
    dev: String,
}

impl Terminal {
    /// Draws nothing until the study starts, and nothing at all where standard error is no terminal.
    pub(crate) fn new() -> Self {
        let bars = MultiProgress::new();
        Self {
            study: ProgressBar::hidden(),
            steps: ProgressBar::hidden(),
            bars,
            runs: 0,
            done: 0,
            examples: 0,
            dev: String::new(),
        }
    }
}

impl Progress for Terminal {
    fn study_started(&mut self, plan: &StudyPlan) {
        let StudyPlan { runs, recorded, .. } = *plan;
        if recorded > 0 {
            eprintln!("{recorded} of {runs} runs are recorded already, continuing");
        }
        self.runs = runs;
        self.done = recorded;
    }

    fn run_started(&mut self, plan: RunPlan) {
        self.examples = 0;
        self.dev.clear();
        if self.study.length().is_none() {
            let left = (self.runs - self.done) * plan.steps;
            let bar = ProgressBar::new(left as u64).with_style(style("{bar:30} {msg}, {eta} left"));
            self.study = self.bars.add(bar);
        }
        self.study
            .set_message(format!("run {} of {}", self.done + 1, self.runs));
        let bar = ProgressBar::new(plan.steps as u64)
            .with_style(style("{bar:30} {pos}/{len} {prefix}: {msg}, {eta} left"))
            .with_prefix(format!("{} seed {}", plan.run.arm, plan.run.seed));
        self.steps = self.bars.add(bar);
    }

    fn step(&mut self, step: &Step) {
        self.examples += step.examples;
        let seconds = self.steps.elapsed().as_secs_f64().max(1e-9);
        self.steps.set_message(format!(
            "loss {:.3}, {:.0} examples/s{}",
            step.loss,
            self.examples as f64 / seconds,
            self.dev
        ));
        self.steps.inc(1);
        self.study.inc(1);
    }

    fn epoch(&mut self, epoch: usize, dev_accuracy: f64) {
        self.dev = format!(", dev {:.2} % after epoch {epoch}", 100.0 * dev_accuracy);
    }

    fn run_finished(&mut self, record: &RunRecord) {
        self.steps.finish_and_clear();
        self.bars.remove(&self.steps);
        self.done += 1;
        let score = match (record.dev_accuracy, &record.failed) {
            (Some(accuracy), _) => format!("dev accuracy {:.2} %", 100.0 * accuracy),
            (None, Some(reason)) => format!("failed: {reason}"),
            (None, None) => "no score".to_owned(),
        };
        let line = format!(
            "{:<9} seed {:<3} {score}  ({:.0} s)",
            record.arm, record.seed, record.seconds
        );
        self.bars.suspend(|| eprintln!("{line}"));
        if self.done == self.runs {
            self.study.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a constant, valid template")
}
