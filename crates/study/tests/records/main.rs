//! Records of every version can be read and summarised.

mod shards;
mod summary;

use serde_json::{Value, json};
use study::record::{FORMAT, PredictionsFile, RecordedPredictions, RunLog, SavedModel, Saving};
use study::{Arm, RunRecord, StudyConfig};

/// A record as version 1 wrote it, shortened.
const VERSION_1: &str = include_str!("version_1.json");

fn read(text: &str) -> Result<RunRecord, String> {
    serde_json::from_str(text).map_err(|e| e.to_string())
}

#[test]
fn a_record_of_version_1_is_read_as_a_current_one() {
    let record = read(VERSION_1).expect("it is read");
    assert_eq!(record.format, FORMAT);
    assert_eq!(record.score(), Some(0.75));
    assert_eq!(record.epochs[0].evaluations["dev"].loss, 0.608153932094574);
    assert_eq!(record.epochs[0].evaluations["dev"].metrics["accuracy"], 0.5);
    let classes = RecordedPredictions::Classes(vec![0, 1, 1, 0]);
    assert_eq!(record.predictions["dev"], classes);
    let rows = record.settings.headline_rows().expect("dev");
    assert_eq!((rows.rows, rows.used), (4, 4));
    assert_eq!(record.settings.model.size(), Some((3, 192)));
}

#[test]
fn a_record_is_written_in_the_current_format_and_read_back() {
    let record = read(VERSION_1).expect("it is read");
    let text = serde_json::to_string(&record).expect("it is written");
    assert!(text.starts_with("{\"format\":3,"), "{text}");
    assert_eq!(read(&text).expect("it is read again"), record);
}

#[test]
fn mixout_and_recadam_of_earlier_versions_are_what_they_were() {
    for format in ["{", "{\"format\":2,"] {
        let of_arm = |arm: &str, numbers: &str| {
            let mut text = match format {
                "{" => VERSION_1.to_owned(),
                _ => serde_json::to_string(&read(VERSION_1).expect("it is read"))
                    .expect("it is written")
                    .replacen("\"format\":3", "\"format\":2", 1),
            };
            text = text.replacen("\"arm\":\"baseline\"", &format!("\"arm\":\"{arm}\""), 1);
            let settings = format!("\"settings\":{{\"hyperparameters\":{{{numbers}}},");
            text = text.replacen("\"settings\":{", &settings, 1);
            let record = read(&text).expect("it is read");
            (record.arm.name(), record.settings.hyperparameters)
        };
        let (arm, numbers) = of_arm("mixout-noisytune", "\"mixout.probability\":0.7");
        assert_eq!(arm, "mixconnect-noisytune");
        assert_eq!(numbers, [("mixconnect.probability".to_owned(), 0.7)].into());
        let (arm, numbers) = of_arm("recadam", "\"recadam.slope\":100.0");
        assert_eq!(arm, "recadam");
        let largest = ("recadam.largest-pull".to_owned(), 1.0);
        assert_eq!(
            numbers,
            [largest, ("recadam.slope".to_owned(), 100.0)].into()
        );
        let (arm, numbers) = of_arm("neftune", "\"neftune.alpha\":5.0");
        assert_eq!((arm, numbers.len()), ("neftune", 1));
    }
}

