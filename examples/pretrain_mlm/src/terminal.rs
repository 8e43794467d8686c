//! Progress: a bar on a terminal, one line per evaluation otherwise.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use pretrain::{DataSummary, HeldOut, Observer, Step};
use program::progress::say;
use program::stop;

/// A bar on standard error.
pub(crate) struct Terminal {
    bar: ProgressBar,
    loss: f64,
    tokens: usize,
}

impl Terminal {
    /// Draws nothing until training starts, and no bar if standard error is not a terminal.
    pub(crate) fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            loss: f64::NAN,
            tokens: 0,
        }
    }
}

impl Observer for Terminal {
    fn torn_line(&mut self, path: &Path, line: usize) {
        say(&format_args!(
            "{}:{line}: half-written, as if its process was killed; removed",
            path.display()
        ));
    }

    fn prepared(&mut self, data: &DataSummary, step: usize, steps: usize) {
        say(&format_args!(
            "{} documents, {} of {} sentences excluded, {} tokens in {} sequences, vocabulary {}",
            data.documents,
            data.excluded_sentences,
            data.sentences,
            data.tokens,
            data.sequences,
            data.vocabulary
        ));
        if step > 0 {
            say(&format_args!("continuing after step {step} of {steps}"));
        }
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left")
            .expect("a constant, valid template");
        self.bar = ProgressBar::new(steps as u64).with_style(style);
        self.bar.set_position(step as u64);
        self.bar.reset_eta();
    }

    fn step(&mut self, step: &Step) {
        self.tokens += step.tokens;
        self.loss = match self.loss.is_nan() {
            true => step.loss,
            // Averaged over about the last fifty steps, because one batch says little.
            false => self.loss + (step.loss - self.loss) / 50.0,
        };
        let seconds = self.bar.elapsed().as_secs_f64().max(1e-9);
        let speed = self.tokens as f64 / seconds;
        self.bar
            .set_message(format!("loss {:.3}, {speed:.0} tokens/s", self.loss));
        self.bar.inc(1);
    }

    fn held_out(&mut self, step: usize, scores: &HeldOut) {
        let line = format!(
            "step {step:>7}  masked accuracy {:.2} %, perplexity {:.2}",
            100.0 * scores.accuracy,
            scores.perplexity
        );
        self.bar.suspend(|| say(&line));
    }

    fn should_stop(&mut self) -> bool {
        stop::asked()
    }
}
