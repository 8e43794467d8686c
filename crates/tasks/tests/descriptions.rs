//! Descriptions cover what tasks other than SST-2 need: no header, pairs, labels in words, scores,
//! several evaluation sets. One that contradicts itself is refused.
//!
//! These descriptions and files exist only for the tests.

use std::fs;
use std::path::Path;

use tasks::glue::{self, GlueFile, GlueTask};
use tasks::{
    EvaluationSet, Example, Format, Metric, Outputs, ParquetColumns, Predictions, Source, Split,
    Targets, Task, TaskError, TsvColumns,
};

fn columns(header: Option<&str>, count: usize, sentence: usize) -> TsvColumns {
    TsvColumns {
        header: header.map(str::to_owned),
        count,
        sentence,
        ..TsvColumns::default()
    }
}

const PAIRS: &str = "index\tsentence1\tsentence2\tlabel";

fn pairs() -> TsvColumns {
    TsvColumns {
        sentence2: Some(2),
        label: Some(3),
        ..columns(Some(PAIRS), 4, 1)
    }
}

fn unlabelled_pairs() -> TsvColumns {
    TsvColumns {
        sentence2: Some(2),
        ..columns(Some("index\tsentence1\tsentence2"), 3, 1)
    }
}

fn file(tsv: &'static str, columns: TsvColumns) -> GlueFile {
    GlueFile {
        tsv,
        elsewhere: &[],
        columns,
        hub: "made_up/x.parquet",
        rows: 3,
        submission: None,
    }
}

fn hub_pairs() -> ParquetColumns {
    ParquetColumns {
        sentence: "sentence1".to_owned(),
        sentence2: Some("sentence2".to_owned()),
        label: Some("label".to_owned()),
        ..ParquetColumns::default()
    }
}

/// One score from 0 to 5 for a pair, as STS-B has.
fn similarity() -> GlueTask {
    GlueTask {
        name: "similarity",
        folder: "Similarity",
        outputs: Outputs::Score { min: 0.0, max: 5.0 },
        hub_classes: &[],
        metrics: vec![Metric::Pearson, Metric::Spearman],
        hub_columns: hub_pairs(),
        train: file("train.tsv", pairs()),
        evaluation_sets: vec![
            ("dev", file("dev.tsv", pairs())),
            ("test", file("test.tsv", unlabelled_pairs())),
        ],
    }
}

/// Three classes in words, two evaluation sets and an unlabelled one, as MNLI with AX has.
fn inference() -> GlueTask {
    GlueTask {
        name: "inference",
        folder: "Inference",
        outputs: Outputs::classes(["entailment", "neutral", "contradiction"]),
        hub_classes: &["entailment", "neutral", "contradiction"],
        metrics: vec![Metric::Accuracy, Metric::Matthews],
        hub_columns: hub_pairs(),
        train: file("train.tsv", pairs()),
        evaluation_sets: vec![
            ("dev_matched", file("dev_matched.tsv", pairs())),
            ("dev_mismatched", file("dev_mismatched.tsv", pairs())),
            ("ax", file("AX.tsv", unlabelled_pairs())),
        ],
    }
}

/// Writes a file of pairs; a row is both sentences and, if there is one, the label.
fn write(folder: &Path, name: &str, header: &str, rows: &[&str]) {
    let mut text = format!("{header}\n");
    for (index, row) in rows.iter().enumerate() {
        text += &format!("{index}\t{row}\n");
    }
    fs::write(folder.join(name), text).unwrap();
}

fn pair(sentence: &str, sentence2: &str) -> Example {
    Example {
        sentence: sentence.to_owned(),
        sentence2: Some(sentence2.to_owned()),
    }
}

#[test]
fn a_task_of_scores_is_read_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        "It pours. \tIt rains.\t3.800",
        "A dog.\tA cat.\t0",
        "One.\tOne.\t5",
    ];
    write(folder.path(), "train.tsv", PAIRS, &rows[..1]);
    write(folder.path(), "dev.tsv", PAIRS, &rows);
    let task = similarity().in_folder(folder.path()).unwrap();
    assert_eq!(task.outputs().count(), 1);
    assert_eq!(task.read_train().unwrap().count, 1);

    let dev = task.read_evaluation_set("dev").unwrap();
    assert_eq!(
        dev.examples,
        [
            pair("It pours.", "It rains."),
            pair("A dog.", "A cat."),
            pair("One.", "One.")
        ]
    );
    let targets = dev.targets.unwrap();
    assert_eq!(targets, Targets::Scores(vec![3.8, 0.0, 5.0]));
    let predictions = Predictions::Scores(vec![4.0, -1.0, 4.5]);
    let scores: Vec<f64> = task
        .metrics()
        .iter()
        .map(|metric| metric.score(&predictions, &targets).unwrap())
        .collect();
    // scipy.stats.pearsonr and spearmanr of the same f32; sums of three terms.
    for (score, expected) in scores.iter().zip([0.988_823_937_609_175_4, 1.0]) {
        assert!((score - expected).abs() < 1e-13, "{scores:?}");
    }
}

