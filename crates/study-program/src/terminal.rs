//! Progress: bars on a terminal, one line per run otherwise.

use std::path::{Path, PathBuf};

use finetune::progress::{Progress, RunStart, StudyStart};
use finetune::trainer::Step;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use program::progress::{TimeLeft, say, style};
use program::stop;
use study::Arm;
use study::plan::RunKey;
use study::record::{RunRecord, Saving};
use study::summary::{is_collapsed, set_in_words};
use tasks::{Metric, counted};

use crate::running::Running;
use crate::saving;

/// The bar of the study. Every line fits into 60 columns.
const STUDY: &str = "study {bar:16} {msg}";
/// Checkpoints that take less than this many bytes are not worth a line.
const WORTH_A_LINE: u64 = 10_000_000;
/// Arms per line of the scores.
const ARMS_A_LINE: usize = 2;

/// On standard error, from top to bottom: the lines of finished runs, the scores of each arm so far, the study,
/// which counts the steps of all runs, and the runs in progress.
pub(crate) struct Terminal {
    quiet: bool,
    /// Lines to say first.
    heading: Vec<String>,
    /// What to call the set of the headline.
    set: String,
    /// The headline metric.
    metric: Metric,
    bars: MultiProgress,
    scores: ProgressBar,
    study: ProgressBar,
    running: Running,
    jobs: usize,
    /// The study's folder.
    folder: PathBuf,
    /// The folder of the checkpoints.
    checkpoints: PathBuf,
    runs: usize,
    begun: usize,
    done: usize,
    left: TimeLeft,
    /// Sum and number of the scores of each arm at the study's own settings.
    arms: Vec<(Arm, f64, usize)>,
}

impl Terminal {
    /// Draws nothing until the study starts with its heading, and nothing at all if quiet. The bars draw
    /// nothing if standard error is not a terminal. The folders are the study's and that of its checkpoints.
    pub(crate) fn new(
        quiet: bool,
        heading: Vec<String>,
        set: &str,
        metric: Metric,
        jobs: usize,
        [folder, checkpoints]: [PathBuf; 2],
    ) -> Self {
        let set = set_in_words(set);
        let bars = MultiProgress::new();
        if quiet {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            quiet,
            heading,
            set: set.to_owned(),
            metric,
            bars,
            scores: ProgressBar::hidden(),
            study: ProgressBar::hidden(),
            running: Running::new(set, metric.unit()),
            jobs,
            folder,
            checkpoints,
            runs: 0,
            begun: 0,
            done: 0,
            left: TimeLeft::of(0),
            arms: Vec::new(),
        }
    }

    /// Prints a line that stays, above the bars.
    fn line(&self, text: &str) {
        if !self.quiet {
            self.bars.suspend(|| say(&text));
        }
    }

    /// Stops drawing after Ctrl-C: the terminal's own `^C` has moved the cursor to the next line, so redrawing
    /// would miss the bars by one line.
    fn leave_bars_after_ctrl_c(&self) {
        if stop::asked() && !self.bars.is_hidden() {
            self.bars.set_draw_target(ProgressDrawTarget::hidden());
            say(&"");
        }
    }

    fn count(&mut self, record: &RunRecord) {
        self.done += 1;
        let Some(score) = record.score().filter(|_| record.is_at_study_settings()) else {
            return;
        };
        match self.arms.iter_mut().find(|(arm, ..)| *arm == record.arm) {
            Some((_, sum, n)) => {
                *sum += score;
                *n += 1;
            }
            None => self.arms.push((record.arm, score, 1)),
        }
        let mut text = format!(
            "mean {} {} in {} so far (runs)",
            self.set,
            self.metric,
            self.metric.unit()
        );
        for (index, (arm, sum, n)) in self.arms.iter().enumerate() {
            let separator = if index % ARMS_A_LINE == 0 { '\n' } else { ' ' };
            let mean = 100.0 * sum / *n as f64;
            text += &format!("{separator}{:<17} {mean:>6.2} ({n})", arm.name());
        }
        self.scores.set_message(text);
    }

    fn show_study(&self) {
        let left = self.left.words().map(|left| format!(", {left} left"));
        self.study.set_message(format!(
            "{} of {} done{}",
            self.done,
            counted(self.runs, "run"),
            left.unwrap_or_default()
        ));
    }
}

/// A study that ends, or fails, leaves no bars behind.
impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave_bars_after_ctrl_c();
        let _ = self.bars.clear();
        // Otherwise each bar, when dropped, would redraw the remaining ones.
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
    }
}

impl Progress for Terminal {
    fn torn_line(&mut self, path: &Path, line: usize) {
        self.line(&format!(
            "{}:{line}: half-written, as if its process was killed; removed, and its run is repeated",
            path.display()
        ));
    }

    fn shards_merged(&mut self, files: usize, records: usize) {
        self.line(&format!(
            "{} of {} merged into runs.jsonl",
            counted(records, "run"),
            counted(files, "shard")
        ));
    }

    fn plan_extended(&mut self, path: &Path) {
        self.line(&format!(
            "note: {}: written, because options, data or program are not those of the plan that was made before the first run; the study's \
             verdicts are exploratory from now on",
            path.display()
        ));
    }

