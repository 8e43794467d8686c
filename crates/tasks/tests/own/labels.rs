//! What labels become.

use tasks::{Metric, Outputs, OwnFiles, Targets};

use crate::folder::{Folder, classes, task, train};

fn labelled(folder: &Folder, name: &str, labels: &[&str]) -> std::path::PathBuf {
    let rows = labels.iter().enumerate();
    let rows: Vec<String> = rows
        .map(|(row, label)| format!("text {row},\"{label}\"\n"))
        .collect();
    folder.file(name, format!("text,label\n{}", rows.concat()))
}

fn files(folder: &Folder, labels: &[&str]) -> OwnFiles {
    let mut files = OwnFiles::new(labelled(folder, "train.csv", labels));
    files.validation = Some(files.train.clone());
    files
}

fn names(labels: &[&str]) -> Vec<String> {
    let folder = Folder::new();
    match task(&files(&folder, labels)).task.outputs() {
        Outputs::Classes(names) => names.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn classes_are_sorted_as_python_sorts_them() {
    assert_eq!(names(&["b", "a", "B", "b", "é", "a"]), ["B", "a", "b", "é"]);
    assert_eq!(names(&["10", "9", "-1", "9", "10"]), ["-1", "9", "10"]);
    assert_eq!(names(&["10", "9", "x", "9", "10"]), ["10", "9", "x"]);
    assert_eq!(names(&["True", "False", "True"]), ["False", "True"]);
}

#[test]
fn integers_are_compared_by_value_and_words_without_white_space() {
    assert_eq!(names(&["1", "01", " 1 ", "0"]), ["0", "1"]);
    assert_eq!(names(&["yes", " yes", "no ", "no"]), ["no", "yes"]);
    let folder = Folder::new();
    let split = train(&files(&folder, &["1", "01", " +1 ", "0"]));
    assert_eq!(classes(&split), [1, 1, 1, 0]);
}

#[test]
fn minus_one_beside_labels_from_0_is_no_class() {
    let folder = Folder::new();
    assert_eq!(
        folder.error(&files(&folder, &["0", "1", "-1", "1", "0"])),
        "train.csv:4: label is \"-1\"; expected a class: beside labels from 0, -1 means no label; remove such rows, or \
         write the classes in words"
    );
    // SVM's classes, and those of other numberings.
    assert_eq!(names(&["-1", "1", "1"]), ["-1", "1"]);
    assert_eq!(names(&["-1", "0", "none", "0"]), ["-1", "0", "none"]);
}

#[test]
fn minus_one_in_a_validation_file_is_said_to_mean_no_label() {
    let folder = Folder::new();
    let mut files = files(&folder, &["0", "1", "1"]);
    files.validation = Some(labelled(&folder, "validation.csv", &["0", "-1"]));
    assert_eq!(
        folder.error(&files),
        "validation.csv:3: label is \"-1\"; expected one of \"0\", \"1\"; -1 means no label"
    );
}

#[test]
fn the_metrics_are_of_the_labels_kind() {
    let folder = Folder::new();
    let headline = |labels: &[&str]| task(&files(&folder, labels)).task.headline();
    assert_eq!(headline(&["a", "b"]), Metric::Accuracy);
    assert_eq!(headline(&["a", "b", "c", "a"]), Metric::Accuracy);
    assert_eq!(headline(&["0.5", "1"]), Metric::Pearson);
}

#[test]
fn numbers_with_fractions_are_scores() {
    let folder = Folder::new();
    let files = files(&folder, &["3.5", "-1", "2e0"]);
    let outputs = task(&files).task.outputs().clone();
    assert_eq!(
        outputs,
        Outputs::Score {
            min: -1.0,
            max: 3.5
        }
    );
    let targets = train(&files).targets;
    assert_eq!(targets, Some(Targets::Scores(vec![3.5, -1.0, 2.0])));
    assert!(
        folder
            .statement(&files)
            .contains("; scores from -1 to 3.5, because labels have fractions;"),
        "{}",
        folder.statement(&files)
    );
}

#[test]
fn whole_numbers_are_scores_if_asked_for() {
    let folder = Folder::new();
    let mut integers = files(&folder, &["1", "5", "3"]);
    integers.regression = true;
    let outputs = task(&integers).task.outputs().clone();
    assert_eq!(outputs, Outputs::Score { min: 1.0, max: 5.0 });
    let mut floats = files(&folder, &["1.0", "0.0"]);
    assert_eq!(
        folder.error(&floats),
        "train.csv:2: label is \"1.0\"; expected integers or words for classes, or --regression for scores"
    );
    floats.regression = true;
    let outputs = task(&floats).task.outputs().clone();
    assert_eq!(outputs, Outputs::Score { min: 0.0, max: 1.0 });
}

#[test]
fn the_range_of_scores_is_that_of_all_labelled_files() {
    let folder = Folder::new();
    let mut files = files(&folder, &["0.5", "1"]);
    files.validation = Some(labelled(&folder, "dev.csv", &["-2", "0.5"]));
    files.test = Some(labelled(&folder, "test.csv", &["7.5"]));
    let own = task(&files);
    let outputs = own.task.outputs().clone();
    assert_eq!(
        outputs,
        Outputs::Score {
            min: -2.0,
            max: 7.5
        }
    );
    for set in ["validation", "test"] {
        let read = own.task.read_evaluation_set(set);
        assert!(read.expect("it is read").targets.is_some(), "{set}");
    }
}

#[test]
fn what_is_no_score_is_an_error() {
    let folder = Folder::new();
    for label in ["good", "nan", "inf", "1,5"] {
        let mut files = files(&folder, &["0.5", label, "1"]);
        files.regression = true;
        assert_eq!(
            folder.error(&files),
            format!("train.csv:3: label is {label:?}; expected a finite number")
        );
    }
    assert_eq!(
        folder.error(&files(&folder, &["0.5", "0.5"])),
        "train.csv: every label in column \"label\" is 0.5; expected different scores"
    );
}

#[test]
fn a_label_that_training_lacks_is_an_error_in_every_other_file() {
    let folder = Folder::new();
    let expected = "label is \"meh\"; expected one of \"bad\", \"good\"";
    let mut files = files(&folder, &["good", "bad"]);
    files.test = Some(labelled(&folder, "test.csv", &["good", "bad", "meh"]));
    assert_eq!(folder.error(&files), format!("test.csv:4: {expected}"));
    files.validation = Some(labelled(&folder, "dev.csv", &["good", "meh"]));
    assert_eq!(folder.error(&files), format!("dev.csv:3: {expected}"));
}

#[test]
fn a_test_file_may_be_without_labels() {
    let folder = Folder::new();
    let mut files = files(&folder, &["1", "0"]);
    for (name, contents, labelled) in [
        ("none.csv", "text\na\n", false),
        ("minus.csv", "text,label\na,-1\nb,-1\n", false),
        ("empty.csv", "text,label\na,\nb,\n", false),
        (
            "null.jsonl",
            "{\"text\":\"a\",\"label\":null}\n{\"text\":\"b\"}\n",
            false,
        ),
        ("real.csv", "text,label\na,1\n", true),
    ] {
        files.test = Some(folder.file(name, contents));
        let own = task(&files);
        let test = own.task.read_evaluation_set("test").expect("it is read");
        assert_eq!(test.targets.is_some(), labelled, "{name}");
        assert_eq!(own.task.labelled_sets().count(), 1 + usize::from(labelled));
        let with = if labelled { "with" } else { "without" };
        let said = format!("; {name} {with} labels for testing");
        assert!(folder.statement(&files).ends_with(&said), "{name}");
    }
    files.test = Some(folder.file("some.csv", "text,label\na,-1\nb,1\n"));
    assert_eq!(
        folder.error(&files),
        "some.csv:2: label is \"-1\"; expected one of \"0\", \"1\"; -1 means no label"
    );
}

#[test]
fn minus_one_is_a_label_where_training_has_it() {
    let folder = Folder::new();
    let mut files = files(&folder, &["1", "-1", "1"]);
    files.test = Some(labelled(&folder, "test.csv", &["-1", "-1"]));
    let test = task(&files).task.read_evaluation_set("test");
    assert_eq!(classes(&test.expect("it is read")), [0, 0]);
}