#[test]
fn a_configuration_from_before_mixout_had_its_authors_masks_means_mixconnect() {
    let config = StudyConfig {
        arms: vec![Arm::BASELINE, Arm::named("mixout").expect("an arm")],
        ..StudyConfig::default()
    };
    let mut now = serde_json::to_value(&config).expect("plain data");
    let read = |config: &Value| -> StudyConfig {
        serde_json::from_value(config.clone()).expect("it is read")
    };
    assert_eq!(read(&now), config);
    now["hyperparameters"] = json!({ "mixout.probability": 0.9 });
    let fields = now.as_object_mut().expect("an object");
    fields.remove("companions");
    let earlier = read(&now);
    let names = |arms: &[Arm]| arms.iter().map(|arm| arm.name()).collect::<Vec<_>>();
    assert_eq!(names(&earlier.arms), ["baseline", "mixconnect"]);
    assert_eq!(
        names(&earlier.companions),
        ["mixconnect", "recadam", "neftune"]
    );
    let of = |config: &StudyConfig| {
        let numbers = config.hyperparameters.iter();
        numbers
            .map(|(name, number)| format!("{name} {number}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&earlier), ["mixconnect.probability 0.9"]);
    now["arms"] = json!(["baseline", "recadam-noisytune"]);
    let recadam = [
        "mixconnect.probability 0.9",
        "recadam.largest-pull 1",
        "recadam.slope 100",
    ];
    assert_eq!(of(&read(&now)), recadam);
    now["arms"] = json!(["baseline"]);
    now["studies"] = json!(["companions"]);
    assert_eq!(of(&read(&now)), recadam);
}

#[test]
fn a_version_1_run_whose_loss_is_null_has_diverged() {
    let damaged = VERSION_1.replacen("0.49836228966712953", "null", 1);
    let record = read(&damaged).expect("the folder stays usable");
    assert_eq!(record.score(), None);
    let reason = "training diverged: the dev loss of epoch 2 is not a number";
    assert_eq!(record.failed.as_deref(), Some(reason));
    assert_eq!(record.epochs.len(), 1);
}

#[test]
fn a_version_from_the_future_and_unknown_fields_are_refused() {
    let future = VERSION_1.replacen('{', "{\"format\":4,", 1);
    let text = read(&future).expect_err("an unknown version");
    assert!(
        text.contains("format is 4, accepted is 2 or 3, or none for version 1"),
        "{text}"
    );
    let unknown = VERSION_1.replacen("\"seed\"", "\"sede\"", 1);
    let text = read(&unknown).expect_err("a misspelt field");
    assert!(text.contains("unknown field `sede`"), "{text}");
}

#[test]
fn a_version_1_run_that_predicts_one_class_is_marked() {
    let collapsed = VERSION_1.replacen("[0,1,1,0]", "[1,1,1,1]", 1);
    let only_class = read(&collapsed).expect("it is read").only_class;
    assert_eq!(only_class.as_deref(), Some("1"));
    assert_eq!(read(VERSION_1).expect("it is read").only_class, None);
}

#[test]
fn a_record_that_names_another_folder_is_refused() {
    let mut record = read(VERSION_1).expect("it is read");
    let mut text = |predictions: &str, folder: &str| {
        let file = RecordedPredictions::File(predictions.to_owned());
        record.predictions = [("dev".to_owned(), file)].into();
        record.saved_model = Some(SavedModel {
            folder: folder.to_owned(),
            saving: Saving::Best,
        });
        let text = serde_json::to_string(&record).expect("it is written");
        read(&text).map(|_| ())
    };
    let accepted = "accepted is a path inside the study's folder";
    assert_eq!(text("predictions/x.tsv", "models/x"), Ok(()));
    for path in ["../x.tsv", "predictions/../../x", "/etc/passwd", ""] {
        let expected = format!("a file of predictions is {path:?}, {accepted}");
        assert_eq!(text(path, "models/x"), Err(expected));
        // A model that is no longer the best is removed with its folder.
        let expected = format!("the folder of a model is {path:?}, {accepted}");
        assert_eq!(text("predictions/x.tsv", path), Err(expected));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_the_records_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.jsonl");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo starts").success());
    let expected = format!("{}: a pipe or a device, accepted is a file", path.display());
    let read = RunLog::read(folder.path()).expect_err("it would wait for ever");
    assert_eq!(read.to_string(), expected);
    let opened = RunLog::open(folder.path()).expect_err("it would wait for ever");
    assert_eq!(opened.to_string(), expected);
}

#[test]
fn predictions_are_compared_with_the_recorded_accuracy_and_may_be_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut record = read(VERSION_1).expect("it is read");
    let path = "predictions/x.tsv";
    let file = RecordedPredictions::File(path.to_owned());
    record.predictions.insert("dev".to_owned(), file);
    let mut log = RunLog::open(folder.path()).expect("it opens");
    log.push(record).expect("it is written");
    log.runs()
        .check_predictions(folder.path())
        .expect("the file may be gone");

    let owned = |texts: [&str; 4]| texts.map(str::to_owned).to_vec();
    let mut file = PredictionsFile {
        predictions: owned(["0", "1", "1", "0"]),
        labels: owned(["0", "1", "1", "1"]),
    };
    file.write(folder.path(), path).expect("it is written");
    log.runs()
        .check_predictions(folder.path())
        .expect("three of four, as recorded");
    file.predictions[0] = "1".to_owned();
    file.write(folder.path(), path).expect("it is written");
    let error = log
        .runs()
        .check_predictions(folder.path())
        .expect_err("it was changed");
    let text = error.to_string();
    assert!(
        text.contains("x.tsv: accuracy of these predictions is 0.5, but the run recorded 0.75"),
        "{text}"
    );
}
