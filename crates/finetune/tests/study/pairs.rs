//! What the two runs of a pair share, and where they differ.

use std::collections::BTreeMap;

use finetune::Session;
use finetune::progress::{Progress, RunStart};
use finetune::trainer::Step;
use study::plan::RunKey;
use study::record::{EvaluationRecord, PredictionsFile, RecordedPredictions, RunRecord};
use study::{Arm, Batching, Precision, Recipe, StudyConfig, StudySummary};

use crate::setup::{config, open, write_data};

/// The losses of every step, run by run.
#[derive(Default)]
struct Losses {
    runs: Vec<(Arm, u64, Vec<f64>)>,
    records: Vec<RunRecord>,
    predictions: Vec<PredictionsFile>,
}

impl Progress for Losses {
    fn run_started(&mut self, plan: &RunStart) {
        self.runs.push((plan.run.arm, plan.run.seed, Vec::new()));
    }

    fn step(&mut self, run: &RunKey, step: &Step) {
        let of_run = |(arm, seed, _): &&mut (Arm, u64, _)| (*arm, *seed) == (run.arm, run.seed);
        let (_, _, losses) = self.runs.iter_mut().find(of_run).expect("it has started");
        losses.push(step.loss);
    }

    fn run_finished(&mut self, record: &RunRecord) {
        self.records.push(record.clone());
    }
}

fn run(arms: &[Arm], seeds: usize, lambda: f64) -> (Losses, StudySummary) {
    run_with(arms, seeds, lambda, |_| ())
}

fn run_with(
    arms: &[Arm],
    seeds: usize,
    lambda: f64,
    change: impl FnOnce(&mut StudyConfig),
) -> (Losses, StudySummary) {
    let data = tempfile::tempdir().expect("a temporary folder");
    let out = tempfile::tempdir().expect("a temporary folder");
    write_data(data.path());
    let mut config = config(arms, seeds, lambda);
    change(&mut config);
    let study: Session = open(config, data.path());
    let mut losses = Losses::default();
    let summary = study.run(out.path(), &mut losses).expect("the study runs");
    losses.predictions = (losses.records.iter())
        .map(|record| match &record.predictions["dev"] {
            RecordedPredictions::File(path) => PredictionsFile::read(out.path(), path),
            RecordedPredictions::Classes(_) => panic!("a record of version 1"),
        })
        .collect::<Result<_, _>>()
        .expect("the predictions read back");
    (losses, summary)
}

#[test]
fn lambda_zero_is_bit_identical_to_the_baseline() {
    let (losses, summary) = run(&[Arm::BASELINE, Arm::NOISYTUNE], 2, 0.0);
    for pair in losses.runs.chunks(2) {
        assert_eq!(pair[0].1, pair[1].1, "one seed");
        assert_eq!(pair[0].2, pair[1].2, "the loss of every step");
    }
    for pair in losses.predictions.chunks(2) {
        assert_eq!(pair[0].predictions.len(), 10);
        assert_eq!(pair[0], pair[1]);
    }
    for pair in losses.records.chunks(2) {
        for (a, b) in pair[0].epochs.iter().zip(&pair[1].epochs) {
            assert_eq!(a.train_loss, b.train_loss);
            assert_eq!(a.evaluations, b.evaluations);
        }
    }
    let noisytune = &summary.studies[0].points[1];
    let comparison = noisytune.comparison.as_ref().expect("both arms ran");
    assert_eq!(comparison.paired.differences, [0.0, 0.0]);
}

#[test]
fn noise_changes_the_first_loss_and_seeds_change_every_loss() {
    let (losses, _) = run(&[Arm::BASELINE, Arm::NOISYTUNE], 2, 0.15);
    let of_run = |i: usize| &losses.runs[i].2;
    assert_ne!(of_run(0)[0], of_run(1)[0], "noise");
    assert_eq!(of_run(0).len(), 6, "two epochs of three steps");
    for (step, (one, other)) in of_run(0).iter().zip(of_run(2)).enumerate() {
        assert_ne!(one, other, "seeds, step {step}");
    }
}

