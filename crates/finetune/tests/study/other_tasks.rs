//! Tasks other than SST-2: scores instead of classes, more than one evaluation set.

use std::fmt::Write;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use encoders::{Classifier, Snapshot};
use finetune::batch::{BatchTargets, Filling};
use finetune::evaluation::evaluate;
use finetune::trainer::Trainer;
use finetune::{Session, TaskData};
use study::record::{PredictionsFile, RecordedPredictions, RunLog, RunRecord};
use study::{Arm, Recipe};
use tasks::{
    EvaluationSet, Format, Metric, Outputs, Predictions, Source, Targets, Task, TsvColumns,
};
use tempfile::TempDir;

use crate::setup::{config, snapshot};

const SETS: [&str; 2] = ["dev_matched", "dev_mismatched"];

/// A task of pairs in `folder`, with 12 training rows and evaluation sets of 5 and 7.
fn pairs(folder: &Path, outputs: Outputs, metrics: Vec<Metric>, labels: [&str; 3]) -> Task {
    let source = |name: &str| Source {
        path: folder.join(name),
        format: Format::Tsv(TsvColumns {
            count: 3,
            sentence: 0,
            sentence2: Some(1),
            label: Some(2),
            ..TsvColumns::default()
        }),
    };
    for (name, rows) in [("train", 12), (SETS[0], 5), (SETS[1], 7)] {
        let mut text = String::new();
        for row in 0..rows {
            let end = "so ".repeat((row * 5) % 7);
            let _ = writeln!(text, "a fine thing\tso good {end}\t{}", labels[row % 3]);
        }
        std::fs::write(folder.join(name), text).expect("a temporary folder");
    }
    let sets = SETS.map(|name| EvaluationSet {
        name: name.to_owned(),
        source: source(name),
    });
    Task::new("pairs", outputs, metrics, source("train"), sets.into()).expect("it is consistent")
}

fn similarity(folder: &Path) -> Task {
    let outputs = Outputs::Score { min: 0.0, max: 5.0 };
    let metrics = vec![Metric::Pearson, Metric::Spearman];
    pairs(folder, outputs, metrics, ["0.5", "4.25", "2"])
}

fn read(task: Task) -> TaskData {
    let snapshot = Snapshot::open(snapshot()).expect("the snapshot opens");
    let tokenizer = snapshot.tokenizer(32).expect("it has a tokenizer");
    TaskData::read(task, &tokenizer, 0, None, Some(6)).expect("the files are read")
}

/// The tiny checkpoint without its head of two classes.
fn headless() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (from, to) in [
        ("config.json", "config.json"),
        ("tokenizer.json", "tokenizer.json"),
        ("../variants/base_model.safetensors", "model.safetensors"),
    ] {
        std::fs::copy(snapshot().join(from), folder.path().join(to)).expect("a file");
    }
    folder
}

fn classifier(outputs: usize, device: &Device) -> Classifier {
    let folder = headless();
    let snapshot = Snapshot::open(folder.path()).expect("the snapshot opens");
    let loaded = snapshot.classifier(outputs, 3, device);
    loaded.expect("it loads").model
}

#[test]
fn every_labelled_set_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outputs = Outputs::classes(["no", "yes", "maybe"]);
    let task = pairs(
        folder.path(),
        outputs,
        vec![Metric::Accuracy],
        ["yes", "no", "maybe"],
    );
    let data = read(task);
    assert_eq!(data.train.len(), 12);
    let sets: Vec<_> = data
        .evaluation_sets
        .iter()
        .map(|(name, examples)| (name.as_str(), examples.targets.clone()))
        .collect();
    let first = vec![1, 0, 2, 1, 0, 2];
    assert_eq!(
        sets,
        [
            (SETS[0], Targets::Classes(first[..5].to_vec())),
            (SETS[1], Targets::Classes(first)),
        ]
    );
    assert_eq!(data.dev().provenance.rows, 5);
    assert_eq!(data.evaluation_sets[1].1.provenance.used, 6);
}

