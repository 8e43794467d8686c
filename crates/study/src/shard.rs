//! A share of a study's runs, for one of several processes on one machine or on many.

use std::fmt;
use std::str::FromStr;

use crate::error::StudyError;
use crate::plan::{RunKey, RunRecipe};

/// What the files of a shard are called is between these.
const RECORDS: [&str; 2] = ["runs.", ".jsonl"];

/// One of several equal shares of a study, written `2/8` for the second of eight.
///
/// Its runs are every eighth pair, from the second: all runs of a seed on the same training rows, and of tuning runs those at the
/// same point of the grid. What is compared stays together. Which pairs they are depends on the plan alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    /// How many there are.
    count: usize,
    /// Which of them it is, from 1.
    number: usize,
}

/// What the runs of a pair have in common.
#[derive(Clone, Copy, PartialEq)]
struct Pair {
    seed: u64,
    train_rows: usize,
    /// The point of the grid, if they are there to choose a recipe by. Other runs of a seed stay together, whatever recipes are
    /// chosen, so that pairs can be counted before.
    tuned: Option<RunRecipe>,
}

impl Shard {
    /// The `number`th of `count` shards, counted from 1.
    ///
    /// # Errors
    /// [`StudyError::Shard`] unless `number` is from 1 to `count`.
    pub fn new(number: usize, count: usize) -> Result<Self, StudyError> {
        match (1..=count).contains(&number) {
            true => Ok(Self { count, number }),
            false => Err(refused(&format!("{number}/{count}"), Some(count))),
        }
    }

