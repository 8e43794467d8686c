//! XNLI and PAWS-X in the layouts of their archives, of XTREME's download and of the hub: examples and labels are those that the
//! generator wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tasks::xtreme::{self, LanguageSets, XtremeTask, language_set};
use tasks::{Split, Targets, Task, TaskError};

fn golden(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/xtreme")
        .join(folder)
}

/// An example: both sentences and the position of the class.
#[derive(Debug, Deserialize, PartialEq)]
struct Row(String, String, usize);

/// The rows of each task's sets.
fn expected() -> BTreeMap<String, BTreeMap<String, Vec<Row>>> {
    serde_json::from_str(include_str!("golden/xtreme/expected.json")).unwrap()
}

fn rows(split: &Split) -> Vec<Row> {
    let Some(Targets::Classes(classes)) = &split.targets else {
        panic!("no classes");
    };
    let examples = split.examples.iter().zip(classes);
    examples
        .map(|(example, class)| {
            let second = example.sentence2.clone().expect("a pair");
            Row(example.sentence.clone(), second, *class)
        })
        .collect()
}

/// Compares every set of a task, with the training file from the same folder.
fn compare(task: &XtremeTask, folder: &Path, sets: LanguageSets) {
    let mut expected = expected().remove(task.name).expect("it was written");
    let described = task.in_folder(folder, task.languages, sets).unwrap();
    let at = format!("{} {} in {}", task.name, sets.name(), folder.display());
    let read = described.read_train().unwrap();
    assert_eq!(rows(&read), expected["train"], "{at}: train");
    let names: Vec<&str> = described
        .labelled_sets()
        .map(|set| set.name.as_str())
        .collect();
    assert_eq!(names[0], "dev-en", "{at}");
    let languages = task
        .languages
        .iter()
        .map(|language| language_set(sets, language));
    let mut all: Vec<String> = languages.filter(|name| name != "dev-en").collect();
    all.insert(0, "dev-en".to_owned());
    assert_eq!(names, all, "{at}");
    for name in names {
        let split = described.read_evaluation_set(name).unwrap();
        assert_eq!(
            rows(&split),
            expected.remove(name).expect("a set"),
            "{at}: {name}"
        );
        assert_eq!(split.count, split.examples.len(), "{at}: {name}");
    }
}

#[test]
fn the_archives_have_the_rows_that_were_written() {
    for sets in [LanguageSets::Dev, LanguageSets::Test] {
        compare(&xtreme::xnli(), &golden("archives"), sets);
        compare(&xtreme::pawsx(), &golden("archives"), sets);
        compare(&xtreme::pawsx(), &golden("archives/x-final"), sets);
    }
}

#[test]
fn xtremes_download_has_the_same_rows_though_python_has_quoted_them() {
    let text = fs::read_to_string(golden("download/xnli/dev-tr.tsv")).unwrap();
    assert!(
        text.contains("\"\"\"Bekle\"\" dedi") && text.contains("\r\n"),
        "{text}"
    );
    for (task, folder) in [
        (xtreme::xnli(), "download/xnli"),
        (xtreme::pawsx(), "download/pawsx"),
    ] {
        compare(&task, &golden(folder), LanguageSets::Dev);
        compare(&task, &golden("download"), LanguageSets::Dev);
    }
}

#[test]
fn the_hubs_files_have_the_same_rows() {
    for sets in [LanguageSets::Dev, LanguageSets::Test] {
        compare(&xtreme::xnli(), &golden("hub/xnli"), sets);
        compare(&xtreme::pawsx(), &golden("hub/paws-x"), sets);
        compare(&xtreme::pawsx(), &golden("hub/xtreme"), sets);
    }
}

/// Copies files of the golden folder, each to a path in a new folder.
fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in files {
        let to = folder.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(golden(from), to).unwrap();
    }
    folder
}

#[test]
fn the_hubs_xtreme_has_every_language_of_xnli_in_one_file() {
    let validation = "XNLI/validation-00000-of-00001.parquet";
    let test = "XNLI/test-00000-of-00001.parquet";
    let folder = folder_with(&[
        ("download/xnli/train-en.tsv", "train-en.tsv"),
        (
            "hub/xtreme/XNLI/validation-00000-of-00001.parquet",
            validation,
        ),
        ("hub/xtreme/XNLI/test-00000-of-00001.parquet", test),
    ]);
    for sets in [LanguageSets::Dev, LanguageSets::Test] {
        compare(&xtreme::xnli(), folder.path(), sets);
    }
}