#[test]
fn scores_are_trained_on_the_squared_error_and_scored_in_the_order_of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = read(similarity(folder.path()));
    let device = Device::flex();
    let outputs = data.task.outputs().count();
    let model = classifier(outputs, &device);

    let dev = data.dev();
    let filling = Filling::Padded { token: 0, least: 0 };
    let scored = evaluate(&model, &data.task, dev, filling, &device).expect("it is scored");
    let (Predictions::Scores(predictions), Targets::Scores(targets)) =
        (&scored.predictions, &dev.targets)
    else {
        panic!("{scored:?}");
    };
    // One at a time, in the order of the file.
    for (position, score) in predictions.iter().enumerate() {
        let batch = dev.batch(&[position], filling, &device);
        let dropouts = &mut encoders::Dropouts::off();
        let alone = model.forward(batch.input, dropouts).into_scalar::<f32>();
        // Padding changes the order in which sums are added.
        assert!((alone - score).abs() < 1e-5, "{position}: {alone}, {score}");
    }
    let pairs = predictions.iter().zip(targets);
    let squares = pairs.map(|(p, t)| f64::from(p - t).powi(2));
    let mean = squares.sum::<f64>() / targets.len() as f64;
    // The mean of f32 squares up to 25.
    assert!((scored.loss - mean).abs() < 1e-5, "{} {mean}", scored.loss);
    let expected = data.task.metrics().iter().map(|metric| {
        let score = metric.score(&scored.predictions, &dev.targets);
        (*metric, score.expect("they vary"))
    });
    assert_eq!(scored.scores, expected.collect::<Vec<_>>());
    assert_eq!(scored.headline(), scored.scores[0].1);
    assert_eq!(scored.scores[0].0, Metric::Pearson);
}

#[test]
fn the_gradient_of_a_score_is_that_of_the_squared_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = read(similarity(folder.path()));
    let device = Device::flex();
    let model = classifier(1, &device);
    let parameters = model.parameters().into_iter();
    let mut bias = parameters.filter(|parameter| parameter.path == "classifier.bias");
    let bias = bias.next().expect("the head has a bias").id;
    let recipe = Recipe {
        learning_rate: 1e-3,
        ..Recipe::default()
    };
    let mut trainer = Trainer::new(model.clone(), &recipe, 30, 3, &device)
        .expect("a recipe in range")
        .without_dropout();
    let filling = Filling::Padded { token: 0, least: 0 };
    let positions: Vec<usize> = (0..data.train.len()).collect();
    let batch = data.train.batch(&positions, filling, trainer.device());
    let BatchTargets::Scores(targets) = batch.targets.clone() else {
        panic!("{batch:?}");
    };

    let input = data.train.batch(&positions, filling, &device).input;
    let outputs = model.forward(input, &mut encoders::Dropouts::off());
    let errors = outputs.reshape([positions.len()]) - targets.inner();
    // The bias is added to every score: its gradient is twice the mean error.
    let expected = 2.0 * errors.mean().into_scalar::<f32>();
    let (first, gradients) = trainer.gradients(vec![batch.clone()]);
    let gradient: Tensor<1> = gradients.get(bias).expect("the head has a gradient");
    let gradient = gradient.into_scalar::<f32>();
    assert!((gradient - expected).abs() < 1e-5, "{gradient}, {expected}");

    let mut last = first;
    for _ in 0..30 {
        last = trainer.step(vec![batch.clone()]).expect("finite").loss;
    }
    assert!(last < 0.8 * first, "{first}, {last}");
}

fn run(task: Task, out: &Path) -> RunRecord {
    let model = headless();
    let config = config(&[Arm::BASELINE], 1, 0.15);
    let study = Session::open(config, task, model.path(), &Device::flex(), "flex");
    study.expect("it opens").run(out, &mut ()).expect("it runs");
    let records = RunLog::read(out).expect("the records read back");
    let [record] = records.as_slice() else {
        panic!("one record, not {}", records.len());
    };
    record.clone()
}

