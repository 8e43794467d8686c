//! Which runs a study needs.

use tasks::counted;

use crate::arm::Arm;
use crate::config::StudyConfig;
use crate::error::StudyError;
use crate::kind::StudyKind;
use crate::record::RunRecord;
use crate::statistics::{ALPHA, fewest_pairs, least_p_value};
use crate::tuning::{self, GridPoint, TUNING_SEEDS_FOLLOW_BY};

/// The paper's comparison.
const PAIR: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];

/// One training run: everything that distinguishes it from the other runs of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunKey {
    /// What is done on top of plain finetuning.
    pub arm: Arm,
    /// Noise intensity; `None` for an arm without noise.
    pub lambda: Option<f64>,
    /// Number of training rows, counted from the first.
    pub train_rows: usize,
    /// Seed of every random choice.
    pub seed: u64,
    /// Learning rate and epochs.
    pub recipe: RunRecipe,
    /// Whether it is there to choose a recipe by: scored on training rows that are held out, not on dev.
    pub is_tuning: bool,
}

/// Where a run has its learning rate and epochs from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunRecipe {
    /// The study's recipe.
    Study,
    /// A point of the grid.
    Grid(GridPoint),
    /// The point that will be chosen for an arm; see [`resolved`].
    BestOf(Arm),
}

impl RunKey {
    /// The run that a record describes.
    pub fn of(record: &RunRecord) -> Self {
        Self {
            arm: record.arm,
            lambda: record.settings.lambda,
            train_rows: record.settings.train.used,
            seed: record.seed,
            recipe: match record.settings.grid_point() {
                Some(point) => RunRecipe::Grid(point),
                None => RunRecipe::Study,
            },
            is_tuning: record.is_tuning(),
        }
    }
}

/// A point of a study: the same setting over several seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedPoint {
    /// Unique within the study.
    pub label: String,
    /// What is done on top of plain finetuning.
    pub arm: Arm,
    /// Noise intensity, if the point has one; 0 for the baseline in a sweep.
    pub lambda: Option<f64>,
    /// Training rows.
    pub train_rows: usize,
    /// Learning rate and epochs, if they are a point of a grid and known yet.
    pub recipe: Option<GridPoint>,
    /// Label of the point it is compared with.
    pub against: Option<String>,
    /// Its runs, in ascending order of seed.
    pub runs: Vec<RunKey>,
}

/// A study with its points.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStudy {
    /// The question.
    pub study: StudyKind,
    /// The points that recipes are chosen from, whose runs come first; empty for every study by a given recipe.
    pub tuning: Vec<PlannedPoint>,
    /// Its points, in the order in which they run within a seed.
    pub points: Vec<PlannedPoint>,
}

/// Lays out the studies of a configuration over `train_rows` training rows.
pub fn plan(config: &StudyConfig, train_rows: usize) -> Vec<PlannedStudy> {
    let mut studies: Vec<PlannedStudy> = Vec::new();
    for &study in &config.studies {
        if studies.iter().all(|planned| planned.study != study) {
            let points = Points {
                config,
                study,
                train_rows,
            };
            studies.push(PlannedStudy {
                study,
                tuning: points.grid(),
                points: points.all(),
            });
        }
    }
    studies
}

/// The same with the recipes that tuning runs among these records have chosen. The recipe of an arm whose tuning runs have
/// not all ended, or have no score, stays [`RunRecipe::BestOf`].
pub fn resolved(
    config: &StudyConfig,
    train_rows: usize,
    records: &[RunRecord],
) -> Vec<PlannedStudy> {
    let mut studies = plan(config, train_rows);
    for study in &mut studies {
        let PlannedStudy { tuning, points, .. } = study;
        for point in points {
            let Some(RunRecipe::BestOf(arm)) = point.runs.first().map(|run| run.recipe) else {
                continue;
            };
            let Some(best) = chosen(tuning, arm, records) else {
                continue;
            };
            point.recipe = Some(best);
            // The study's own recipe is that of its other runs, which need not be made again.
            let recipe = match best == GridPoint::of(&config.recipe) {
                true => RunRecipe::Study,
                false => RunRecipe::Grid(best),
            };
            for run in &mut point.runs {
                run.recipe = recipe;
            }
        }
    }
    studies
}