#[test]
fn labels_that_the_download_lacks_are_read_from_the_archive_beside_it() {
    let folder = folder_with(&[
        ("download/xnli/train-en.tsv", "xnli/train-en.tsv"),
        ("download/xnli/dev-en.tsv", "xnli/dev-en.tsv"),
        ("download/xnli/test-de.tsv", "xnli/test-de.tsv"),
    ]);
    let xnli = xtreme::xnli();
    let in_folder = |languages: &[&str], sets| xnli.in_folder(folder.path(), languages, sets);
    let refused = in_folder(&["de"], LanguageSets::Test).unwrap_err();
    let path = folder.path().join("xnli/test-de.tsv");
    let archive = folder.path().join("XNLI-1.0/xnli.test.tsv");
    assert_eq!(
        refused.to_string(),
        format!(
            "{}: no labels, as XTREME's download leaves them out; expected beside it {}, or the dev sets to be scored",
            path.display(),
            archive.display()
        )
    );
    fs::create_dir(folder.path().join("XNLI-1.0")).unwrap();
    fs::copy(golden("archives/XNLI-1.0/xnli.test.tsv"), archive).unwrap();
    let task = in_folder(&["de"], LanguageSets::Test).unwrap();
    let split = task.read_evaluation_set("test-de").unwrap();
    assert_eq!(rows(&split), expected()["xnli"]["test-de"]);
}

#[test]
fn the_file_with_labels_is_named_in_the_language_that_lacks_them() {
    let folder = folder_with(&[
        ("download/pawsx/train-en.tsv", "pawsx/train-en.tsv"),
        ("download/pawsx/dev-en.tsv", "pawsx/dev-en.tsv"),
        ("download/pawsx/test-en.tsv", "pawsx/test-en.tsv"),
        ("download/pawsx/test-de.tsv", "pawsx/test-de.tsv"),
        ("archives/x-final/en/test_2k.tsv", "en/test_2k.tsv"),
    ]);
    let refused = xtreme::pawsx().in_folder(folder.path(), &["en", "de"], LanguageSets::Test);
    let text = refused.unwrap_err().to_string();
    let unlabelled = folder
        .path()
        .join("pawsx/test-de.tsv")
        .display()
        .to_string();
    let labelled = folder.path().join("de/test_2k.tsv");
    assert!(
        text.starts_with(&format!("{unlabelled}: no labels")),
        "{text}"
    );
    let part = format!("expected beside it {}, or", labelled.display());
    assert!(text.contains(&part), "{text}");
}

#[test]
fn a_file_that_serves_every_language_is_named_once() {
    let folder = folder_with(&[
        ("download/xnli/train-en.tsv", "train-en.tsv"),
        ("download/xnli/dev-en.tsv", "dev-en.tsv"),
    ]);
    let xnli = xtreme::xnli();
    let task = xnli.in_folder(folder.path(), xnli.languages, LanguageSets::Test);
    let error = task.unwrap().read_evaluation_set("test-sw").unwrap_err();
    let text = error.to_string();
    assert_eq!(text.matches("xnli.test.tsv").count(), 1, "{text}");
    assert!(
        text.ends_with("train-en.tsv, dev-en.tsv, xnli.test.tsv"),
        "{text}"
    );
}

#[test]
fn test_files_without_labels_can_be_predicted_where_dev_is_scored() {
    let task = xtreme::xnli();
    let task = task
        .in_folder(&golden("download"), &["sw", "en"], LanguageSets::Dev)
        .unwrap();
    let names: Vec<&str> = task
        .evaluation_sets()
        .iter()
        .map(|set| set.name.as_str())
        .collect();
    assert_eq!(names, ["dev-en", "dev-sw", "test-sw", "test-en"]);
    let split = task.read_evaluation_set("test-sw").unwrap();
    assert_eq!(split.targets, None);
    let expected = &expected()["xnli"]["test-sw"];
    assert_eq!(split.examples.len(), expected.len());
    for (example, Row(first, second, _)) in split.examples.iter().zip(expected) {
        assert_eq!(
            (&example.sentence, example.sentence2.as_ref()),
            (first, Some(second))
        );
    }
}

#[test]
fn a_copy_of_the_download_with_labels_is_scored() {
    let folder = folder_with(&[
        ("download/xnli/train-en.tsv", "train-en.tsv"),
        ("download/xnli/dev-en.tsv", "dev-en.tsv"),
    ]);
    fs::write(
        folder.path().join("test-fr.tsv"),
        "Un bac.\tUn bateau.\tneutral\r\n",
    )
    .unwrap();
    let task = xtreme::xnli();
    let task = task
        .in_folder(folder.path(), &["fr"], LanguageSets::Test)
        .unwrap();
    let split = task.read_evaluation_set("test-fr").unwrap();
    assert_eq!(
        rows(&split),
        [Row("Un bac.".to_owned(), "Un bateau.".to_owned(), 1)]
    );
}

