//! The bars of the runs in progress.

use std::time::Duration;

use finetune::progress::RunStart;
use finetune::trainer::Step;
use indicatif::{MultiProgress, ProgressBar};
use program::progress::style;
use study::plan::RunKey;

/// The bars of a run. With GLUE's names of sets every line fits into 60 columns.
const RUN: &str = "run   {bar:16} {prefix}\nstep {pos} of {len}{msg}";
/// The bar of a run if so many train at the same time that two lines each would fill the terminal.
const ONE_OF_MANY: &str = "run   {bar:16} {prefix}";
/// The largest number of simultaneous runs that get two lines each.
const MANY: usize = 4;

/// One place per run in progress. A run that has ended stays visible until the next one takes its place.
pub(crate) struct Running {
    /// What to call the set that is scored.
    set: String,
    /// The unit of a score.
    unit: &'static str,
    places: Vec<Place>,
}

struct Place {
    /// The run; `None` once it has ended.
    run: Option<RunKey>,
    bar: ProgressBar,
    examples: usize,
    scored: String,
}

impl Running {
    pub(crate) fn new(set: &str, unit: &'static str) -> Self {
        Self {
            set: set.to_owned(),
            unit,
            places: Vec::new(),
        }
    }

    /// Makes `jobs` places, at the bottom.
    pub(crate) fn show(&mut self, jobs: usize, bars: &MultiProgress) {
        let template = if jobs > MANY { ONE_OF_MANY } else { RUN };
        self.places.extend((0..jobs).map(|_| Place {
            run: None,
            bar: bars.add(ProgressBar::new(0).with_style(style(template))),
            examples: 0,
            scored: String::new(),
        }));
    }

    /// Begins a run in the first free place.
    pub(crate) fn start(&mut self, plan: &RunStart) {
        if let Some(place) = self.places.iter_mut().find(|place| place.run.is_none()) {
            place.run = Some(plan.run);
            place.examples = 0;
            place.scored.clear();
            let name = format!("{} seed {}", plan.label, plan.run.seed);
            place.bar.set_prefix(name);
            place.bar.set_message("");
            place.bar.set_length(plan.steps as u64);
            place.bar.reset();
        }
    }

    /// Lets a run begin after so many steps, and returns its name.
    pub(crate) fn skip(&mut self, run: &RunKey, steps: usize) -> Option<String> {
        let place = self.place(run)?;
        place.bar.inc(steps as u64);
        Some(place.bar.prefix())
    }

    pub(crate) fn step(&mut self, run: &RunKey, step: &Step) {
        if let Some(place) = self.place(run) {
            place.examples += step.examples;
            let seconds = place.bar.elapsed().max(Duration::from_nanos(1));
            place.bar.set_message(format!(
                ", loss {:.3}, {:.0} examples/s{}",
                step.loss,
                place.examples as f64 / seconds.as_secs_f64(),
                place.scored
            ));
            place.bar.inc(1);
        }
    }

    pub(crate) fn epoch(&mut self, run: &RunKey, score: f64) {
        let set = match run.is_tuning {
            true => "validation",
            false => &self.set,
        };
        let scored = format!(", {set} {:.2} {}", 100.0 * score, self.unit);
        if let Some(place) = self.place(run) {
            place.scored = scored;
        }
    }

    /// Ends a run; with `is_last_here`, no other run takes its place. Returns how many of its steps were not taken.
    pub(crate) fn end(&mut self, run: &RunKey, is_last_here: bool, bars: &MultiProgress) -> u64 {
        let Some(place) = self.place(run) else {
            return 0;
        };
        place.run = None;
        if is_last_here {
            bars.remove(&place.bar);
        }
        let steps = place.bar.length().unwrap_or(0);
        steps.saturating_sub(place.bar.position())
    }

    fn place(&mut self, run: &RunKey) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.run == Some(*run))
    }
}
