//! What a study leaves on disk.

use std::collections::BTreeMap;

use burn::tensor::Device;
use encoders::Snapshot;
use files::FileError;
use finetune::progress::{Progress, RunStart};
use finetune::{FinetuneError, Session};
use safetensors::SafeTensors;
use serde_json::Value;
use study::record::{PredictionsFile, RecordedPredictions, RunLog, RunRecord, Saving};
use study::{Arm, NoiseSelection, StudyConfig, StudyError};

use crate::saved;
use crate::setup::{config, open, snapshot, write_data};

const ARMS: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];

/// Counts the runs that were trained.
#[derive(Default)]
struct Trained(usize);

impl Progress for Trained {
    fn run_finished(&mut self, _: &RunRecord) {
        self.0 += 1;
    }
}

fn folders() -> (tempfile::TempDir, tempfile::TempDir) {
    let data = tempfile::tempdir().expect("a temporary folder");
    write_data(data.path());
    (data, tempfile::tempdir().expect("a temporary folder"))
}

#[test]
fn the_summary_has_the_documented_shape() {
    let (data, out) = folders();
    open(config(&ARMS, 2, 0.15), data.path())
        .run(out.path(), &mut ())
        .expect("the study runs");
    let text = std::fs::read(out.path().join("summary.json")).expect("the summary is written");
    let summary: Value = serde_json::from_slice(&text).expect("JSON");
    let keys = |value: &Value| -> Vec<String> {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect()
    };
    assert_eq!(keys(&summary), ["comparisons", "metric", "studies", "task"]);
    assert_eq!(summary["comparisons"], 1);
    assert_eq!(summary["task"], "sst2");
    assert_eq!(summary["metric"], "accuracy");
    let study = &summary["studies"][0];
    assert_eq!(keys(study), ["points", "study", "verdict"]);
    assert_eq!(study["study"], "compare");
    for (index, arm) in ["baseline", "noisytune"].into_iter().enumerate() {
        let point = &study["points"][index];
        let known = [
            "arm",
            "comparison",
            "label",
            "lambda",
            "scores",
            "train_rows",
        ];
        assert_eq!(keys(point), known);
        assert_eq!((&point["arm"], &point["label"]), (&arm.into(), &arm.into()));
        assert_eq!(point["train_rows"], 24);
        let scores = &point["scores"];
        let known = [
            "collapsed",
            "failed",
            "max",
            "mean",
            "mean_without_collapsed",
            "median",
            "min",
            "n",
            "sd",
            "values",
        ];
        assert_eq!(keys(scores), known);
        assert_eq!((&scores["n"], &scores["failed"]), (&2.into(), &0.into()));
        assert_eq!(scores["values"][1]["seed"], 4);
    }
    assert_eq!(study["points"][0]["comparison"], Value::Null);
    assert_eq!(study["points"][0]["lambda"], Value::Null);
    assert_eq!(study["points"][1]["lambda"], 0.15);
    let comparison = &study["points"][1]["comparison"];
    let known = [
        "against",
        "at_another_epoch",
        "equivalence",
        "holm_p",
        "mcnemar",
        "paired",
        "pairs_needed",
        "seeds_and_sentences",
        "stochastic_order",
        "t_test",
        "without_collapsed",
    ];
    assert_eq!(keys(comparison), known);
    assert_eq!(comparison["against"], "baseline");
    assert_eq!(comparison["holm_p"], Value::Null, "nothing to correct for");
    let paired = ["ci95", "differences", "mean", "n", "p_value", "test"];
    assert_eq!(keys(&comparison["paired"]), paired);
    assert_eq!(comparison["paired"]["n"], 2);
}

#[test]
fn one_arm_alone_has_no_comparison() {
    let (data, out) = folders();
    let summary = open(config(&[Arm::NOISYTUNE], 1, 0.15), data.path())
        .run(out.path(), &mut ())
        .expect("the study runs");
    let [point] = summary.studies[0].points.as_slice() else {
        panic!("one point, not {}", summary.studies[0].points.len());
    };
    assert_eq!(point.comparison, None);
    assert_eq!((point.scores.n, point.scores.sd), (1, None));
}

