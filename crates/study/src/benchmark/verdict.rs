//! What tasks or languages show together, in one sentence.

use super::{BenchmarkSummary, Parts, TaskResult};
use crate::statistics::{ALPHA, Finding, Paired, either, fewest_pairs, listed, points};

impl BenchmarkSummary {
    /// What the tasks or languages show together, in one sentence.
    pub fn verdict(&self) -> String {
        let exploratory = self.tasks.iter().filter(|task| task.exploratory.is_some());
        let exploratory: Vec<&str> = exploratory.map(|task| task.task.as_str()).collect();
        let found = self.found();
        match exploratory.len() {
            0 => found,
            all if all == self.tasks.len() => format!("exploratory, {found}"),
            _ => format!("exploratory on {}, {found}", exploratory.join(", ")),
        }
    }

    fn found(&self) -> String {
        let parts = self.parts;
        let of = |finding| {
            let tasks = self.tasks.iter().filter(|task| task.finding == finding);
            tasks.map(|task| task.task.as_str()).collect::<Vec<_>>()
        };
        if self.tasks.is_empty() {
            return format!("no verdict: no {} was compared", parts.one());
        }
        let untested = of(Finding::TooFew).len();
        let told = self.tasks.len() - untested;
        let average = self.average.as_ref().map_or(String::new(), |average| {
            let interval = average
                .ci95
                .map(|[low, high]| format!(" (95 % interval {} to {})", points(low), points(high)));
            format!(
                "; over {} the mean difference is {} points{}",
                parts.counted(self.tasks.len()),
                points(average.treatment - average.control),
                interval.unwrap_or_default(),
            )
        });
        let rest = self.failed() + &average;
        if told == 0 {
            let with = match self.tasks.len() {
                1 => String::new(),
                several => format!("with {} ", parts.counted(several)),
            };
            return format!(
                "too few pairs to tell: {with}it takes at least {} pairs of runs that differ{rest}",
                fewest_pairs(self.tasks.len()),
            );
        }
        let named = |finding, word: &str| {
            let tasks = of(finding);
            (!tasks.is_empty()).then(|| format!("{word} on {}", tasks.join(", ")))
        };
        let found = [
            named(Finding::Higher, "higher"),
            named(Finding::Lower, "lower"),
        ];
        let found: Vec<String> = found.into_iter().flatten().collect();
        let too_few = match of(Finding::TooFew).as_slice() {
            [] => String::new(),
            untold => format!("; too few pairs to tell on {}", untold.join(", ")),
        };
        if found.is_empty() {
            let all = self.tasks.len();
            let on = match of(Finding::NoEvidence).as_slice() {
                [only] => (*only).to_owned(),
                some if told < all => either(some),
                _ => format!("any of {}", parts.counted(told)),
            };
            let corrected = match told == all {
                true if all == 1 => String::new(),
                true => ", corrected for their number".to_owned(),
                false => format!(", corrected for all {}", parts.counted(all)),
            };
            return format!(
                "no evidence of a difference on {on}{corrected}{}{}{too_few}{rest}",
                self.excluded(),
                self.uncorrected(),
            );
        }
        let corrected = match self.tasks.len() {
            1 => String::new(),
            _ => format!(", corrected for the number of {}s", parts.one()),
        };
        format!(
            "evidence of a difference{corrected}: {}{}{too_few}{rest}",
            found.join(" and "),
            self.uncorrected(),
        )
    }

    /// Which gains are excluded, on all together at 95 %, where there is no evidence; nothing if none is.
    fn excluded(&self) -> String {
        let gains = self.tasks.iter().filter_map(|task| {
            let paired = &task.comparison.as_ref()?.paired;
            let [_, high] = paired.interval_beside(self.tasks.len())?;
            let is_excluded = task.finding == Finding::NoEvidence && !paired.excludes_0();
            is_excluded.then_some((100.0 * high, task.task.as_str()))
        });
        let at_95 = match self.tasks.len() {
            1 => "at 95 %",
            _ => "at 95 % for all together",
        };
        let gains: Vec<String> = gains
            .zip(std::iter::once(" points").chain(std::iter::repeat("")))
            .map(|((points, task), unit)| format!("{points:.2}{unit} on {task}"))
            .collect();
        let gains: Vec<&str> = gains.iter().map(String::as_str).collect();
        let (gain, is) = match gains.as_slice() {
            [] => return String::new(),
            [_] => ("a gain", "is"),
            _ => ("gains", "are"),
        };
        format!(
            "; {at_95}, {gain} of more than {} {is} excluded",
            listed(&gains)
        )
    }

    /// Where only one of p-value and interval keeps a difference from being evidence.
    fn uncorrected(&self) -> String {
        let on = |holds: &dyn Fn(&TaskResult, &Paired) -> bool| -> Vec<&str> {
            let holds = |task: &&TaskResult| {
                let comparison = task.comparison.as_ref();
                task.finding == Finding::NoEvidence
                    && comparison.is_some_and(|c| holds(task, &c.paired))
            };
            let tasks = self.tasks.iter().filter(holds);
            tasks.map(|task| task.task.as_str()).collect()
        };
        let excluding = match on(&|_, paired| paired.excludes_0()).as_slice() {
            [] => String::new(),
            [only] => format!("; by itself, the interval on {only} excludes 0"),
            several => format!(
                "; by themselves, the intervals on {} exclude 0",
                listed(several)
            ),
        };
        let is_small = |task: &TaskResult, paired: &Paired| {
            let is_open = paired.ci95.is_some() && !paired.excludes_0();
            is_open && task.holm_p.is_some_and(|p| p < ALPHA)
        };
        match on(&is_small).as_slice() {
            [] => excluding,
            some => format!(
                "{excluding}; p is below {ALPHA} on {}, but the interval includes 0",
                listed(some)
            ),
        }
    }

    /// Runs that have no score. The pairs are of the other seeds, which need not be like these.
    fn failed(&self) -> String {
        let of = |task: &TaskResult| task.control_scores.failed + task.treatment_scores.failed;
        let failed: Vec<(usize, &str)> = self
            .tasks
            .iter()
            .filter(|task| of(task) > 0)
            .map(|task| (of(task), task.task.as_str()))
            .collect();
        let Some((most, _)) = failed.iter().max() else {
            return String::new();
        };
        let runs = match self.parts {
            // The same runs in every language.
            Parts::Languages => tasks::counted(*most, "failed run"),
            Parts::Tasks => {
                let runs = failed.iter();
                let runs = runs.map(|(runs, task)| {
                    format!("{} on {task}", tasks::counted(*runs, "failed run"))
                });
                runs.collect::<Vec<_>>().join(" and ")
            }
        };
        format!("; left out: {runs}")
    }
}
