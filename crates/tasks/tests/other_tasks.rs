//! A description can say what the other GLUE tasks need: no header, pairs, text labels, scores.
//!
//! The crate reads no such task yet; these descriptions and files exist for the test only.

use std::fs;
use std::path::Path;

use tasks::{
    Columns, Error, Example, Label, Labels, Metric, ParquetColumns, Split, SplitName, SplitSpec,
    TASKS, TaskSpec,
};

fn task(labels: Labels, splits: &'static [SplitSpec]) -> TaskSpec {
    TaskSpec {
        name: "made-up",
        folder: "Made-Up",
        metrics: &[Metric::Accuracy],
        labels,
        splits,
        parquet: ParquetColumns {
            sentence: "sentence1",
            sentence2: Some("sentence2"),
            label: "label",
        },
    }
}

fn read(task: &TaskSpec, text: &str) -> Result<Split, Error> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(task.splits[0].file), text).unwrap();
    task.read(folder.path(), task.splits[0].name)
}

/// Laid out as CoLA's train file is.
const NO_HEADER: &[SplitSpec] = &[SplitSpec {
    name: SplitName::Train,
    file: "train.tsv",
    columns: Columns {
        header: None,
        count: 4,
        sentence: 3,
        sentence2: None,
        label: Some(1),
    },
    parquet: "made-up/train-00000-of-00001.parquet",
}];

/// Laid out as RTE's and, but for the columns left out, STS-B's dev file is.
const PAIRS: &[SplitSpec] = &[SplitSpec {
    name: SplitName::Dev,
    file: "dev.tsv",
    columns: Columns {
        header: Some(&["index", "sentence1", "sentence2", "label"]),
        count: 4,
        sentence: 1,
        sentence2: Some(2),
        label: Some(3),
    },
    parquet: "made-up/validation-00000-of-00001.parquet",
}];

#[test]
fn a_file_without_header_starts_with_its_first_example() {
    let task = task(Labels::Classes(&["0", "1"]), NO_HEADER);
    let split = read(&task, "src\t1\t\tIt rains.\nsrc\t0\t*\tIt rain.\n").unwrap();
    assert_eq!(split.count, 2);
    assert_eq!(split.examples[0].sentence, "It rains.");
    assert_eq!(split.examples[1].label, Some(Label::Class(0)));
    let error = read(&task, "").unwrap_err();
    assert!(matches!(error, Error::NoExamples { .. }), "{error:?}");
}

#[test]
fn pairs_and_text_labels_are_read() {
    let task = task(Labels::Classes(&["entailment", "not_entailment"]), PAIRS);
    let header = "index\tsentence1\tsentence2\tlabel\n";
    let split = read(
        &task,
        &format!("{header}0\tIt pours. \tIt rains.\tnot_entailment\n"),
    )
    .unwrap();
    assert_eq!(
        split.examples,
        [Example {
            sentence: "It pours.".to_owned(),
            sentence2: Some("It rains.".to_owned()),
            label: Some(Label::Class(1)),
        }]
    );
    let error = read(&task, &format!("{header}0\ta\tb\tneutral\n"))
        .unwrap_err()
        .to_string();
    assert!(
        error
            .ends_with(r#"dev.tsv:2: label "neutral"; expected one of entailment, not_entailment"#),
        "{error}"
    );
    assert_eq!(task.labels.outputs(), 2);
}

#[test]
fn scores_are_read_within_their_range() {
    let task = task(Labels::Score { min: 0.0, max: 5.0 }, PAIRS);
    let row = |score: &str| format!("index\tsentence1\tsentence2\tlabel\n0\ta\tb\t{score}\n");
    for (text, score) in [("0.000", 0.0), ("3.800", 3.8), ("5", 5.0)] {
        let label = read(&task, &row(text)).unwrap().examples[0].label.unwrap();
        assert_eq!((label.score(), label.class()), (Some(score), None));
    }
    for text in ["", "5.001", "-0.1", "NaN", "inf", "three"] {
        let error = read(&task, &row(text)).unwrap_err().to_string();
        let expected = format!("dev.tsv:2: label {text:?}; expected a number from 0 to 5");
        assert!(error.ends_with(&expected), "{error}");
    }
    assert_eq!(task.labels.outputs(), 1);
}

#[test]
fn every_task_of_the_table_is_consistent() {
    for task in TASKS {
        assert!(!task.metrics.is_empty(), "{}", task.name);
        for spec in task.splits {
            let at = format!("{}/{}", task.name, spec.file);
            let Columns {
                header,
                count,
                sentence,
                sentence2,
                label,
            } = spec.columns;
            assert!(header.is_none_or(|header| header.len() == count), "{at}");
            assert!(
                [Some(sentence), sentence2, label]
                    .into_iter()
                    .flatten()
                    .all(|c| c < count),
                "{at}"
            );
            assert_eq!(label.is_none(), spec.name == SplitName::Test, "{at}");
            assert_eq!(
                task.splits
                    .iter()
                    .filter(|other| other.name == spec.name)
                    .count(),
                1,
                "{at}"
            );
            assert_eq!(Path::new(spec.file).extension().unwrap(), "tsv", "{at}");
            let parquet = Path::new(spec.parquet);
            assert!(parquet.starts_with(task.name), "{at}");
            assert_eq!(parquet.extension().unwrap(), "parquet", "{at}");
            assert_eq!(
                task.parquet.sentence2.is_some(),
                sentence2.is_some(),
                "{at}"
            );
        }
    }
}
