//! Made-up records of a study: the same for the same seeds.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use report::Material;
use study::plan::{self, RunKey, RunRecipe};
use study::record::{
    CurvePoint, EpochRecord, EvaluationRecord, FORMAT, Headline, HeldOutRows, Machine, ModelRecord,
    NoiseSummary, ParameterChange, Provenance, RecordedPredictions, Settings, Versions,
};
use study::{Arm, DataSummary, GridPoint, RunRecord, StudyConfig, StudyKind, StudySummary};

pub(crate) const ROWS: usize = 8_192;
pub(crate) const COMMAND: &str = "cargo run --example glue_sst2 -- --study all --max-train-samples 8192 --seeds 8 \\\n    --model all-MiniLM-L6-v2 --data SST-2 --out out/all";

const DEV: usize = 872;
const EPOCHS: usize = 3;
const BATCH: usize = 32;

/// A finished study.
pub(crate) struct Sample {
    pub(crate) config: StudyConfig,
    pub(crate) records: Vec<RunRecord>,
    pub(crate) data: String,
    pub(crate) files: Option<DataSummary>,
    pub(crate) command: String,
}

impl Sample {
    /// Every study by one recipe over `seeds` seeds.
    pub(crate) fn all(seeds: usize) -> Self {
        Self::of(&StudyKind::BY_ONE_RECIPE, seeds)
    }

    /// These studies over `seeds` seeds.
    pub(crate) fn of(studies: &[StudyKind], seeds: usize) -> Self {
        Self::with_config(StudyConfig {
            studies: studies.to_vec(),
            seeds,
            max_train_samples: Some(ROWS),
            ..StudyConfig::default()
        })
    }

    /// What a configuration asks for.
    pub(crate) fn with_config(config: StudyConfig) -> Self {
        let mut records: Vec<RunRecord> = Vec::new();
        // Tuning runs decide which runs follow them.
        for _ in 0..2 {
            let runs = plan::runs(&plan::resolved(&config, ROWS, &records));
            let missing = runs.iter().filter(|run| {
                let is_there = |record: &RunRecord| RunKey::of(record) == **run;
                !matches!(run.recipe, RunRecipe::BestOf(_)) && !records.iter().any(is_there)
            });
            let missing: Vec<RunRecord> = missing.map(|run| record(&config, run)).collect();
            records.extend(missing);
        }
        Self {
            config,
            records,
            data: "SST-2".to_owned(),
            files: None,
            command: COMMAND.to_owned(),
        }
    }

    /// Lets the run of an arm and a seed in the main setting fail.
    pub(crate) fn fail(&mut self, arm: Arm, seed: u64, reason: &str) {
        let run = self
            .records
            .iter_mut()
            .find(|run| run.arm == arm && run.seed == seed && run.settings.train.used == ROWS);
        let run = run.expect("a run of the sample");
        run.failed = Some(reason.to_owned());
        run.epochs.truncate(1);
        run.curve.truncate(40);
        run.changes.truncate(4);
    }

    pub(crate) fn summary(&self) -> StudySummary {
        StudySummary::of(&self.config, &self.records, "no folder".as_ref()).expect("a summary")
    }

