//! Every task and AX in the layouts of the official archives and of the hub: examples and labels are
//! those that the generator wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tasks::glue::{self, GlueTask};
use tasks::{Metric, Outputs, Split, Targets, Task};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/glue")
}

/// An example: both sentences and the label, which is a class's position or a score.
#[derive(Debug, Deserialize, PartialEq)]
struct Row(String, Option<String>, Option<f64>);

/// The rows of each task's sets.
fn expected() -> BTreeMap<String, BTreeMap<String, Vec<Row>>> {
    serde_json::from_str(include_str!("golden/glue/expected.json")).unwrap()
}

fn rows(split: &Split) -> Vec<Row> {
    let label = |at: usize| match &split.targets {
        None => None,
        Some(Targets::Classes(classes)) => Some(classes[at] as f64),
        // The shortest decimals of the f32, as the files have them.
        Some(Targets::Scores(scores)) => Some(scores[at].to_string().parse().unwrap()),
    };
    let examples = split.examples.iter().enumerate();
    examples
        .map(|(at, example)| {
            Row(
                example.sentence.clone(),
                example.sentence2.clone(),
                label(at),
            )
        })
        .collect()
}

fn read(task: &Task, set: &str) -> Split {
    match set {
        "train" => task.read_train(),
        set => task.read_evaluation_set(set),
    }
    .unwrap()
}

/// Reads every set of every task, each task from the folder that `folder` gives.
fn compare(folder: impl Fn(&GlueTask) -> PathBuf, extension: &str) {
    let mut expected = expected();
    for description in glue::all() {
        let task = description.in_folder(&folder(&description)).unwrap();
        let mut sets = expected.remove(description.name).expect("it was written");
        let known = description.evaluation_sets.iter().map(|(name, _)| *name);
        for name in known.chain(["train"]) {
            let at = format!("{} {name}", description.name);
            let split = read(&task, name);
            assert_eq!(rows(&split), sets.remove(name).expect("a set"), "{at}");
            assert_eq!(split.count, split.examples.len(), "{at}");
        }
        assert_eq!(sets.len(), 0, "{sets:?}");
        let sources = task.evaluation_sets().iter().map(|set| &set.source);
        for source in sources.chain([task.train()]) {
            assert_eq!(source.path.extension().unwrap(), extension);
        }
    }
    assert_eq!(expected.len(), 0, "{expected:?}");
}

#[test]
fn official_files_have_the_rows_that_were_written() {
    compare(|task| golden().join("tsv").join(task.folder), "tsv");
}

#[test]
fn the_hubs_files_have_the_same_rows() {
    compare(|_| golden().join("hub"), "parquet");
}

#[test]
fn ax_is_found_where_each_downloader_leaves_it() {
    let ax = fs::read(golden().join("tsv/AX/AX.tsv")).unwrap();
    for place in [
        "MNLI/AX.tsv",
        "MNLI/diagnostic.tsv",
        "AX/AX.tsv",
        "diagnostic/diagnostic.tsv",
    ] {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("MNLI")).unwrap();
        let path = root.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &ax).unwrap();
        let task = glue::mnli().in_folder(&root.path().join("MNLI")).unwrap();
        assert_eq!(read(&task, "ax").count, 6, "{place}");
    }
}

#[test]
fn rows_of_qqp_that_break_off_are_dropped_and_counted() {
    let folder = golden().join("tsv/QQP");
    let task = glue::qqp().in_folder(&folder).unwrap();
    for (set, count) in [("train", 7), ("dev", 5)] {
        let split = read(&task, set);
        assert_eq!(split.count, count);
        let note = "dropped, as transformers and datasets do: 2 rows from here on with fewer than 6 columns";
        let path = folder.join(format!("{set}.tsv"));
        assert_eq!(split.notes, [format!("{}:4: {note}", path.display())]);
    }
    assert_eq!(read(&task, "test").notes, [""; 0]);
}

