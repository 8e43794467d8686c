//! Where the classification head comes from.

use std::path::Path;

use burn::tensor::Device;
use finetune::{FinetuneError, Session};
use serde_json::{Value, json};
use study::record::{RunLog, RunRecord};
use study::{Arm, ClassifierPooling, Head};
use tempfile::TempDir;

use crate::setup::{self, config, snapshot};

/// The tiny checkpoint, whose head has two outputs, with these labels.
fn labelled(labels: Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(snapshot().join(name), folder.path().join(name)).expect("a file");
    }
    let path = folder.path().join("config.json");
    let text = std::fs::read_to_string(&path).expect("it has just been copied");
    let mut settings: Value = serde_json::from_str(&text).expect("it is JSON");
    settings["id2label"] = labels;
    std::fs::write(path, settings.to_string()).expect("a temporary folder");
    folder
}

fn open(model: &Path, data: &Path, head: Head) -> Result<Session, FinetuneError> {
    setup::write_data(data);
    let mut config = config(&[Arm::BASELINE], 2, 0.15);
    // Too small to change anything: what is scored is the checkpoint.
    config.recipe.learning_rate = 1e-30;
    config.recipe.head = head;
    Session::open(config, setup::sst2(data), model, &Device::flex(), "flex")
}

/// The runs of two seeds, and what was said before them.
fn runs(labels: Value, head: Head) -> (Vec<RunRecord>, Vec<String>) {
    let (model, data) = (
        labelled(labels),
        tempfile::tempdir().expect("a temporary folder"),
    );
    let session = open(model.path(), data.path(), head).expect("the study opens");
    let mut notes = session.notes().to_vec();
    notes.retain(|note| note.starts_with("the checkpoint's head"));
    let out = data.path().join("out");
    session.run(&out, &mut ()).expect("it runs");
    (RunLog::read(&out).expect("the records read back"), notes)
}

fn scores(records: &[RunRecord]) -> Vec<(f64, f64)> {
    let last = |record: &RunRecord| {
        let epoch = record.epochs.last().expect("two epochs");
        let dev = &epoch.evaluations["dev"];
        (dev.loss, dev.metrics["accuracy"])
    };
    records.iter().map(last).collect()
}

#[test]
fn a_fresh_pooler_is_drawn_from_the_seed_and_gets_no_noise() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    setup::write_data(folder.path());
    let runs = |fresh_pooler: bool| {
        let mut config = config(&[Arm::BASELINE, Arm::NOISYTUNE], 1, 0.15);
        config.recipe.learning_rate = 1e-30;
        config.recipe.fresh_pooler = fresh_pooler;
        let task = setup::sst2(folder.path());
        let session = Session::open(config, task, &snapshot(), &Device::flex(), "flex");
        let out = folder.path().join(format!("fresh-{fresh_pooler}"));
        session
            .expect("the study opens")
            .run(&out, &mut ())
            .expect("it runs");
        RunLog::read(&out).expect("the records read back")
    };
    let skipped = |records: &[RunRecord]| {
        let noise = records.iter().find_map(|record| record.noise.clone());
        let skipped = noise.expect("one arm has noise").skipped.into_iter();
        let paths: Vec<String> = skipped.map(|(path, _)| path).collect();
        paths.iter().filter(|path| path.contains("pooler")).count()
    };
    let (pretrained, fresh) = (runs(false), runs(true));
    assert_eq!((skipped(&pretrained), skipped(&fresh)), (0, 2));
    assert!(
        fresh
            .iter()
            .all(|record| record.settings.recipe.fresh_pooler)
    );
    assert_ne!(scores(&pretrained)[0].0, scores(&fresh)[0].0);
}