#[test]
fn rows_that_were_not_translated_are_dropped_and_counted() {
    let pawsx = xtreme::pawsx();
    for (folder, place) in [
        ("archives", "x-final/ko/dev_2k.tsv:4"),
        ("download", "pawsx/dev-ko.tsv:3"),
        ("hub/paws-x", "ko/validation-00000-of-00001.parquet: row 3"),
        (
            "hub/xtreme",
            "PAWS-X.ko/validation-00000-of-00001.parquet: row 3",
        ),
    ] {
        let folder = golden(folder);
        let task = pawsx
            .in_folder(&folder, &["ko"], LanguageSets::Dev)
            .unwrap();
        let note = "dropped: 2 rows from here on without a sentence, or with a placeholder for it";
        let split = task.read_evaluation_set("dev-ko").unwrap();
        assert_eq!(
            split.notes,
            [format!("{}: {note}", folder.join(place).display())]
        );
        assert_eq!(task.read_evaluation_set("dev-en").unwrap().notes, [""; 0]);
    }
    // A sentence of XNLI may be anything.
    let folder = folder_with(&[("download/xnli/train-en.tsv", "train-en.tsv")]);
    fs::write(folder.path().join("dev-en.tsv"), "NS\t\tneutral\r\n").unwrap();
    let task = xtreme::xnli()
        .in_folder(folder.path(), &[], LanguageSets::Dev)
        .unwrap();
    assert_eq!(task.read_evaluation_set("dev-en").unwrap().count, 1);
}

/// The message about XNLI's German dev set, without the path of its folder.
fn refusal(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let task = xtreme::xnli();
    let error = task
        .in_folder(folder.path(), &["de"], LanguageSets::Dev)
        .and_then(|task| task.read_evaluation_set("dev-de"))
        .unwrap_err();
    let prefix = format!("{}/", folder.path().display());
    let message = error.to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    message.replace(&prefix, "")
}

#[test]
fn files_that_do_not_fit_are_refused_with_their_place() {
    assert_eq!(
        refusal(
            "dev-de.tsv",
            "Ein Satz.\tNoch einer.\tneutral\r\n\"offen\tzu\tneutral\r\n"
        ),
        "dev-de.tsv:2: column \"\\\"offen\"; expected a closing quote, and each quote inside doubled, as Python's csv writes them"
    );
    assert_eq!(
        refusal("dev-de.tsv", "Ein Satz.\tNoch einer.\tmaybe\r\n"),
        "dev-de.tsv:1: label \"maybe\"; expected one of entailment, neutral, contradiction"
    );
    assert_eq!(
        refusal("dev-de.tsv", "Ein Satz.\tNoch einer.\r\n"),
        "dev-de.tsv:1: 2 columns; expected 3, separated by tabs"
    );
    assert_eq!(
        refusal("dev-de.tsv", ""),
        "dev-de.tsv: no examples; expected at least one row"
    );
    let archive = fs::read_to_string(golden("archives/XNLI-1.0/xnli.dev.tsv")).unwrap();
    let others: Vec<&str> = archive
        .lines()
        .filter(|line| !line.starts_with("de\t"))
        .collect();
    assert_eq!(
        refusal("xnli.dev.tsv", &others.join("\n")),
        "xnli.dev.tsv: no row of \"de\"; expected at least one"
    );
    let header = refusal("xnli.dev.tsv", &archive.replacen("gold_label", "label", 1));
    assert!(
        header.starts_with("xnli.dev.tsv:1: header \"language\\tlabel"),
        "{header}"
    );
    assert!(
        header.contains("; expected \"language\\tgold_label"),
        "{header}"
    );
}

#[test]
fn a_folder_without_a_languages_file_and_an_unknown_language_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pawsx = xtreme::pawsx();
    let refused = |languages: &[&str]| -> TaskError {
        let task: Result<Task, TaskError> =
            pawsx.in_folder(folder.path(), languages, LanguageSets::Test);
        task.and_then(|task| task.read_evaluation_set("test-ja"))
            .unwrap_err()
    };
    let message = refused(&["ja"]).to_string();
    let place = folder.path().join("ja").display().to_string();
    assert!(
        message.starts_with(&place) && message.contains("test_2k.tsv"),
        "{message}"
    );
    assert_eq!(
        refused(&["sw"]).to_string(),
        "task pawsx: language \"sw\"; expected one of de, en, es, fr, ja, ko, zh"
    );
    let twice = refused(&["ja", "ja"]).to_string();
    assert_eq!(
        twice,
        "task pawsx: two evaluation sets test-ja; expected different names"
    );
    assert!(!pawsx.is_in(folder.path()) && pawsx.is_in(&golden("archives")));
}

#[test]
fn downloads_are_the_files_that_are_read() {
    let xnli = xtreme::xnli();
    assert_eq!(
        xnli.hub_files(&["en", "de"], LanguageSets::Test),
        [
            "en/train-00000-of-00001.parquet",
            "en/validation-00000-of-00001.parquet",
            "en/test-00000-of-00001.parquet",
            "de/test-00000-of-00001.parquet",
        ]
    );
    assert_eq!(xnli.hub_files(&["en"], LanguageSets::Dev).len(), 2);
    for file in xnli.hub_files(xnli.languages, LanguageSets::Dev) {
        assert!(golden("hub/xnli").join(&file).is_file(), "{file}");
    }
}