#[test]
fn a_run_of_scores_that_diverges_is_recorded_as_failed() {
    let [folder, out] = [tempfile::tempdir(), tempfile::tempdir()].map(|f| f.expect("a folder"));
    let model = headless();
    let mut config = config(&[Arm::BASELINE, Arm::NOISYTUNE], 1, 0.15);
    config.recipe.epochs = 1;
    config.recipe.batch_size = 12;
    config.recipe.learning_rate = 1e20;
    config.recipe.warmup_ratio = 0.0;
    let task = similarity(folder.path());
    let study = Session::open(config, task, model.path(), &Device::flex(), "flex");
    let summary = study.expect("it opens").run(out.path(), &mut ());
    let points = &summary.expect("the study goes on").studies[0].points;
    assert_eq!([0, 1].map(|at| points[at].scores.failed), [1, 1]);
    for record in RunLog::read(out.path()).expect("the records read back") {
        let reason = record.failed.expect("it failed");
        let begin = "training diverged: the evaluation loss of step 0 is ";
        assert!(reason.starts_with(begin), "{reason}");
    }
}

#[test]
fn a_run_is_scored_by_every_metric_on_every_labelled_set() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = tempfile::tempdir().expect("a temporary folder");
    let task = similarity(folder.path());
    let record = run(task.clone(), out.path());
    assert_eq!(record.failed, None);
    let headline = &record.settings.headline;
    assert_eq!(
        (headline.set.as_str(), headline.metric.as_str()),
        (SETS[0], "pearson")
    );
    for (set, rows) in SETS.into_iter().zip([5, 7]) {
        assert_eq!(record.settings.evaluation[set].rows, rows);
        let RecordedPredictions::File(path) = &record.predictions[set] else {
            panic!("{:?}", record.predictions);
        };
        let file = PredictionsFile::read(out.path(), path).expect("it reads back");
        let numbers = |texts: &[String]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let predictions = Predictions::Scores(numbers(&file.predictions));
        let targets = Targets::Scores(numbers(&file.labels));
        assert_eq!(
            Some(&targets),
            task.read_evaluation_set(set).unwrap().targets.as_ref()
        );
        let last = record.epochs.last().expect("two epochs");
        let scores = &last.evaluations[set].metrics;
        assert_eq!(scores.len(), 2);
        for metric in task.metrics() {
            let score = metric.score(&predictions, &targets).expect("they vary");
            assert_eq!(scores[metric.name()], score, "{set}: {metric}");
        }
    }
    assert_eq!(
        record.score(),
        Some(record.epochs[1].evaluations[SETS[0]].metrics["pearson"])
    );
}

#[test]
fn a_run_whose_score_is_undefined_has_failed_and_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = tempfile::tempdir().expect("a temporary folder");
    let outputs = Outputs::Score { min: 0.0, max: 5.0 };
    let task = pairs(folder.path(), outputs, vec![Metric::Pearson], ["2"; 3]);
    let record = run(task, out.path());
    assert_eq!(
        record.failed.as_deref(),
        Some(
            "pearson is undefined: every target of 5 is 2; expected at least two different values"
        )
    );
    assert_eq!(record.score(), None);
}

#[test]
fn a_set_of_one_class_is_said_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let one_class = |labels| {
        let outputs = Outputs::classes(["no", "yes"]);
        let metrics = vec![Metric::Accuracy];
        let notes = read(pairs(folder.path(), outputs, metrics, labels)).notes;
        let prefix = format!("{}/", folder.path().display());
        let notes = notes.iter().map(|note| note.replace(&prefix, ""));
        notes.collect::<Vec<_>>()
    };
    // The few sentences occur in every file.
    let shared = "rows are in the training file too, where the model has seen their labels";
    assert_eq!(
        one_class(["no", "yes", "no"]),
        [
            "train: 8 of 12 rows have a text that occurs with different labels".to_owned(),
            format!("dev_matched: 5 of 5 {shared}"),
            format!("dev_mismatched: 6 of 6 {shared}"),
        ]
    );
    let same = "every row is of class yes: there is nothing to tell apart";
    assert_eq!(
        one_class(["yes", "yes", "yes"]),
        [
            format!("train: {same}"),
            format!("dev_matched: {same}"),
            format!("dev_matched: 5 of 5 {shared}"),
            format!("dev_mismatched: {same}"),
            format!("dev_mismatched: 6 of 6 {shared}"),
        ]
    );
}