#[test]
fn the_head_reads_the_mean_of_all_tokens_where_it_is_asked_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    setup::write_data(folder.path());
    let session = |pooling, model: &Path| {
        let mut config = config(&[Arm::BASELINE, Arm::NOISYTUNE], 1, 0.15);
        config.recipe.classifier_pooling = pooling;
        let task = setup::sst2(folder.path());
        Session::open(config, task, model, &Device::flex(), "flex")
    };
    let runs = |pooling, out: &str| {
        let session = session(pooling, &snapshot()).expect("the study opens");
        let out = folder.path().join(out);
        session.run(&out, &mut ()).expect("it runs");
        RunLog::read(&out).expect("the records read back")
    };
    let (own, mean) = (
        runs(None, "own"),
        runs(Some(ClassifierPooling::Mean), "mean"),
    );
    let perturbed = |records: &[RunRecord]| {
        let noise = records.iter().find_map(|record| record.noise.clone());
        noise.expect("one arm has noise").perturbed
    };
    // BERT's pooler has two parameters.
    assert_eq!(perturbed(&own), perturbed(&mean) + 2);
    assert_ne!(scores(&own)[0].0, scores(&mean)[0].0);
    for record in &mean {
        let model = &record.settings.model.config;
        assert_eq!(model["classifier_pooling"], "mean");
        let recipe = &record.settings.recipe;
        assert_eq!(recipe.classifier_pooling, Some(ClassifierPooling::Mean));
    }
    assert!(
        own[0]
            .settings
            .model
            .config
            .get("classifier_pooling")
            .is_none()
    );
    // What the model says by itself changes nothing.
    let first = runs(Some(ClassifierPooling::Cls), "first");
    assert_eq!(scores(&first), scores(&own));
}

#[test]
fn a_fresh_head_is_drawn_from_the_seed_and_the_checkpoints_own_is_not() {
    let labels = json!({ "0": "NEGATIVE", "1": "POSITIVE" });
    let (fresh, notes) = runs(labels.clone(), Head::Fresh);
    let [(first, _), (second, _)] = scores(&fresh)[..] else {
        panic!("two seeds");
    };
    assert_ne!(first, second);
    assert!(
        notes[0].starts_with("the checkpoint's head is left aside: "),
        "{notes:?}"
    );

    let (own, notes) = runs(labels, Head::Checkpoint);
    let scores = scores(&own);
    assert_eq!(scores[0], scores[1]);
    assert_eq!(own[0].settings.recipe.head, Head::Checkpoint);
    assert_eq!(
        notes,
        ["the checkpoint's head is kept; its labels NEGATIVE, POSITIVE are matched by name"]
    );
}

#[test]
fn labels_in_another_order_are_matched_by_name_and_unknown_ones_are_taken_in_their_order() {
    let accuracy = |labels: Value| scores(&runs(labels, Head::Checkpoint).0)[0].1;
    let straight = accuracy(json!({ "0": "negative", "1": "positive" }));
    let swapped = accuracy(json!({ "0": "positive", "1": "negative" }));
    // Of two classes, one is predicted where the other was.
    assert!(
        (straight + swapped - 1.0).abs() < 1e-12,
        "{straight} {swapped}"
    );
    let (unnamed, notes) = runs(json!({ "0": "LABEL_0", "1": "LABEL_1" }), Head::Checkpoint);
    assert_eq!(scores(&unnamed)[0].1, straight);
    assert_eq!(
        notes,
        [
            "the checkpoint's head is kept; its labels LABEL_0, LABEL_1 are taken in this order for 0, 1"
        ]
    );
}

#[test]
fn a_head_that_does_not_fit_the_task_is_refused() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let model = labelled(json!({ "0": "positive", "1": "mixed" }));
    let error = open(model.path(), data.path(), Head::Checkpoint).expect_err("it does not fit");
    let place = model.path().display();
    assert_eq!(
        error.to_string(),
        format!(
            "{place}: only some of the labels of the checkpoint's head (positive, mixed) are classes of the task \
             (0, 1); accepted here is a fresh head"
        )
    );
    let base = snapshot().join("../variants/base_model.safetensors");
    std::fs::copy(base, model.path().join("model.safetensors")).expect("a file");
    let error = open(model.path(), data.path(), Head::Checkpoint).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        format!("{place}: the checkpoint has no head; accepted here is a fresh head")
    );
}

/// A head of another width than the task's, as a checkpoint finetuned on MNLI has for RTE.
#[test]
fn a_head_of_three_classes_is_left_aside_for_a_task_of_two_or_refused() {
    let three =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden/bert/snapshot");
    let data = tempfile::tempdir().expect("a temporary folder");
    let session = open(&three, data.path(), Head::Fresh).expect("a fresh head fits");
    let mut notes = session.notes().iter();
    assert!(notes.any(|note| note.starts_with("the checkpoint's head is left aside")));
    let out = data.path().join("out");
    session.run(&out, &mut ()).expect("it runs");
    let error = open(&three, data.path(), Head::Checkpoint).expect_err("three are not two");
    let text = error.to_string();
    assert!(
        text.contains("the checkpoint's head has 3 outputs"),
        "{text}"
    );
    assert!(
        text.ends_with("the task has 2; accepted here is a fresh head"),
        "{text}"
    );
}