    fn study_started(&mut self, plan: &StudyStart) {
        let StudyStart {
            runs,
            recorded,
            steps,
            checkpoint_bytes,
        } = *plan;
        for line in &self.heading {
            self.line(line);
        }
        if recorded > 0 {
            let continuing = if recorded < runs { ", continuing" } else { "" };
            self.line(&format!(
                "{recorded} of {} {} recorded already{continuing}",
                counted(runs, "run"),
                if recorded == 1 { "is" } else { "are" }
            ));
        }
        let jobs = self.jobs.min(runs - recorded);
        let line = checkpoint_bytes.and_then(|bytes| disk(bytes, &self.checkpoints, jobs));
        if let Some(line) = line {
            self.line(&line);
        }
        self.runs = runs;
        self.begun = recorded;
        self.left = TimeLeft::of(steps);
        if recorded == runs {
            return;
        }
        let bar = ProgressBar::no_length().with_style(style("{msg}"));
        self.scores = self.bars.add(bar);
        let bar = ProgressBar::new(steps as u64).with_style(style(STUDY));
        self.study = self.bars.add(bar);
        self.running
            .show(self.jobs.min(runs - recorded), &self.bars);
    }

    fn recipes_chosen(&mut self, plan: &StudyStart) {
        if plan.runs < self.runs {
            self.line(&format!(
                "recipes are chosen; some coincide, so {} of the {} are left",
                plan.runs,
                counted(self.runs, "run")
            ));
        }
        self.runs = plan.runs;
        let planned = self.study.length().unwrap_or(0);
        let left = planned.saturating_sub(self.study.position());
        let fewer = left.saturating_sub(plan.steps as u64);
        self.study.inc(fewer);
        self.left.skip(fewer as usize);
        self.show_study();
    }

    fn models_are_lost(&mut self, which: Saving, runs: &[&RunRecord]) {
        self.line(&format!("note: {}", saving::lost(which, runs)));
    }

    fn run_recorded(&mut self, record: &RunRecord) {
        self.count(record);
    }

    fn run_started(&mut self, plan: &RunStart) {
        self.begun += 1;
        self.show_study();
        self.running.start(plan);
    }

    fn checkpoint_unusable(&mut self, path: &Path, reason: &str) {
        self.line(&format!("note: {}: {reason}", path.display()));
    }

    fn run_continues(&mut self, run: &RunKey, steps: usize) {
        let taken = self.running.skip(run, steps);
        self.study.inc(steps as u64);
        self.left.skip(steps);
        self.show_study();
        if let Some(run) = taken {
            self.line(&format!("{run} continues after step {steps}"));
        }
    }

    fn step(&mut self, run: &RunKey, step: &Step) {
        self.leave_bars_after_ctrl_c();
        self.running.step(run, step);
        self.left.step();
        self.study.inc(1);
        self.show_study();
    }

    fn epoch(&mut self, run: &RunKey, _: usize, score: f64) {
        self.running.epoch(run, score);
    }

    fn should_stop(&mut self) -> bool {
        stop::asked()
    }

    fn run_finished(&mut self, record: &RunRecord) {
        self.leave_bars_after_ctrl_c();
        // A failed run will not take its remaining steps.
        let is_last_here = self.begun == self.runs;
        let run = RunKey::of(record);
        let skipped = self.running.end(&run, is_last_here, &self.bars);
        self.study.inc(skipped);
        self.left.skip(skipped as usize);
        self.count(record);
        self.show_study();
        let score = match (record.score(), &record.failed) {
            (Some(score), _) => {
                // What cannot be read is an error of the summary.
                let is_collapsed = is_collapsed(record, &self.folder).unwrap_or(false);
                let collapsed = match (&record.only_class, is_collapsed) {
                    (Some(class), _) => {
                        format!(" (it learned nothing: every prediction is {class})")
                    }
                    (None, true) => {
                        " (it learned nothing: no better than always the commonest class)"
                            .to_owned()
                    }
                    (None, false) => String::new(),
                };
                format!(
                    "{} {:.2} {}{collapsed}",
                    set_in_words(&record.settings.headline.set),
                    100.0 * score,
                    self.metric.unit(),
                )
            }
            (None, Some(reason)) => format!("failed: {reason}"),
            (None, None) => "no score".to_owned(),
        };
        let label = format!("{} seed {}", record.label(), record.seed);
        // The bars show it if there are any.
        let left = self.left.words().filter(|_| self.bars.is_hidden());
        let left = left.map(|left| format!("; {left} left"));
        self.line(&format!(
            "[{:>2}/{}] {label:<28} {score}, {:.0} s{}",
            self.done,
            self.runs,
            record.seconds,
            left.unwrap_or_default()
        ));
    }
}

/// What checkpoints may take, in a line; `None` if it is not worth one.
fn disk(bytes: u64, checkpoints: &Path, jobs: usize) -> Option<String> {
    let at_once = match jobs {
        1 => String::new(),
        jobs => format!(", with {jobs} runs at a time"),
    };
    (bytes >= WORTH_A_LINE).then(|| {
        format!(
            "note: checkpoints take up to {} MB in {} until their runs are recorded{at_once}",
            bytes.div_ceil(1_000_000),
            checkpoints.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_that_checkpoints_take_is_said_unless_it_is_little() {
        let line = |bytes, jobs| disk(bytes, Path::new("out/checkpoints"), jobs);
        assert_eq!(line(9_999_999, 1), None);
        assert_eq!(
            line(817_000_001, 1).as_deref(),
            Some(
                "note: checkpoints take up to 818 MB in out/checkpoints until their runs are recorded"
            )
        );
        let two = line(194_000_000, 2).expect("it is much");
        assert!(two.ends_with(", with 2 runs at a time"), "{two}");
    }
}