#[test]
fn a_run_does_not_depend_on_the_runs_before_it() {
    let (both, _) = run(&[Arm::BASELINE, Arm::NOISYTUNE], 1, 0.15);
    let (alone, _) = run(&[Arm::NOISYTUNE], 1, 0.15);
    assert_eq!(both.runs[1], alone.runs[0]);
}

#[test]
fn training_lowers_the_loss() {
    let (losses, _) = run(&[Arm::BASELINE], 1, 0.15);
    let epochs = &losses.records[0].epochs;
    assert!(
        epochs[1].train_loss < epochs[0].train_loss,
        "{} then {}",
        epochs[0].train_loss,
        epochs[1].train_loss
    );
}

#[test]
fn every_arm_trains_and_no_two_are_the_same() {
    let (losses, summary) = run_with(Arm::ALL, 1, 0.15, |config| {
        // Beside other dropout masks, the published 1e-5 changes no bit of some losses.
        for name in [
            "r3f.epsilon",
            "smart.epsilon",
            "smart.sigma",
            "smart.step",
            "hype.epsilon",
        ] {
            config.hyperparameters.insert(name.to_owned(), 0.1);
        }
        // The published slope is a switch between the first two of six steps, and the first has a learning rate of 0.
        let slope = ("recadam.slope".to_owned(), 10.0);
        config.hyperparameters.extend([slope]);
    });
    let last = |i: usize| losses.runs[i].2.last().expect("steps");
    for i in 0..Arm::ALL.len() {
        for j in 0..i {
            assert_ne!(last(i), last(j), "{} and {}", Arm::ALL[i], Arm::ALL[j]);
        }
    }
    let failed: usize = summary.studies[0]
        .points
        .iter()
        .map(|p| p.scores.failed)
        .sum();
    assert_eq!(failed, 0);
}

#[test]
fn companions_start_where_the_baseline_starts() {
    // Mixing weights with the start, or pulling towards it, changes nothing before the first update; noise on the
    // embeddings does.
    let arms = ["baseline", "mixout", "recadam", "neftune", "mixconnect"];
    let arms = arms.map(|name| Arm::named(name).expect("an arm"));
    let (losses, _) = run(&arms, 1, 0.15);
    let first = |i: usize| losses.runs[i].2[0];
    assert_eq!(first(0), first(1));
    assert_eq!(first(0), first(2));
    assert_ne!(first(0), first(3));
    assert_eq!(first(0), first(4));
}

#[test]
fn every_batching_trains_every_arm() {
    let first_losses = |batching| {
        let data = tempfile::tempdir().expect("a temporary folder");
        let out = tempfile::tempdir().expect("a temporary folder");
        write_data(data.path());
        let mut config = config(Arm::ALL, 1, 0.15);
        config.recipe.batching = batching;
        let mut losses = Losses::default();
        let summary = open(config, data.path())
            .run(out.path(), &mut losses)
            .expect("the study runs");
        for point in &summary.studies[0].points {
            assert_eq!(point.scores.failed, 0, "{} {batching:?}", point.label);
        }
        losses.runs.iter().map(|run| run.2[0]).collect::<Vec<_>>()
    };
    let shuffled = first_losses(Batching::Shuffled);
    let packed = first_losses(Batching::Packed);
    let bucketed = first_losses(Batching::Bucketed);
    // The same sentences under different dropout masks, which change a first loss by a few hundredths.
    for (shuffled, packed) in shuffled.iter().zip(&packed) {
        assert!((shuffled - packed).abs() < 0.2, "{shuffled} {packed}");
        assert_ne!(shuffled, packed);
    }
    assert_ne!(shuffled, bucketed);
}

/// The losses of every step and the evaluations of an arm's only run, with some numbers of its method.
fn course(arm: &str, numbers: &[(&str, f64)], change: impl Fn(&mut Recipe)) -> Course {
    let data = tempfile::tempdir().expect("a temporary folder");
    let out = tempfile::tempdir().expect("a temporary folder");
    write_data(data.path());
    let mut config = config(&[Arm::named(arm).expect("an arm")], 1, 0.15);
    let set = numbers.iter();
    let set = set.map(|(name, number)| ((*name).to_owned(), *number));
    config.hyperparameters.extend(set);
    change(&mut config.recipe);
    let mut losses = Losses::default();
    open(config, data.path())
        .run(out.path(), &mut losses)
        .expect("the study runs");
    let record = &losses.records[0];
    for (name, number) in numbers {
        assert_eq!(record.settings.hyperparameters.get(*name), Some(number));
    }
    let evaluations = record.epochs.iter().map(|epoch| epoch.evaluations.clone());
    (losses.runs[0].2.clone(), evaluations.collect())
}