#[test]
fn no_other_task_drops_rows() {
    let folder = tempfile::tempdir().unwrap();
    for (task, text) in [
        (
            glue::rte(),
            "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n1\ta\tb\n",
        ),
        (
            glue::mrpc(),
            "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\ta\tb\n0\t3\t4\ta\n",
        ),
    ] {
        fs::write(folder.path().join("train.tsv"), text).unwrap();
        let error = task.in_folder(folder.path()).unwrap().read_train();
        let error = error.unwrap_err().to_string();
        assert!(error.contains("train.tsv:3: "), "{error}");
    }
    // A row without a prediction would be missing from the submission.
    fs::write(
        folder.path().join("test.tsv"),
        "id\tquestion1\tquestion2\n0\ta\tb\n1\ta\n",
    )
    .unwrap();
    let error = glue::qqp()
        .in_folder(folder.path())
        .unwrap()
        .read_evaluation_set("test");
    let error = error.unwrap_err().to_string();
    assert!(
        error.ends_with("test.tsv:3: 2 columns; expected 3, separated by tabs"),
        "{error}"
    );
}

#[test]
fn tasks_are_found_by_the_names_of_run_glue() {
    let names: Vec<_> = glue::all().iter().map(|task| task.name).collect();
    assert_eq!(
        names,
        [
            "cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"
        ]
    );
    for name in names {
        assert_eq!(glue::named(name).expect("it is there").name, name);
    }
    for name in ["ax", "SST-2", "sst-2", "MNLI", ""] {
        assert_eq!(glue::named(name), None, "{name}");
    }
}

#[test]
fn outputs_metrics_and_counts_are_glues() {
    let not = ["entailment", "not_entailment"];
    let three = ["entailment", "neutral", "contradiction"];
    let both = ["accuracy", "f1"];
    // Classes of the TSV files, classes of the hub, metrics, and rows with those of the training set first:
    // the features and splits of `nyu-mll/glue`.
    type Known<'a> = (
        &'a str,
        &'a [&'a str],
        &'a [&'a str],
        &'a [&'a str],
        &'a [usize],
    );
    let known: [Known<'_>; 9] = [
        (
            "cola",
            &["0", "1"],
            &["unacceptable", "acceptable"],
            &["matthews_correlation"],
            &[8551, 1043, 1063],
        ),
        (
            "sst2",
            &["0", "1"],
            &["negative", "positive"],
            &["accuracy"],
            &[67349, 872, 1821],
        ),
        (
            "mrpc",
            &["0", "1"],
            &["not_equivalent", "equivalent"],
            &both,
            &[3668, 408, 1725],
        ),
        (
            "stsb",
            &[],
            &[],
            &["pearson", "spearmanr"],
            &[5749, 1500, 1379],
        ),
        (
            "qqp",
            &["0", "1"],
            &["not_duplicate", "duplicate"],
            &both,
            &[363846, 40430, 390965],
        ),
        (
            "mnli",
            &three,
            &three,
            &["accuracy"],
            &[392702, 9815, 9832, 9796, 9847, 1104],
        ),
        ("qnli", &not, &not, &["accuracy"], &[104743, 5463, 5463]),
        ("rte", &not, &not, &["accuracy"], &[2490, 277, 3000]),
        (
            "wnli",
            &["0", "1"],
            &["not_entailment", "entailment"],
            &["accuracy"],
            &[635, 71, 146],
        ),
    ];
    for (task, (name, classes, hub, metrics, rows)) in glue::all().iter().zip(known) {
        assert_eq!(task.name, name);
        let outputs = match classes.is_empty() {
            true => Outputs::Score { min: 0.0, max: 5.0 },
            false => Outputs::classes(classes.iter().copied()),
        };
        assert_eq!(task.outputs, outputs, "{name}");
        assert_eq!(task.hub_classes, hub, "{name}");
        let names: Vec<_> = task.metrics.iter().map(|metric| metric.name()).collect();
        assert_eq!(names, metrics, "{name}");
        let counts: Vec<_> = task.files().map(|file| file.rows).collect();
        assert_eq!(counts, rows, "{name}");
    }
    assert_eq!(glue::stsb().metrics[0], Metric::Pearson);
}

#[test]
fn the_sets_of_mnli_share_one_training_file() {
    let mnli = glue::mnli().in_folder(Path::new("MNLI")).unwrap();
    let names = |labelled: bool| -> Vec<&str> {
        let sets = mnli.evaluation_sets().iter();
        sets.filter(|set| set.source.is_labelled() == labelled)
            .map(|set| set.name.as_str())
            .collect()
    };
    assert_eq!(names(true), ["dev_matched", "dev_mismatched"]);
    assert_eq!(names(false), ["test_matched", "test_mismatched", "ax"]);
}