/// The recipe of an arm, once all its tuning runs have ended.
fn chosen(tuning: &[PlannedPoint], arm: Arm, records: &[RunRecord]) -> Option<GridPoint> {
    let mut rated = Vec::new();
    for point in tuning.iter().filter(|point| point.arm == arm) {
        let found = |run: &RunKey| records.iter().find(|record| RunKey::of(record) == *run);
        let runs: Option<Vec<&RunRecord>> = point.runs.iter().map(found).collect();
        rated.push((point.recipe?, runs?));
    }
    tuning::best(&rated)
}

/// Every run of a plan once, study by study and seed by seed: all runs of a seed end before the next seed starts.
pub fn runs(plan: &[PlannedStudy]) -> Vec<RunKey> {
    let mut runs = Vec::new();
    for points in plan.iter().flat_map(|study| [&study.tuning, &study.points]) {
        let seeds = points.iter().map(|point| point.runs.len()).max();
        for seed in 0..seeds.unwrap_or(0) {
            for run in points.iter().filter_map(|point| point.runs.get(seed)) {
                if !runs.contains(run) {
                    runs.push(*run);
                }
            }
        }
    }
    runs
}

/// How many different comparisons a plan makes; the same one in several studies counts once.
pub fn comparisons(plan: &[PlannedStudy]) -> usize {
    let mut contrasts: Vec<[RunKey; 2]> = Vec::new();
    for contrast in plan.iter().flat_map(PlannedStudy::contrasts) {
        // Compared by their first seeds, which all points share.
        if let [Some(point), Some(control)] = contrast.map(|point| point.runs.first())
            && !contrasts.contains(&[*point, *control])
        {
            contrasts.push([*point, *control]);
        }
    }
    contrasts.len()
}

/// Says of each study whose pairs of runs are too few for any difference, however large, to be evidence, that they are,
/// and how many it takes.
pub fn too_few_pairs(plan: &[PlannedStudy]) -> Vec<String> {
    let comparisons = comparisons(plan);
    let of_study = |study: &PlannedStudy| {
        let pairs = study.contrasts().map(|points| {
            let runs = points.iter().map(|point| point.runs.len());
            runs.min().unwrap_or(0)
        });
        let most = pairs.max()?;
        (least_p_value(most, comparisons) >= ALPHA).then(|| {
            let with = match comparisons {
                1 => String::new(),
                several => format!("with {several} comparisons "),
            };
            format!(
                "{}: {} of runs cannot show any difference, however large; {with}it takes at least {}",
                study.study,
                counted(most, "pair"),
                fewest_pairs(comparisons),
            )
        })
    };
    plan.iter().filter_map(of_study).collect()
}

/// Says of each point of several runs for which the seeds decide nothing ([`StudyConfig::vary`]) that these are one run.
///
/// # Errors
/// [`StudyError::SeedsDecideNothing`] if that is so for both points of a comparison: its pairs would be copies of one.
pub fn undecided(config: &StudyConfig, train_rows: usize) -> Result<Vec<String>, StudyError> {
    let mut notes = Vec::new();
    let is_decided = |point: &PlannedPoint| {
        point.runs.len() < 2 || config.seeds_decide(point.arm, point.train_rows == train_rows)
    };
    for study in plan(config, train_rows) {
        for [point, control] in study.contrasts() {
            if !is_decided(point) && !is_decided(control) {
                return Err(StudyError::SeedsDecideNothing {
                    vary: config.vary.clone().unwrap_or_default(),
                    point: point.label.clone(),
                    control: control.label.clone(),
                });
            }
        }
        for point in study.points.iter().filter(|point| !is_decided(point)) {
            notes.push(format!(
                "{}: the seeds decide nothing for {}, whose {} runs are all the same",
                study.study,
                point.label,
                point.runs.len()
            ));
        }
    }
    Ok(notes)
}