    /// Calls `then` with the material of a report.
    pub(crate) fn with<T>(&self, then: impl FnOnce(&Material<'_>) -> T) -> T {
        let saved = self.records.iter().filter(|run| run.saved_model.is_some());
        then(&Material {
            config: &self.config,
            summary: &self.summary(),
            records: &self.records,
            data: &self.data,
            files: self.files.as_ref(),
            saved: &saved.collect::<Vec<_>>(),
            command: &self.command,
        })
    }
}

/// What an arm adds to the baseline's accuracy.
fn gain(run: &RunKey) -> f64 {
    let lambda = run.lambda.unwrap_or(0.0);
    // Rises to λ = 0.15 and falls beyond.
    let noise = 0.024 * lambda - 0.09 * lambda * lambda;
    match run.arm.name() {
        "noisytune" => noise,
        "gaussian" => -0.004,
        "gaussian-matched" => 0.001,
        "global-uniform" => -0.010,
        "global-gaussian" => -0.017,
        "baseline" => 0.0,
        other => {
            0.003
                + if other.ends_with("noisytune") {
                    noise
                } else {
                    0.0
                }
        }
    }
}

/// Rises with the epochs, and with the learning rate to a peak that is higher up for NoisyTune.
fn recipe_gain(run: &RunKey) -> f64 {
    let RunRecipe::Grid(point) = run.recipe else {
        return 0.0;
    };
    let peak: f64 = if run.arm == Arm::BASELINE { 5e-5 } else { 1e-4 };
    0.01 * point.epochs as f64 - 0.05 * (point.learning_rate / peak).ln().powi(2)
}

fn record(config: &StudyConfig, run: &RunKey) -> RunRecord {
    let name: u64 = run.arm.name().bytes().map(u64::from).sum();
    let lambda = run.lambda.unwrap_or(0.0);
    let key = run.seed * 1_000_003 + name * 1009 + run.train_rows as u64 + (lambda * 1e3) as u64;
    let of_recipe = match run.recipe {
        RunRecipe::Grid(point) => (point.learning_rate * 1e9) as u64 + point.epochs as u64,
        _ => 0,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(key + of_recipe);
    let mut shared = ChaCha8Rng::seed_from_u64(run.seed);
    let of_seed = 0.006 * (shared.random::<f64>() - 0.5);
    let of_run = 0.007 * (rng.random::<f64>() - 0.5);
    let size = 0.018 * (run.train_rows as f64 / ROWS as f64).log2();
    let wished = 0.905 + size + gain(run) + recipe_gain(run) + of_seed + of_run;

    let dev_predictions = predictions(wished, &mut rng);
    let right = dev_predictions.iter().zip(labels());
    let accuracy = right.filter(|(p, l)| **p == *l).count() as f64 / DEV as f64;
    let steps = EPOCHS * run.train_rows.div_ceil(BATCH);
    let mut record = RunRecord {
        format: FORMAT,
        arm: run.arm,
        seed: run.seed,
        failed: None,
        epochs: (1..=EPOCHS)
            .map(|epoch| EpochRecord {
                epoch,
                train_loss: 0.48 / epoch as f64 + 0.01 * rng.random::<f64>(),
                evaluations: evaluation(
                    0.29 + 0.02 * rng.random::<f64>(),
                    match EPOCHS - epoch {
                        0 => accuracy,
                        left => accuracy - 0.006 * left as f64 + 0.004 * rng.random::<f64>(),
                    },
                ),
                train_seconds: 0.011 * run.train_rows as f64,
            })
            .collect(),
        seconds: 0.036 * run.train_rows as f64 + 9.0 * rng.random::<f64>(),
        only_class: None,
        saved_model: None,
        predictions: BTreeMap::from([(
            "dev".to_owned(),
            RecordedPredictions::Classes(dev_predictions),
        )]),
        skipped_steps: 0,
        curve: curve(steps, &mut rng),
        changes: changes(steps, lambda, &mut rng),
        noise: run.arm.has_noise().then(|| NoiseSummary {
            perturbed: 101,
            perturbed_elements: 22_713_216,
            noise_rms: 0.2887 * lambda * 0.052,
            skipped: vec![
                ("classifier.weight".to_owned(), "not selected".to_owned()),
                ("classifier.bias".to_owned(), "not selected".to_owned()),
            ],
        }),
        settings: settings(config, run),
        versions: Versions {
            noisytune_burn: "0.1.0".to_owned(),
            burn: "0.22.1".to_owned(),
        },
        machine: Machine {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            threads: 2,
            jobs: 1,
        },
        finished_unix: 1_795_480_510 + 300 * run.seed + name,
        plan_sha256: None,
    };
    if run.is_tuning {
        let renamed = |set: String| {
            if set == "dev" {
                "validation".to_owned()
            } else {
                set
            }
        };
        for epoch in &mut record.epochs {
            let scores = std::mem::take(&mut epoch.evaluations).into_iter();
            epoch.evaluations = scores.map(|(set, score)| (renamed(set), score)).collect();
        }
        let files = std::mem::take(&mut record.predictions).into_iter();
        record.predictions = files.map(|(set, file)| (renamed(set), file)).collect();
    }
    record
}

/// The scores of dev after an epoch.
pub(crate) fn evaluation(loss: f64, accuracy: f64) -> BTreeMap<String, EvaluationRecord> {
    let metrics = BTreeMap::from([("accuracy".to_owned(), accuracy)]);
    BTreeMap::from([("dev".to_owned(), EvaluationRecord { loss, metrics })])
}

fn labels() -> impl Iterator<Item = usize> {
    (0..DEV).map(|at| at * 7 % 13 % 2)
}

/// Mostly the labels: some sentences are hard for every run.
fn predictions(accuracy: f64, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut hard: Vec<(f64, usize)> = (0..DEV)
        .map(|at| (((at * 389) % DEV) as f64 + 60.0 * rng.random::<f64>(), at))
        .collect();
    hard.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wrong = ((1.0 - accuracy) * DEV as f64).round() as usize;
    let mut predictions: Vec<usize> = labels().collect();
    for (_, at) in &hard[..wrong] {
        predictions[*at] = 1 - predictions[*at];
    }
    predictions
}

fn curve(steps: usize, rng: &mut ChaCha8Rng) -> Vec<CurvePoint> {
    let stretch = steps.div_ceil(100);
    (1..=steps.div_ceil(stretch))
        .map(|point| {
            let share = point as f64 * stretch as f64 / steps as f64;
            CurvePoint {
                step: (point * stretch).min(steps),
                loss: 0.12 + 0.56 * (-4.0 * share).exp() + 0.05 * (rng.random::<f64>() - 0.5),
            }
        })
        .collect()
}

fn changes(steps: usize, lambda: f64, rng: &mut ChaCha8Rng) -> Vec<ParameterChange> {
    let parts = [
        ("query", 1.1),
        ("key", 1.0),
        ("value", 0.7),
        ("dense", 0.8),
        ("all", 0.6),
    ];
    (1..=10)
        .map(|tenth| {
            let share = f64::from(tenth) / 10.0;
            let moved = |scale: f64, luck: f64| {
                1.5e-3 * scale * (1.0 - (-2.5 * share).exp()) * (1.0 - 0.3 * lambda + 0.03 * luck)
            };
            let parts = parts.map(|(part, scale)| (part.to_owned(), moved(scale, rng.random())));
            ParameterChange {
                step: steps * tenth as usize / 10,
                l1_norm: parts
                    .iter()
                    .map(|(part, moved)| (part.clone(), moved - 0.4e-3))
                    .collect(),
                l1: BTreeMap::from(parts),
            }
        })
        .collect()
}

fn settings(config: &StudyConfig, run: &RunKey) -> Settings {
    let bert = r#"{"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}"#;
    let set = if run.is_tuning { "validation" } else { "dev" }.to_owned();
    Settings {
        task: "sst2".to_owned(),
        lambda: run.lambda,
        study_lambda: run
            .lambda
            .filter(|own| *own != config.lambda)
            .map(|_| config.lambda),
        noise_selection: config.noise_selection,
        study_train_rows: (run.train_rows != ROWS).then_some(ROWS),
        hyperparameters: BTreeMap::new(),
        vary: None,
        study_grid_point: matches!(run.recipe, RunRecipe::Grid(_))
            .then(|| GridPoint::of(&config.recipe)),
        held_out: run.is_tuning.then(|| HeldOutRows {
            rows: ROWS - run.train_rows,
            seed: 0,
        }),
        recipe: match run.recipe {
            RunRecipe::Grid(point) => point.applied_to(&config.recipe),
            _ => config.recipe.clone(),
        },
        model: ModelRecord {
            name: "all-MiniLM-L6-v2".to_owned(),
            sha256: "53aa".repeat(16),
            config: serde_json::from_str(bert).expect("a config"),
            tokenizer_sha256: None,
        },
        train: Provenance {
            rows: 67_349,
            used: run.train_rows,
            sha256: "48ea".repeat(16),
        },
        evaluation: BTreeMap::from([(
            set.clone(),
            Provenance {
                rows: DEV,
                used: DEV,
                sha256: "54a9".repeat(16),
            },
        )]),
        headline: Headline {
            set,
            metric: "accuracy".to_owned(),
        },
        device: "flex".to_owned(),
    }
}