#[test]
fn a_task_is_trained_on_one_file_and_scored_on_several_sets() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        "a\tb\tneutral",
        "c\td\tentailment",
        "e\tf\tcontradiction",
        "g\th\tneutral",
    ];
    write(folder.path(), "train.tsv", PAIRS, &rows);
    write(folder.path(), "dev_matched.tsv", PAIRS, &rows[..2]);
    write(folder.path(), "dev_mismatched.tsv", PAIRS, &rows[1..]);
    write(
        folder.path(),
        "AX.tsv",
        "index\tsentence1\tsentence2",
        &["a\tb", "c\td"],
    );
    let task = inference().in_folder(folder.path()).unwrap();
    assert_eq!(task.headline(), Metric::Accuracy);
    let train = task.read_train().unwrap();
    assert_eq!(train.targets, Some(Targets::Classes(vec![1, 0, 2, 1])));
    assert_eq!(train.examples[3], pair("g", "h"));

    let labelled: Vec<_> = task.labelled_sets().map(|set| set.name.as_str()).collect();
    assert_eq!(labelled, ["dev_matched", "dev_mismatched"]);
    let always_neutral = |split: &Split| {
        let predictions = Predictions::Classes(vec![1; split.count]);
        let targets = split.targets.as_ref().unwrap();
        let scored = task.metrics().iter();
        scored
            .map(|metric| metric.score(&predictions, targets).unwrap())
            .collect::<Vec<_>>()
    };
    let sets: Vec<_> = labelled
        .iter()
        .map(|name| task.read_evaluation_set(name).unwrap())
        .collect();
    assert_eq!(always_neutral(&sets[0]), [0.5, 0.0]);
    assert_eq!(always_neutral(&sets[1]), [1.0 / 3.0, 0.0]);

    let ax = task.read_evaluation_set("ax").unwrap();
    assert_eq!((ax.count, &ax.targets), (2, &None));
}

#[test]
fn a_label_that_is_no_class_is_refused_and_the_classes_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "train.tsv",
        PAIRS,
        &["a\tb\tneutral", "a\tb\t-"],
    );
    let task = inference().in_folder(folder.path()).unwrap();
    let error = task.read_train().unwrap_err().to_string();
    assert!(
        error.ends_with(
            r#"train.tsv:3: label "-"; expected one of entailment, neutral, contradiction"#
        ),
        "{error}"
    );
}

#[test]
fn a_score_outside_its_range_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let task = similarity().in_folder(folder.path()).unwrap();
    for text in ["", "5.001", "-0.1", "NaN", "inf", "three"] {
        write(
            folder.path(),
            "train.tsv",
            PAIRS,
            &[&format!("a\tb\t{text}")],
        );
        let error = task.read_train().unwrap_err().to_string();
        let expected = format!("train.tsv:2: label {text:?}; expected a number from 0 to 5");
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[test]
fn a_missing_file_is_named_with_those_of_every_set() {
    let folder = tempfile::tempdir().unwrap();
    let task = inference().in_folder(folder.path()).unwrap();
    let error = task.read_evaluation_set("ax").unwrap_err().to_string();
    assert!(
        error.ends_with(
            "expected a folder with train.tsv, dev_matched.tsv, dev_mismatched.tsv, AX.tsv"
        ),
        "{error}"
    );
}

/// Laid out like CoLA's training file.
#[test]
fn a_file_without_header_starts_with_its_first_example() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in_domain_train.tsv");
    let source = |label| Source {
        path: path.clone(),
        format: Format::Tsv(TsvColumns {
            label,
            ..columns(None, 4, 3)
        }),
    };
    let task = Task::new(
        "acceptability",
        Outputs::classes(["0", "1"]),
        vec![Metric::Matthews],
        source(Some(1)),
        vec![
            EvaluationSet {
                name: "same".to_owned(),
                source: source(Some(1)),
            },
            EvaluationSet {
                name: "same_without_labels".to_owned(),
                source: source(None),
            },
        ],
    )
    .unwrap();
    fs::write(&path, "src\t1\t\tIt rains.\nsrc\t0\t*\tIt rain.\n").unwrap();
    let split = task.read_train().unwrap();
    assert_eq!(split.examples[0].sentence, "It rains.");
    assert_eq!(split.targets, Some(Targets::Classes(vec![1, 0])));
    let unlabelled = task.read_evaluation_set("same_without_labels").unwrap();
    assert_eq!(unlabelled.examples, split.examples);
    assert_eq!(unlabelled.targets, None);
    fs::write(&path, "").unwrap();
    let error = task.read_train().unwrap_err();
    assert!(matches!(error, TaskError::NoExamples { .. }), "{error:?}");
}