#[test]
fn an_interrupted_study_continues_and_ends_with_the_same_summary() {
    let (data, whole) = folders();
    let interrupted = tempfile::tempdir().expect("a temporary folder");
    let study = open(config(&ARMS, 2, 0.15), data.path());
    let mut trained = Trained::default();
    study.run(whole.path(), &mut trained).expect("it runs");
    assert_eq!(trained.0, 4);

    // The first three runs, as a killed process would leave them.
    let lines = std::fs::read_to_string(whole.path().join("runs.jsonl")).expect("records");
    let three: String = lines.split_inclusive('\n').take(3).collect();
    std::fs::write(interrupted.path().join("runs.jsonl"), three).expect("a file");
    let plan = |folder: &tempfile::TempDir| folder.path().join("plan.json");
    std::fs::copy(plan(&whole), plan(&interrupted)).expect("it is copied");
    let predictions = interrupted.path().join("predictions");
    std::fs::create_dir(&predictions).expect("a folder");
    for file in std::fs::read_dir(whole.path().join("predictions")).expect("a folder") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), predictions.join(file.file_name())).expect("it is copied");
    }
    let mut trained = Trained::default();
    study
        .run(interrupted.path(), &mut trained)
        .expect("it runs");
    assert_eq!(trained.0, 1, "only what was missing is trained");
    let read = |folder: &tempfile::TempDir| {
        std::fs::read(folder.path().join("summary.json")).expect("a summary")
    };
    assert_eq!(read(&whole), read(&interrupted));
}

#[test]
fn a_record_says_how_to_repeat_the_run() {
    let (data, out) = folders();
    let study = open(config(&ARMS, 1, 0.15), data.path());
    study.run(out.path(), &mut ()).expect("it runs");
    let records = RunLog::read(out.path()).expect("the records read back");
    let [baseline, noisy] = records.as_slice() else {
        panic!("two records, not {}", records.len());
    };
    assert_eq!((baseline.arm, noisy.arm), (Arm::BASELINE, Arm::NOISYTUNE));
    assert_eq!(baseline.settings.lambda, None);
    assert_eq!(noisy.settings.lambda, Some(0.15));
    assert_eq!(noisy.settings.recipe, study.config().recipe);
    assert_eq!(noisy.settings.train.rows, 24);
    assert_eq!(noisy.settings.train.sha256.len(), 64);
    assert_eq!(noisy.settings.model.sha256.len(), 64);
    assert_eq!(noisy.versions.burn.split('.').count(), 3);
    let path = "predictions/noisytune-seed3.dev.tsv";
    let file = RecordedPredictions::File(path.to_owned());
    assert_eq!(
        noisy.predictions,
        BTreeMap::from([("dev".to_owned(), file)])
    );
    let predicted = PredictionsFile::read(out.path(), path).expect("it reads back");
    let right = predicted.right().expect("dev has labels");
    let share = right.iter().filter(|&&right| right).count() as f64 / 10.0;
    assert_eq!((right.len(), Some(share)), (10, noisy.score()));
    assert_eq!(baseline.noise, None);
    assert_eq!(noisy.curve.len(), 6, "one point per step");
    let mean = noisy.curve[..3].iter().map(|point| point.loss).sum::<f64>() / 3.0;
    assert!((mean - noisy.epochs[0].train_loss).abs() < 1e-12, "{mean}");
    let steps: Vec<usize> = noisy.changes.iter().map(|change| change.step).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6]);
    for change in &noisy.changes {
        let groups: Vec<&str> = change.l1.keys().map(String::as_str).collect();
        assert_eq!(groups, ["all", "dense", "key", "query", "value"]);
        assert!(change.l1.keys().eq(change.l1_norm.keys()));
    }
    // In a longer run, the first step of the warm-up has a learning rate of 0; here there is no such step.
    assert!(noisy.changes[5].l1["all"] > noisy.changes[0].l1["all"]);
    // The change of the norm, which is at most the norm of the change.
    assert!(noisy.changes[5].l1_norm["all"] != 0.0);
    let noise = noisy.noise.as_ref().expect("the noise is reported");
    assert_eq!(noise.perturbed, 39, "all but the head's weight and bias");
    assert!(noise.noise_rms > 0.0);
    assert!(
        noise
            .skipped
            .iter()
            .all(|(path, _)| path.starts_with("classifier."))
    );
}

#[test]
fn runs_with_other_settings_are_refused_by_name() {
    let (data, out) = folders();
    open(config(&ARMS, 1, 0.15), data.path())
        .run(out.path(), &mut ())
        .expect("it runs");
    let before = std::fs::read(out.path().join("runs.jsonl")).expect("records");
    let error = open(config(&ARMS, 1, 0.2), data.path())
        .run(out.path(), &mut ())
        .expect_err("another lambda");
    let message = error.to_string();
    assert!(
        message.ends_with(
            "runs.jsonl:2: recorded with lambda 0.15, now it is 0.2; choose another folder"
        ),
        "{message}"
    );
    assert_eq!(
        std::fs::read(out.path().join("runs.jsonl")).expect("records"),
        before
    );
}

#[test]
fn runs_with_noise_on_other_parameters_are_refused() {
    let (data, out) = folders();
    let mut config = config(&ARMS, 1, 0.15);
    open(config.clone(), data.path())
        .run(out.path(), &mut ())
        .expect("it runs");
    config.noise_selection = NoiseSelection::ExceptTokenEmbeddings;
    let error = open(config, data.path())
        .run(out.path(), &mut ())
        .expect_err("another selection");
    let message = error.to_string();
    assert!(
        message.ends_with(
            "runs.jsonl:2: recorded with noise selection everything, now it is except_token_embeddings; choose another \
             folder"
        ),
        "{message}"
    );
}