type Course = (Vec<f64>, Vec<BTreeMap<String, EvaluationRecord>>);

#[test]
fn a_method_without_weight_is_its_control_to_the_last_bit() {
    type Numbers = &'static [(&'static str, f64)];
    const R3F: Numbers = &[("r3f.weight", 0.0)];
    const SMOOTHNESS: Numbers = &[("smart.weight", 0.0)];
    const PROXIMITY: Numbers = &[("smart.proximity", 0.0)];
    const HYPE: Numbers = &[("hype.epsilon", 0.0)];
    let recipes: [fn(&mut Recipe); 2] = [
        |_| (),
        |recipe| {
            recipe.batching = Batching::Packed;
            recipe.batch_size = 4;
            recipe.gradient_accumulation = 2;
            recipe.gradient_checkpointing = true;
        },
    ];
    for recipe in recipes {
        for (control, arm, numbers) in [
            ("baseline", "neftune", &[("neftune.alpha", 0.0)][..]),
            ("baseline", "r3f-uniform", R3F),
            ("baseline", "r3f-normal", R3F),
            ("baseline", "smart-adversarial", SMOOTHNESS),
            ("baseline", "smart-proximal", PROXIMITY),
            ("baseline", "smart", &[SMOOTHNESS, PROXIMITY].concat()[..]),
            ("baseline", "hype-uniform", HYPE),
            ("baseline", "hype-normal", HYPE),
            ("two-passes", "r-drop", &[("r-drop.weight", 0.0)][..]),
        ] {
            let ours = course(arm, numbers, recipe);
            assert_eq!(ours, course(control, &[], recipe), "{arm}");
        }
    }
}

/// Every arm that can be trained in a precision.
fn arms(precision: Precision) -> Vec<Arm> {
    let mut arms = Arm::ALL.to_vec();
    arms.retain(|arm| precision == Precision::F32 || !arm.method().needs_f32());
    arms
}

#[test]
fn gradient_checkpointing_changes_only_rounding_in_any_arm() {
    let run = |batching, precision, gradient_checkpointing| {
        let data = tempfile::tempdir().expect("a temporary folder");
        let out = tempfile::tempdir().expect("a temporary folder");
        write_data(data.path());
        let mut config = config(&arms(precision), 1, 0.15);
        config.recipe.batching = batching;
        config.recipe.precision = precision;
        config.recipe.gradient_checkpointing = gradient_checkpointing;
        // A longer one ends at ±ε, and makes of the rounding of small gradients their signs.
        let step = ("smart.step".to_owned(), 1e-6);
        config.hyperparameters.extend([step]);
        let mut losses = Losses::default();
        open(config, data.path())
            .run(out.path(), &mut losses)
            .expect("the study runs");
        losses.runs
    };
    // Gradients of the same tensor are added in an order that follows the depth of the graph. Six steps of AdamW
    // amplify the rounding error of that order: a bit of 24, or of 8.
    for (batching, precision, tolerance) in [
        (Batching::Shuffled, Precision::F32, 1e-6),
        (Batching::Packed, Precision::F32, 1e-6),
        (Batching::Packed, Precision::Bf16, 1e-2),
    ] {
        let plain = run(batching, precision, false);
        let checkpointed = run(batching, precision, true);
        assert_eq!(plain.len(), arms(precision).len());
        for ((arm, _, expected), (_, _, ours)) in plain.iter().zip(&checkpointed) {
            // Before the first update there is nothing to amplify, but SMART takes a gradient before it.
            if !arm.name().starts_with("smart") {
                assert_eq!(ours[0], expected[0], "{arm}");
            }
            for (ours, expected) in ours.iter().zip(expected) {
                let apart = (ours / expected - 1.0).abs();
                assert!(apart < tolerance, "{arm} {batching:?}: {ours} {expected}");
            }
        }
    }
}
