//! Submissions have the names, the rows and the words that GLUE's server expects.

use serde::Deserialize;
use tasks::glue::{self, GlueTask};
use tasks::submission::{self, Submission, SubmissionError};
use tasks::{Outputs, Predictions};

#[derive(Deserialize)]
struct Golden {
    scores: Vec<f32>,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    task: String,
    set: String,
    file: String,
    rows_with_header: usize,
    /// The whole text for the first predictions.
    first: String,
    /// Of the text for all predictions.
    sha256: String,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/submission/golden.json")).unwrap()
}

fn task(name: &str) -> GlueTask {
    glue::named(name).expect("the table has it")
}

/// The predictions that the generator makes too.
fn predictions(task: &GlueTask, scores: &[f32], count: usize) -> Predictions {
    match &task.outputs {
        Outputs::Score { .. } => {
            Predictions::Scores(scores.iter().copied().cycle().take(count).collect())
        }
        outputs => {
            let class = |at| at * at % 7 % outputs.count();
            Predictions::Classes((0..count).map(class).collect())
        }
    }
}

#[test]
fn a_submission_is_the_text_that_run_glue_writes_with_the_words_of_glue() {
    let Golden { scores, files } = golden();
    for File {
        task: name,
        set,
        file,
        rows_with_header,
        first,
        sha256,
    } in files
    {
        let task = task(&name);
        let count = first.lines().count() - 1;
        let short = submission::of(&task, &set, &predictions(&task, &scores, count)).unwrap();
        assert_eq!(short.text, first, "{file}");

        let predictions = predictions(&task, &scores, rows_with_header - 1);
        let whole = submission::of(&task, &set, &predictions).unwrap();
        assert_eq!(whole.file_name, file);
        assert_eq!(whole.text.lines().count(), rows_with_header, "{file}");
        assert_eq!(
            files::sha256_of(whole.text.as_bytes()),
            sha256,
            "{file}: another text"
        );
        assert_eq!(whole.notes, [""; 0], "{file}");
    }
}

#[test]
fn every_unlabelled_set_has_a_file_and_no_other_set_has() {
    let golden = golden().files;
    let mut found = 0;
    for task in glue::all() {
        for (set, file) in &task.evaluation_sets {
            let name = submission::file_name(&task, set);
            assert_eq!(name.is_some(), file.columns.label.is_none(), "{set}");
            if let Some(name) = name {
                let known = golden
                    .iter()
                    .find(|known| known.task == task.name && known.set == *set);
                let known = known.expect("the generator knows it");
                assert_eq!(
                    (name, file.rows + 1),
                    (known.file.as_str(), known.rows_with_header)
                );
                found += 1;
            }
        }
    }
    assert_eq!((found, golden.len()), (11, 11));
}

#[test]
fn another_number_of_rows_is_written_and_noted() {
    let submission = submission::of(&task("rte"), "test", &Predictions::Classes(vec![1]));
    assert_eq!(
        submission.unwrap(),
        Submission {
            file_name: "RTE.tsv",
            text: "index\tprediction\n0\tnot_entailment\n".to_owned(),
            notes: vec![
                "RTE.tsv: 1 prediction; GLUE's server expects 3000, one for each row of the official file"
                    .to_owned()
            ],
        }
    );
}

fn refusal(name: &str, set: &str, predictions: Predictions) -> (SubmissionError, String) {
    let error = submission::of(&task(name), set, &predictions).unwrap_err();
    let text = error.to_string();
    (error, text)
}

#[test]
fn what_cannot_be_submitted_is_refused_in_one_line() {
    let (error, text) = refusal("mnli", "dev_matched", Predictions::Classes(vec![0]));
    assert!(matches!(error, SubmissionError::Set { .. }));
    assert_eq!(
        text,
        "GLUE's server takes no predictions for dev_matched of mnli; expected one of test_matched, test_mismatched, ax"
    );
    let (error, text) = refusal("stsb", "test", Predictions::Classes(vec![0]));
    assert!(matches!(error, SubmissionError::Kind { .. }));
    assert_eq!(
        text,
        "predictions for test of stsb are classes; expected scores"
    );
    let (error, text) = refusal("qnli", "test", Predictions::Classes(vec![1, 2]));
    assert!(matches!(error, SubmissionError::Class { .. }));
    assert_eq!(
        text,
        "prediction 1 for test of qnli is class 2; expected 0 to 1"
    );
    let (error, text) = refusal("stsb", "test", Predictions::Scores(vec![0.0, f32::NAN]));
    assert!(matches!(error, SubmissionError::NotFinite { .. }));
    assert_eq!(
        text,
        "prediction 1 for test of stsb is NaN; expected a finite number"
    );
}