/// The refusal, after "task inference: ".
fn fault(change: impl FnOnce(&mut GlueTask)) -> String {
    let mut task = inference();
    change(&mut task);
    let error = task.in_folder(Path::new("x")).unwrap_err().to_string();
    let reason = error.strip_prefix("task inference: ");
    reason.expect("it names the task").to_owned()
}

/// A change of a description, and what is then wrong with it.
type Contradiction = (fn(&mut GlueTask), &'static str);

#[test]
fn a_description_that_contradicts_itself_is_refused() {
    let cases: [Contradiction; 16] = [
        (
            |task| task.outputs = Outputs::classes(["only"]),
            r#"classes ["only"]; expected at least two, all different"#,
        ),
        (
            |task| task.outputs = Outputs::classes(["a", "b", "a"]),
            r#"classes ["a", "b", "a"]; expected at least two, all different"#,
        ),
        (
            |task| task.outputs = Outputs::Score { min: 5.0, max: 0.0 },
            "scores from 5 to 0; expected two finite numbers, the lower one first",
        ),
        (
            |task| {
                task.outputs = Outputs::Score {
                    min: 0.0,
                    max: f32::NAN,
                };
            },
            "scores from 0 to NaN; expected two finite numbers, the lower one first",
        ),
        (
            |task| task.metrics.clear(),
            "no metric; expected at least one",
        ),
        (
            |task| task.metrics.push(Metric::Pearson),
            "Pearson correlation takes scores; expected metrics of classes, which the head outputs",
        ),
        (
            |task| task.metrics.push(Metric::F1),
            "F1 of 3 classes; expected 2 classes for F1",
        ),
        (
            |task| task.outputs = Outputs::classes(["a\tb", "c"]),
            "a class named \"a\\tb\"; expected names without tabs, line ends and other control characters",
        ),
        (
            |task| task.outputs = Outputs::Classes(vec!["x".repeat(1001), "c".to_owned()]),
            "a class named \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\", of 1001 bytes; expected names of at most 1000 bytes",
        ),
        (
            |task| task.evaluation_sets[0].0 = "../dev",
            "an evaluation set named \"../dev\"; expected letters, digits, _ and -",
        ),
        (
            |task| task.train.columns.label = None,
            "a training file without labels; expected a column of labels",
        ),
        (
            |task| {
                task.evaluation_sets.remove(0);
                task.evaluation_sets.remove(0);
            },
            "no evaluation set with labels; expected at least one",
        ),
        (
            |task| task.evaluation_sets[2].0 = "dev_matched",
            "two evaluation sets dev_matched; expected different names",
        ),
        (
            |task| task.evaluation_sets[1].1.columns.sentence2 = None,
            "pairs of sentences in 3 of 4 files; expected pairs in all of them or in none",
        ),
        (
            |task| task.train.columns.count = 5,
            r#"header "index\tsentence1\tsentence2\tlabel" has 4 columns; expected 5, as in every row"#,
        ),
        (
            |task| task.evaluation_sets[0].1.columns.label = Some(4),
            "column 4 is used; expected 0 to 3",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(fault(change), expected);
    }
}

#[test]
fn every_task_of_the_table_is_consistent() {
    for task in glue::all() {
        task.in_folder(Path::new("x")).expect(task.name);
        let files = task.evaluation_sets.iter().map(|(_, file)| file);
        for file in files.chain([&task.train]) {
            let at = format!("{}/{}", task.name, file.tsv);
            assert_eq!(Path::new(file.tsv).extension().unwrap(), "tsv", "{at}");
            let hub = Path::new(file.hub);
            let folder = if file.tsv == "AX.tsv" {
                "ax"
            } else {
                task.name
            };
            assert!(hub.starts_with(folder), "{at}");
            assert_eq!(hub.extension().unwrap(), "parquet", "{at}");
            assert_eq!(
                task.hub_columns.sentence2.is_some(),
                file.columns.sentence2.is_some(),
                "{at}"
            );
            assert!(task.hub_columns.label.is_some(), "{at}");
        }
    }
}
