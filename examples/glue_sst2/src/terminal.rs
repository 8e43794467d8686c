//! Progress on the terminal: bars where someone watches, nothing in a pipe but a line a run.

use finetune::progress::{Progress, RunPlan};
use finetune::record::RunRecord;
use finetune::training::Step;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Two bars on standard error: runs of the study, steps of the run.
pub(crate) struct Terminal {
    bars: MultiProgress,
    runs: ProgressBar,
    steps: ProgressBar,
    examples: usize,
    dev: String,
}

impl Terminal {
    /// Draws nothing until the study starts, and nothing at all where standard error is no terminal.
    pub(crate) fn new() -> Self {
        let bars = MultiProgress::new();
        Self {
            runs: ProgressBar::hidden(),
            steps: ProgressBar::hidden(),
            bars,
            examples: 0,
            dev: String::new(),
        }
    }
}

impl Progress for Terminal {
    fn study_started(&mut self, runs: usize, recorded: usize) {
        if recorded > 0 {
            eprintln!("{recorded} of {runs} runs are recorded already, continuing");
        }
        self.runs = self.bars.add(
            ProgressBar::new(runs as u64)
                .with_style(style("{bar:30} {pos}/{len} runs, {eta} left")),
        );
        self.runs.set_position(recorded as u64);
        self.runs.reset_eta();
    }

    fn run_started(&mut self, plan: RunPlan) {
        self.examples = 0;
        self.dev.clear();
        let bar = ProgressBar::new(plan.steps as u64)
            .with_style(style("{bar:30} {pos}/{len} {prefix}: {msg}, {eta} left"))
            .with_prefix(format!("{} seed {}", plan.arm, plan.seed));
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
    }

    fn epoch(&mut self, epoch: usize, dev_accuracy: f64) {
        self.dev = format!(", dev {:.2} % after epoch {epoch}", 100.0 * dev_accuracy);
    }

    fn run_finished(&mut self, record: &RunRecord) {
        self.steps.finish_and_clear();
        self.bars.remove(&self.steps);
        self.runs.inc(1);
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
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a constant, valid template")
}