#[test]
fn a_damaged_record_is_named_by_its_line() {
    let (data, out) = folders();
    std::fs::write(out.path().join("runs.jsonl"), "{\"arm\":\n").expect("a file");
    let error = open(config(&ARMS, 1, 0.15), data.path())
        .run(out.path(), &mut ())
        .expect_err("no record");
    assert!(
        matches!(
            error,
            FinetuneError::Study(StudyError::File(FileError::Line { line: 1, .. }))
        ),
        "{error}"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_before_training() {
    let (data, out) = folders();
    let file = out.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let mut trained = Trained::default();
    let error = open(config(&ARMS, 1, 0.15), data.path())
        .run(&file.join("below"), &mut trained)
        .expect_err("a file is no folder");
    assert!(
        matches!(
            error,
            FinetuneError::Study(StudyError::File(FileError::Io { .. }))
        ),
        "{error}"
    );
    assert_eq!(trained.0, 0);
}

#[test]
fn what_is_not_of_a_study_is_not_overwritten() {
    let (data, out) = folders();
    for name in [
        "report.html",
        "summary.json",
        "models/baseline-seed3/weights.pt",
    ] {
        let folder = out.path().join(name.replace('/', "-"));
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, "mine").expect("a file");
        let mut trained = Trained::default();
        let error = open(config(&ARMS, 1, 0.15), data.path())
            .with_saved_models(saved::models(Saving::Best))
            .run(&folder, &mut trained)
            .expect_err("it would be replaced");
        let first = folder.join(name.split('/').next().expect("a name"));
        let said = format!("{} already exists, but ", first.display());
        assert!(error.to_string().starts_with(&said), "{error}");
        assert_eq!(trained.0, 0);
        assert_eq!(std::fs::read_to_string(path).expect("it stays"), "mine");
        assert!(!folder.join("runs.jsonl").exists());
    }
}

#[test]
fn another_tokenizer_is_refused_and_an_unknown_one_is_not() {
    let (data, out) = folders();
    let run = || open(config(&ARMS, 1, 0.15), data.path()).run(out.path(), &mut ());
    run().expect("it runs");
    let path = out.path().join("runs.jsonl");
    let text = std::fs::read_to_string(&path).expect("records");
    let with = |hash: Option<&str>| {
        let lines = text.lines().map(|line| {
            let mut record: Value = serde_json::from_str(line).expect("a record");
            let model = record["settings"]["model"]
                .as_object_mut()
                .expect("a model");
            let before = model.remove("tokenizer_sha256");
            assert!(before.is_some_and(|hash| hash.as_str().is_some_and(|hash| hash.len() == 64)));
            if let Some(hash) = hash {
                model.insert("tokenizer_sha256".to_owned(), hash.into());
            }
            format!("{record}\n")
        });
        std::fs::write(&path, lines.collect::<String>()).expect("a file");
    };
    with(None);
    run().expect("it may be the same");
    with(Some("another"));
    let error = run().expect_err("it is another").to_string();
    assert!(error.contains("model.tokenizer_sha256 another"), "{error}");
}

#[test]
fn texts_that_are_cut_are_counted() {
    let (data, _) = folders();
    let notes = |max_length| {
        let mut config = config(&ARMS, 1, 0.15);
        config.recipe.max_length = max_length;
        open(config, data.path()).notes().join("; ")
    };
    assert!(!notes(32).contains("cut"), "{}", notes(32));
    // `a fine thing` and some x, between [CLS] and [SEP].
    let tokens = |file: &str| {
        let text = std::fs::read_to_string(data.path().join(file)).expect("rows");
        let rows = text
            .lines()
            .skip(1)
            .map(|row| row.split('\t').next().expect("a text").to_owned());
        let rows: Vec<String> = rows.collect();
        let tokenizer = Snapshot::open(snapshot())
            .expect("a snapshot")
            .tokenizer(32)
            .expect("a tokenizer");
        let encodings = tokenizer.encode(rows.iter().map(|row| (row.as_str(), None)));
        encodings
            .expect("tokens")
            .iter()
            .filter(|one| one.ids.len() > 5)
            .count()
    };
    let (train, dev) = (tokens("train.tsv"), tokens("dev.tsv"));
    assert!(0 < train && train < 24, "{train}");
    let cut = notes(5);
    for said in [
        format!("train: {train} of 24 texts longer than 5 tokens, and cut"),
        format!("dev: {dev} of 10 texts longer than 5 tokens, and cut"),
    ] {
        assert!(cut.contains(&said), "{cut}");
    }
}

#[test]
fn the_folder_says_what_was_asked() {
    let (data, out) = folders();
    let config = config(&ARMS, 1, 0.15);
    open(config.clone(), data.path())
        .run(out.path(), &mut ())
        .expect("it runs");
    let read = StudyConfig::read(out.path()).expect("it reads back");
    assert_eq!(read, config);

    let path = out.path().join("study.json");
    let text = std::fs::read_to_string(&path).expect("a file");
    std::fs::write(&path, text.replace("\"seeds\"", "\"sedes\"")).expect("a file");
    let error = StudyConfig::read(out.path()).expect_err("an unknown field");
    let expected = format!(
        "{}: not a study's configuration: unknown field `sedes`",
        path.display()
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn a_study_that_is_asked_to_stop_begins_no_run() {
    struct Stop;
    impl Progress for Stop {
        fn should_stop(&mut self) -> bool {
            true
        }
        fn run_started(&mut self, plan: &RunStart) {
            panic!("{plan:?}");
        }
    }
    let (data, out) = folders();
    let error = open(config(&ARMS, 1, 0.15), data.path())
        .run(out.path(), &mut Stop)
        .expect_err("it stops");
    assert!(matches!(error, FinetuneError::Stopped), "{error}");
}

#[test]
fn settings_out_of_range_are_refused_with_what_is_accepted() {
    let change = |change: fn(&mut study::StudyConfig)| {
        let mut config = config(&ARMS, 1, 0.15);
        change(&mut config);
        config.validate().expect_err("out of range").to_string()
    };
    assert_eq!(
        change(|c| c.seeds = 0),
        "seeds is 0, accepted is 1 to 1000000"
    );
    assert_eq!(
        change(|c| c.recipe.epochs = 0),
        "epochs is 0, accepted is 1 to 1000000"
    );
    assert_eq!(
        change(|c| c.seeds = usize::MAX),
        format!("seeds is {}, accepted is 1 to 1000000", usize::MAX)
    );
    assert_eq!(
        change(|c| c.recipe.learning_rate = f64::NAN),
        "learning rate is NaN, accepted is a number above 0"
    );
    assert_eq!(
        change(|c| c.recipe.warmup_ratio = 1.5),
        "warmup ratio is 1.5, accepted is 0 to 1"
    );
    for lambda in [-0.15, f64::NAN, f64::INFINITY] {
        let mut config = config(&ARMS, 1, lambda);
        config.arms.truncate(1);
        let error = config.validate().expect_err("lambda is out of range");
        assert!(matches!(error, StudyError::Lambda(_)), "{error}");
    }
}

#[test]
fn a_run_that_diverges_in_its_last_step_is_failed_and_the_folder_stays_usable() {
    let (data, out) = folders();
    let mut config = config(&ARMS, 1, 0.15);
    config.recipe.epochs = 1;
    config.recipe.batch_size = 24;
    config.recipe.learning_rate = 1e20;
    config.recipe.warmup_ratio = 0.0;
    let study = open(config, data.path());
    let summary = study.run(out.path(), &mut ()).expect("the study continues");
    assert_eq!(summary.studies[0].points[0].scores.failed, 1);
    let mut trained = Trained::default();
    study
        .run(out.path(), &mut trained)
        .expect("the folder is read again");
    assert_eq!(trained.0, 0);
    for record in RunLog::read(out.path()).expect("the records read back") {
        let reason = record.failed.expect("it failed");
        assert!(
            reason.starts_with("training diverged: the evaluation loss of step 0 is ")
                || reason
                    .starts_with("training diverged: the change of the parameters of step 0 is "),
            "{reason}"
        );
        assert_eq!(record.epochs, []);
    }
}

#[test]
fn a_checkpoint_with_a_nan_where_no_sentence_looks_is_refused() {
    let (data, _) = folders();
    let model = tempfile::tempdir().expect("a temporary folder");
    for file in std::fs::read_dir(snapshot()).expect("the snapshot") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), model.path().join(file.file_name())).expect("it is copied");
    }
    let path = model.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).expect("the weights");
    let (header, metadata) = SafeTensors::read_metadata(&bytes).expect("a header");
    let name = "bert.embeddings.word_embeddings.weight";
    let (_, end) = metadata.info(name).expect("the table").data_offsets;
    // The last number of the last row, in f32.
    let last = 8 + header + end - 4;
    bytes[last..last + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).expect("it is written");

    let task = tasks::glue::sst2().in_folder(data.path()).expect("a task");
    let config = config(&[Arm::BASELINE], 1, 0.15);
    let study = Session::open(config, task, model.path(), &Device::flex(), "flex");
    let error = study.expect_err("it could not be trained").to_string();
    let end = format!("tensor `{name}` has 1 NaN or infinite values, the first at [232, 23]");
    assert!(error.ends_with(&end), "{error}");
}
