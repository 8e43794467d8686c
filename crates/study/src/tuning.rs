//! A recipe looked for on a grid of learning rates and epochs.

use serde::{Deserialize, Serialize};

use crate::error::StudyError;
use crate::range::{at_least_one, check, count, twice};
use crate::recipe::Recipe;
use crate::record::RunRecord;

/// Tuning seeds follow the study's first seed by so many. A study has at most as many seeds, so that no final run shares
/// the noise, the head or the order of a run by which its recipe was chosen.
pub const TUNING_SEEDS_FOLLOW_BY: u64 = 1_000_000;

/// How [`StudyKind::Baseline`](crate::StudyKind::Baseline) looks for each arm's recipe.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `learning_rates` | 2e-5, 3e-5, 5e-5, 1e-4 | one axis of the grid | each above 0, and once |
/// | `epochs` | 1, 2, 3 | the other; the schedule of each number of epochs is its own | each 1 to 1,000,000, and once |
/// | `seeds` | 3 | runs of each arm at each point | 1 to 1,000,000 |
/// | `validation_fraction` | 0.1 | share of the training rows that is held out to choose by | above 0, below 1 |
/// | `max_validation_rows` | 1,000 | at most so many rows | at least 1 |
/// | `split_seed` | 0 | keys which rows are held out, every class by its share | |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Peaks of the learning rate.
    pub learning_rates: Vec<f64>,
    /// Numbers of epochs.
    pub epochs: Vec<usize>,
    /// Runs of each arm at each point of the grid, one per seed.
    pub seeds: usize,
    /// Share of the training rows that is held out.
    pub validation_fraction: f64,
    /// Number of rows held out at most.
    pub max_validation_rows: usize,
    /// Keys which rows are held out, and nothing else.
    pub split_seed: u64,
}

/// A point of the grid: what the study varies of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridPoint {
    /// Learning rate at the end of the warm-up.
    pub learning_rate: f64,
    /// Passes over the training examples.
    pub epochs: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            learning_rates: vec![2e-5, 3e-5, 5e-5, 1e-4],
            epochs: vec![1, 2, 3],
            seeds: 3,
            validation_fraction: 0.1,
            max_validation_rows: 1_000,
            split_seed: 0,
        }
    }
}

impl Tuning {
    /// Checks every range of the table above.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for the first value out of range.
    pub fn validate(&self) -> Result<(), StudyError> {
        at_least_one("number of learning rates", self.learning_rates.len())?;
        for &rate in &self.learning_rates {
            check("learning rate", rate, "a number above 0", |x| x > 0.0)?;
        }
        at_least_one("number of epochs in the grid", self.epochs.len())?;
        for &epochs in &self.epochs {
            count("epochs", epochs)?;
        }
        twice("learning rates", &self.learning_rates)?;
        twice("epochs in the grid", &self.epochs)?;
        count("tuning seeds", self.seeds)?;
        let share = self.validation_fraction;
        check("validation fraction", share, "above 0, below 1", |x| {
            x > 0.0 && x < 1.0
        })?;
        at_least_one("max validation rows", self.max_validation_rows)
    }

    /// The points of the grid, cheapest first: by epochs, then by learning rate; each once.
    pub fn points(&self) -> Vec<GridPoint> {
        let mut rates = self.learning_rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        let mut all_epochs = self.epochs.clone();
        all_epochs.sort_unstable();
        all_epochs.dedup();
        let of_epochs = |epochs: usize| {
            let rates = rates.clone().into_iter();
            rates.map(move |learning_rate| GridPoint {
                learning_rate,
                epochs,
            })
        };
        all_epochs.into_iter().flat_map(of_epochs).collect()
    }

    /// How many of so many training rows are held out: at least 1.
    pub fn validation_rows(&self, train_rows: usize) -> usize {
        let share = (train_rows as f64 * self.validation_fraction).round() as usize;
        share.clamp(1, self.max_validation_rows)
    }