/// Says of each arm that a study compares with nothing, and that nothing is compared with, that it is so.
pub fn uncompared(plan: &[PlannedStudy]) -> Vec<String> {
    let of_study = |study: &PlannedStudy| {
        let is_control = |label: &String| {
            let mut points = study.points.iter();
            points.any(|other| other.against.as_ref() == Some(label))
        };
        let alone = study.points.iter().filter(|point| {
            study.points.len() > 1 && point.against.is_none() && !is_control(&point.label)
        });
        let said = alone.map(|point| {
            let controls: Vec<&str> = point.arm.controls().map(Arm::name).collect();
            format!(
                "{}: {} is compared with nothing; it takes {} among the arms",
                study.study,
                point.label,
                controls.join(" or ")
            )
        });
        said.collect::<Vec<_>>()
    };
    plan.iter().flat_map(of_study).collect()
}

impl PlannedStudy {
    /// Every point that is compared, with the point it is compared with.
    pub(crate) fn contrasts(&self) -> impl Iterator<Item = [&PlannedPoint; 2]> {
        self.points.iter().filter_map(|point| {
            let label = point.against.as_ref()?;
            let control = self.points.iter().find(|other| other.label == *label)?;
            Some([point, control])
        })
    }
}

/// The points of one study.
struct Points<'a> {
    config: &'a StudyConfig,
    study: StudyKind,
    train_rows: usize,
}