    /// Which of them it is, from 1.
    pub fn number(self) -> usize {
        self.number
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// Those of these runs that are its own, in the same order. The runs are those of a plan, or of the same plan once its
    /// recipes are chosen ([`plan::runs`](crate::plan::runs)).
    pub fn share(self, runs: &[RunKey]) -> Vec<RunKey> {
        let pairs = pairs(runs);
        let is_own = |run: &&RunKey| {
            let pair = pairs.iter().position(|pair| *pair == Pair::of(run));
            pair.is_some_and(|pair| pair % self.count + 1 == self.number)
        };
        runs.iter().filter(is_own).copied().collect()
    }

    /// The shard of `count` that has a run of these as its own.
    pub fn of(run: &RunKey, runs: &[RunKey], count: usize) -> Option<Self> {
        let mut pairs = pairs(runs).into_iter();
        let pair = pairs.position(|pair| pair == Pair::of(run))?;
        Self::new(pair % count.max(1) + 1, count).ok()
    }

    /// The name of its file of records.
    pub fn file_name(self) -> String {
        let [begin, end] = RECORDS;
        format!("{begin}{}{end}", self.suffix())
    }

    /// `2-of-8`, for the names of its files.
    pub fn suffix(self) -> String {
        format!("{}-of-{}", self.number, self.count)
    }

    /// The shard whose file of records has this name; `None` for other files.
    ///
    /// # Errors
    /// [`StudyError::Shard`] for a name that looks like one and is none, such as `runs.9-of-8.jsonl`.
    pub fn of_file(name: &str) -> Result<Option<Self>, StudyError> {
        let [begin, end] = RECORDS;
        let inner = name.strip_prefix(begin).and_then(|n| n.strip_suffix(end));
        let Some((number, count)) = inner.and_then(|inner| inner.split_once("-of-")) else {
            return Ok(None);
        };
        let shard = number.parse().ok().zip(count.parse().ok());
        let shard = shard.and_then(|(number, count)| Self::new(number, count).ok());
        match shard.filter(|shard| shard.file_name() == name) {
            Some(shard) => Ok(Some(shard)),
            None => Err(StudyError::Shard {
                value: name.to_owned(),
                accepted: "runs.I-of-N.jsonl, with I from 1 to N".to_owned(),
            }),
        }
    }
}

/// How many pairs these runs are, the most shards that have something to do.
pub fn count_pairs(runs: &[RunKey]) -> usize {
    pairs(runs).len()
}

/// In the order in which they run.
fn pairs(runs: &[RunKey]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for pair in runs.iter().map(Pair::of) {
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

impl Pair {
    fn of(run: &RunKey) -> Self {
        Self {
            seed: run.seed,
            train_rows: run.train_rows,
            tuned: run.is_tuning.then_some(run.recipe),
        }
    }
}

fn refused(value: &str, count: Option<usize>) -> StudyError {
    StudyError::Shard {
        value: match value {
            "" => "empty".to_owned(),
            value => value.to_owned(),
        },
        accepted: match count {
            Some(count) if count > 0 => format!("1/{count} to {count}/{count}"),
            _ => "I/N such as 1/8, with I from 1 to N".to_owned(),
        },
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

/// Reads `2/8`.
impl FromStr for Shard {
    type Err = StudyError;

    fn from_str(text: &str) -> Result<Self, StudyError> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(n, count)| n.parse().ok().zip(count.parse().ok()));
        match numbers {
            Some((number, count)) => Self::new(number, count),
            None => Err(refused(text, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{plan, runs};
    use crate::{Arm, GridPoint, StudyConfig, StudyKind, Tuning};

    fn shard(text: &str) -> Shard {
        text.parse().expect("a shard")
    }

    fn config(studies: &[StudyKind]) -> StudyConfig {
        StudyConfig {
            studies: studies.to_vec(),
            seeds: 5,
            ..StudyConfig::default()
        }
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!(shard("2/8"), Shard::new(2, 8).expect("a shard"));
        assert_eq!(shard("2/8").to_string(), "2/8");
        assert_eq!(shard("8/8").file_name(), "runs.8-of-8.jsonl");
        for (text, accepted) in [
            ("0/4", "1/4 to 4/4"),
            ("5/4", "1/4 to 4/4"),
            ("1/0", "I/N such as 1/8, with I from 1 to N"),
            ("1", "I/N such as 1/8, with I from 1 to N"),
            ("a/b", "I/N such as 1/8, with I from 1 to N"),
            ("-1/4", "I/N such as 1/8, with I from 1 to N"),
            ("", "I/N such as 1/8, with I from 1 to N"),
        ] {
            let error = text.parse::<Shard>().expect_err("it is refused");
            let shown = if text.is_empty() { "empty" } else { text };
            let expected = format!("shard is {shown}, accepted is {accepted}");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_file_is_a_shards_by_its_name() {
        let of_file = |name| Shard::of_file(name).map_err(|error| error.to_string());
        assert_eq!(of_file("runs.2-of-8.jsonl"), Ok(Some(shard("2/8"))));
        for name in [
            "runs.jsonl",
            "runs.old.jsonl",
            "plan.json",
            "runs.1-of-2.json",
        ] {
            assert_eq!(of_file(name), Ok(None), "{name}");
        }
        for name in [
            "runs.9-of-8.jsonl",
            "runs.0-of-8.jsonl",
            "runs.02-of-8.jsonl",
            "runs.a-of-b.jsonl",
        ] {
            let error = of_file(name).expect_err("no shard has this file");
            let expected =
                format!("shard is {name}, accepted is runs.I-of-N.jsonl, with I from 1 to N");
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn every_run_is_of_one_shard_and_a_seeds_arms_stay_together() {
        let every = [StudyKind::Compare, StudyKind::Lambda, StudyKind::DataSize];
        let runs = runs(&plan(&config(&every), 1_000));
        for count in [1, 2, 3, 7, 40] {
            let shards = (1..=count).map(|number| Shard::new(number, count).expect("a shard"));
            let shares: Vec<Vec<RunKey>> = shards.map(|shard| shard.share(&runs)).collect();
            assert_eq!(shares.iter().flatten().count(), runs.len());
            for (share, number) in shares.iter().zip(1..) {
                for run in share {
                    let others = shares.iter().filter(|share| share.contains(run)).count();
                    assert_eq!(others, 1, "{run:?} of {count}");
                    let of_run = Shard::of(run, &runs, count).expect("a shard has it");
                    assert_eq!(of_run.number(), number);
                }
                // Whatever a run is compared with has its seed and its rows.
                for run in &runs {
                    let is_of_pair = share
                        .iter()
                        .any(|own| (own.seed, own.train_rows) == (run.seed, run.train_rows));
                    assert_eq!(is_of_pair, share.contains(run));
                }
            }
        }
        // Five seeds on four sizes, one of which is the whole.
        assert_eq!(count_pairs(&runs), 20);
    }

    #[test]
    fn two_shards_of_a_comparison_take_every_other_seed() {
        let runs = runs(&plan(&config(&[StudyKind::Compare]), 1_000));
        let seeds = |text: &str| -> Vec<(&str, u64)> {
            let share = shard(text).share(&runs);
            share.iter().map(|run| (run.arm.name(), run.seed)).collect()
        };
        let pair = |seed| [("baseline", seed), ("noisytune", seed)];
        assert_eq!(seeds("1/2"), [pair(0), pair(2), pair(4)].concat());
        assert_eq!(seeds("2/2"), [pair(1), pair(3)].concat());
        assert_eq!(seeds("6/7"), []);
    }

    #[test]
    fn shares_of_a_study_with_a_grid_stay_the_same_once_recipes_are_chosen() {
        let config = StudyConfig {
            tuning: Some(Tuning::default()),
            ..config(&[StudyKind::Baseline])
        };
        let before = runs(&plan(&config, 1_000));
        let point = Tuning::default().points()[0];
        // What `resolved` does, for any choice.
        let chosen = |run: &RunKey| RunKey {
            recipe: match run.recipe {
                RunRecipe::BestOf(Arm::BASELINE) => RunRecipe::Grid(point),
                RunRecipe::BestOf(_) => RunRecipe::Grid(GridPoint { epochs: 9, ..point }),
                known => known,
            },
            ..*run
        };
        let after: Vec<RunKey> = before.iter().map(chosen).collect();
        assert_ne!(before, after);
        for number in 1..=3 {
            let shard = Shard::new(number, 3).expect("a shard");
            let share: Vec<RunKey> = shard.share(&before).iter().map(chosen).collect();
            assert_eq!(share, shard.share(&after));
            let tuning = share.iter().filter(|run| run.is_tuning).count();
            // 12 points of two arms, 3 seeds each.
            assert_eq!(tuning, 24);
        }
    }
}
