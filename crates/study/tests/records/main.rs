//! Records of every version can be read and summarised.

mod summary;

use study::RunRecord;
use study::record::{FORMAT, PredictionsFile, RecordedPredictions, RunLog, SavedModel, Saving};

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
    assert!(text.starts_with("{\"format\":2,"), "{text}");
    assert_eq!(read(&text).expect("it is read again"), record);
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
    let future = VERSION_1.replacen('{', "{\"format\":3,", 1);
    let text = read(&future).expect_err("an unknown version");
    assert!(
        text.contains("format is 3, accepted is 2, or none for version 1"),
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
    log.check_predictions(folder.path())
        .expect("the file may be gone");

    let owned = |texts: [&str; 4]| texts.map(str::to_owned).to_vec();
    let mut file = PredictionsFile {
        predictions: owned(["0", "1", "1", "0"]),
        labels: owned(["0", "1", "1", "1"]),
    };
    file.write(folder.path(), path).expect("it is written");
    log.check_predictions(folder.path())
        .expect("three of four, as recorded");
    file.predictions[0] = "1".to_owned();
    file.write(folder.path(), path).expect("it is written");
    let error = log
        .check_predictions(folder.path())
        .expect_err("it was changed");
    let text = error.to_string();
    assert!(
        text.contains("x.tsv: 2 of 4 predictions are right, but the run recorded accuracy 0.75"),
        "{text}"
    );
}