impl Points<'_> {
    fn all(&self) -> Vec<PlannedPoint> {
        let config = self.config;
        match self.study {
            StudyKind::Compare
            | StudyKind::L1Change
            | StudyKind::NoiseKind
            | StudyKind::Companions => self.arms(&config.arms_of(self.study)),
            StudyKind::Lambda => self.sweep(),
            StudyKind::DataSize => self.sizes(&PAIR),
            StudyKind::Baseline => self.at_the_best(),
        }
    }

    /// Each arm at each point of the grid, on the training rows that are not held out.
    fn grid(&self) -> Vec<PlannedPoint> {
        if self.study != StudyKind::Baseline {
            return Vec::new();
        }
        let tuning = self.config.tuning();
        let rows = self.train_rows - tuning.validation_rows(self.train_rows).min(self.train_rows);
        let mut points: Vec<PlannedPoint> = Vec::new();
        for recipe in tuning.points() {
            for &arm in &self.config.arms {
                let label = format!("{arm}, {recipe}");
                if points.iter().any(|point| point.label == label) {
                    continue;
                }
                let mut point = self.point(label, arm, self.config.lambda, rows);
                point.recipe = Some(recipe);
                let first = self.config.first_seed + TUNING_SEEDS_FOLLOW_BY;
                let seeds = first..first + tuning.seeds as u64;
                point.runs = seeds
                    .map(|seed| RunKey {
                        arm,
                        lambda: point.lambda,
                        train_rows: rows,
                        seed,
                        recipe: RunRecipe::Grid(recipe),
                        is_tuning: true,
                    })
                    .collect();
                points.push(point);
            }
        }
        points
    }

    /// Each arm at the recipe that was chosen for the first one, which is the baseline if that is among them, and at its
    /// own. Its control is at the same recipe, and at the control's own.
    fn at_the_best(&self) -> Vec<PlannedPoint> {
        let arms = &self.config.arms;
        let reference = match arms.contains(&Arm::BASELINE) {
            true => Arm::BASELINE,
            false => arms.first().copied().unwrap_or(Arm::BASELINE),
        };
        let shared = |arm: Arm| match arm == reference {
            true => format!("{arm} at its best"),
            false => format!("{arm} at the {reference}'s best"),
        };
        let own = |arm: Arm| match arm == reference {
            true => shared(arm),
            false => format!("{arm} at its own best"),
        };
        let control = |arm: Arm| {
            let mut controls = arm.controls().chain([reference]);
            controls.find(|control| *control != arm && arms.contains(control))
        };
        let mut points: Vec<PlannedPoint> = Vec::new();
        for (tuned_for, label) in [(None, &shared as &dyn Fn(Arm) -> String), (Some(()), &own)] {
            for &arm in arms {
                if points.iter().any(|point| point.label == label(arm)) {
                    continue;
                }
                let recipe = RunRecipe::BestOf(tuned_for.map_or(reference, |()| arm));
                let mut point = self.point(label(arm), arm, self.config.lambda, self.train_rows);
                point.against = control(arm).map(label);
                for run in &mut point.runs {
                    run.recipe = recipe;
                }
                points.push(point);
            }
        }
        points
    }

    /// One point per arm, each compared with the first of its controls that runs.
    fn arms(&self, arms: &[Arm]) -> Vec<PlannedPoint> {
        let mut points: Vec<PlannedPoint> = Vec::new();
        for &arm in arms {
            if points.iter().any(|point| point.arm == arm) {
                continue;
            }
            let against = arm.controls().find(|control| arms.contains(control));
            points.push(PlannedPoint {
                against: against.map(|control| control.name().to_owned()),
                ..self.point(
                    arm.name().to_owned(),
                    arm,
                    self.config.lambda,
                    self.train_rows,
                )
            });
        }
        points
    }

    /// NoisyTune at each λ against no noise. λ = 0 equals the baseline bit for bit, so the baseline's runs are used.
    fn sweep(&self) -> Vec<PlannedPoint> {
        let mut points: Vec<PlannedPoint> = Vec::new();
        for &lambda in std::iter::once(&0.0).chain(&self.config.lambdas) {
            if points.iter().any(|point| point.lambda == Some(lambda)) {
                continue;
            }
            let label = format!("λ = {lambda}");
            points.push(if lambda == 0.0 {
                PlannedPoint {
                    lambda: Some(0.0),
                    ..self.point(label, Arm::BASELINE, 0.0, self.train_rows)
                }
            } else {
                PlannedPoint {
                    against: Some(points[0].label.clone()),
                    ..self.point(label, Arm::NOISYTUNE, lambda, self.train_rows)
                }
            });
        }
        points
    }

    /// Each arm on each share of the training rows, compared with the baseline on the same rows.
    fn sizes(&self, arms: &[Arm]) -> Vec<PlannedPoint> {
        let mut points: Vec<PlannedPoint> = Vec::new();
        for &fraction in &self.config.fractions {
            // Rounded, and at least 1: nothing can be trained on 0 rows.
            let rows = ((self.train_rows as f64 * fraction).round() as usize).max(1);
            for &arm in arms {
                let label = |arm: Arm| format!("{arm}, {rows} rows");
                if points.iter().any(|point| point.label == label(arm)) {
                    continue;
                }
                let control = Some(arm.control()).filter(|control| *control != arm);
                points.push(PlannedPoint {
                    against: control.map(label),
                    ..self.point(label(arm), arm, self.config.lambda, rows)
                });
            }
        }
        points
    }

    fn point(&self, label: String, arm: Arm, lambda: f64, train_rows: usize) -> PlannedPoint {
        let config = self.config;
        let lambda = arm.has_noise().then_some(lambda);
        let is_shared = train_rows == self.train_rows
            && lambda.is_none_or(|lambda| lambda == config.lambda)
            && config.studies.iter().any(|study| match study {
                StudyKind::Compare => config.arms.contains(&arm),
                StudyKind::L1Change => PAIR.contains(&arm),
                StudyKind::Baseline => config.arms.contains(&arm),
                _ => false,
            });
        let seeds = match config.side_seeds {
            Some(side) if !is_shared => side,
            // Side studies compare their points with those of the main ones, pair by pair.
            Some(side) if config.has_side_study() => config.seeds.max(side),
            _ => config.seeds,
        };
        let seeds = (0..seeds as u64).map(|offset| config.first_seed + offset);
        PlannedPoint {
            label,
            arm,
            lambda,
            train_rows,
            recipe: None,
            against: None,
            runs: seeds
                .map(|seed| RunKey {
                    arm,
                    lambda,
                    train_rows,
                    seed,
                    recipe: RunRecipe::Study,
                    is_tuning: false,
                })
                .collect(),
        }
    }
}