    /// What of the grid the point has the largest or smallest value of, if the grid has several: a wider grid might have a
    /// better point.
    pub fn edges(&self, point: GridPoint) -> Vec<&'static str> {
        let rates = || self.learning_rates.iter().copied();
        let (low, high) = (
            rates().fold(f64::MAX, f64::min),
            rates().fold(0.0, f64::max),
        );
        let rate = point.learning_rate;
        // One epoch is the least there is, so that only the most is an edge.
        let most = self.epochs.iter().copied().max().unwrap_or(0);
        let several_epochs = self.epochs.iter().any(|epochs| *epochs != most);
        [
            (low < high && rate <= low).then_some("the lowest learning rate"),
            (low < high && rate >= high).then_some("the highest learning rate"),
            (several_epochs && point.epochs >= most).then_some("the most epochs"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl GridPoint {
    /// The point that a recipe is at.
    pub fn of(recipe: &Recipe) -> Self {
        Self {
            learning_rate: recipe.learning_rate,
            epochs: recipe.epochs,
        }
    }

    /// A recipe with the point's learning rate and epochs.
    pub fn applied_to(self, recipe: &Recipe) -> Recipe {
        Recipe {
            learning_rate: self.learning_rate,
            epochs: self.epochs,
            ..recipe.clone()
        }
    }
}

/// As `5e-5 × 3 epochs`.
impl std::fmt::Display for GridPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            learning_rate,
            epochs,
        } = self;
        let unit = if *epochs == 1 { "epoch" } else { "epochs" };
        write!(f, "{learning_rate:e} × {epochs} {unit}")
    }
}

/// The best of some points with the runs of each: of those with the fewest failed runs, the one with the highest mean
/// headline score, of equal ones the first. Runs that collapsed count. `None` if no run has a score.
pub(crate) fn best(points: &[(GridPoint, Vec<&RunRecord>)]) -> Option<GridPoint> {
    let rated = points.iter().filter_map(|(point, runs)| {
        let scores: Vec<f64> = runs.iter().filter_map(|run| run.score()).collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        (!scores.is_empty()).then_some((*point, runs.len() - scores.len(), mean))
    });
    let best = rated.reduce(|best, next| {
        let is_better = (next.1 < best.1) || (next.1 == best.1 && next.2 > best.2);
        if is_better { next } else { best }
    });
    best.map(|(point, ..)| point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_every_point_once_and_the_cheapest_first() {
        let tuning = Tuning {
            learning_rates: vec![1e-4, 2e-5, 1e-4],
            epochs: vec![3, 1],
            ..Tuning::default()
        };
        let points: Vec<String> = tuning.points().iter().map(ToString::to_string).collect();
        let expected = [
            "2e-5 × 1 epoch",
            "1e-4 × 1 epoch",
            "2e-5 × 3 epochs",
            "1e-4 × 3 epochs",
        ];
        assert_eq!(points, expected);
    }

    #[test]
    fn a_share_of_the_rows_is_held_out_up_to_a_number() {
        let tuning = Tuning::default();
        let rows = [1, 4, 2_490, 8_192, 67_349].map(|rows| tuning.validation_rows(rows));
        assert_eq!(rows, [1, 1, 249, 819, 1_000]);
    }

    #[test]
    fn a_point_at_the_edge_of_the_grid_is_known_as_such() {
        let tuning = Tuning::default();
        let edges = |learning_rate, epochs| {
            tuning.edges(GridPoint {
                learning_rate,
                epochs,
            })
        };
        assert_eq!(edges(3e-5, 2), [""; 0]);
        assert_eq!(edges(2e-5, 1), ["the lowest learning rate"]);
        assert_eq!(
            edges(1e-4, 3),
            ["the highest learning rate", "the most epochs"]
        );
        let one = Tuning {
            learning_rates: vec![1e-4],
            epochs: vec![3],
            ..tuning.clone()
        };
        let point = one.points()[0];
        assert_eq!(one.edges(point), [""; 0]);
    }

    #[test]
    fn values_out_of_range_are_named() {
        let message = |tuning: Tuning| tuning.validate().expect_err("out of range").to_string();
        let wrong = Tuning {
            validation_fraction: 1.0,
            ..Tuning::default()
        };
        assert_eq!(
            message(wrong),
            "validation fraction is 1, accepted is above 0, below 1"
        );
        let wrong = Tuning {
            learning_rates: vec![5e-5, 0.0],
            ..Tuning::default()
        };
        assert_eq!(
            message(wrong),
            "learning rate is 0, accepted is a number above 0"
        );
        assert!(Tuning::default().validate().is_ok());
    }
}
