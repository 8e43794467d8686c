//! The hub's Parquet files read the same as the TSV files; every other file is refused in one line.

use std::fs;
use std::path::{Path, PathBuf};

use tasks::{Split, Task, TaskError, glue};
use tempfile::TempDir;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/parquet")
}

/// A folder whose dev set is a Parquet file of these bytes.
fn folder_with(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sst2")).unwrap();
    fs::write(dev_of(folder.path()), bytes).unwrap();
    folder
}

fn dev_of(folder: &Path) -> PathBuf {
    folder.join("sst2/validation-00000-of-00001.parquet")
}

fn sst2(folder: &Path) -> Task {
    glue::sst2().in_folder(folder).unwrap()
}

fn read_dev(bytes: &[u8]) -> Result<Split, TaskError> {
    sst2(folder_with(bytes).path()).read_evaluation_set("dev")
}

/// The message about one of the golden files, without its path.
fn refusal(name: &str) -> String {
    refusal_of(&fs::read(golden().join("faults").join(name)).unwrap())
}

fn refusal_of(bytes: &[u8]) -> String {
    let folder = folder_with(bytes);
    let error = sst2(folder.path()).read_evaluation_set("dev").unwrap_err();
    let prefix = format!("{}: ", dev_of(folder.path()).display());
    let message = error.to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    message
        .strip_prefix(&prefix)
        .expect("the message starts with the path")
        .to_owned()
}

#[test]
fn every_file_reads_as_the_tsv_file_does() {
    let read = |folder: &Path, name| match name {
        "train" => sst2(folder).read_train().unwrap(),
        set => sst2(folder).read_evaluation_set(set).unwrap(),
    };
    let description = glue::sst2();
    let sets = description.evaluation_sets.into_iter();
    for (name, file) in sets.chain([("train", description.train)]) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sst2")).unwrap();
        fs::copy(golden().join(file.hub), folder.path().join(file.hub)).unwrap();
        let parquet = read(folder.path(), name);
        // If both are there, the TSV file is read.
        let tsv = read(&golden(), name);
        assert_eq!(parquet.examples, tsv.examples, "{name}");
        assert_eq!(parquet.targets, tsv.targets, "{name}");
        assert_eq!(parquet.count, tsv.count, "{name}");
        assert_ne!(parquet.sha256, tsv.sha256, "{name}");
    }
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    let bytes = fs::read(golden().join("sst2/validation-00000-of-00001.parquet")).unwrap();
    // sha256sum of the same file.
    assert_eq!(
        read_dev(&bytes).unwrap().sha256,
        "7ffa5dfe7ef4403f474ba57a3857b348725ca9fab3fc0bd513b5b2858be3aef4"
    );
}

#[test]
fn every_encoding_gives_the_same_examples() {
    let expected = sst2(&golden()).read_evaluation_set("dev").unwrap();
    let files: Vec<_> = fs::read_dir(golden().join("encodings")).unwrap().collect();
    assert_eq!(files.len(), 7);
    for file in files {
        let path = file.unwrap().path();
        let split = read_dev(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(split.examples, expected.examples, "{}", path.display());
        assert_eq!(split.targets, expected.targets, "{}", path.display());
    }
}

#[test]
fn a_column_that_is_missing_or_of_another_type_is_named() {
    for (name, expected) in [
        (
            "no_sentence.parquet",
            r#"columns text, label, idx; expected a column "sentence" of text"#,
        ),
        (
            "list_sentence.parquet",
            r#"columns sentence.list.element, label, idx; expected a column "sentence" of text"#,
        ),
        (
            "number_sentence.parquet",
            r#"sentence is a column of INT64; expected a column "sentence" of text"#,
        ),
        (
            "text_label.parquet",
            r#"label is a column of BYTE_ARRAY; expected a column "label" of int64"#,
        ),
    ] {
        assert_eq!(refusal(name), expected);
    }
}

#[test]
fn a_value_that_is_not_the_tasks_is_named_with_its_row() {
    for (name, expected) in [
        ("label_2.parquet", "row 4: label is 2; expected 0 to 1"),
        (
            "label_minus_1.parquet",
            "row 2: label is -1, which means no label; expected 0 to 1",
        ),
        (
            "null_label.parquet",
            "row 3: label is null; expected 0 to 1",
        ),
        (
            "null_sentence.parquet",
            "row 1: sentence is null; expected UTF-8 text",
        ),
        (
            "latin_1.parquet",
            "row 5: sentence is not UTF-8; expected UTF-8 text",
        ),
    ] {
        assert_eq!(refusal(name), expected);
    }
}

#[test]
fn a_file_without_rows_is_refused() {
    assert_eq!(
        refusal("no_rows.parquet"),
        "no examples; expected at least one row"
    );
}

#[test]
fn another_tasks_classes_are_refused_though_their_numbers_would_do() {
    assert_eq!(
        refusal("other_classes.parquet"),
        "classes unacceptable, acceptable: another task's file; expected a column \"label\" of the classes negative, \
         positive"
    );
}

#[test]
fn the_files_of_one_task_alone_are_found_too() {
    let folder = tempfile::tempdir().unwrap();
    let name = "validation-00000-of-00001.parquet";
    fs::copy(golden().join("sst2").join(name), folder.path().join(name)).unwrap();
    let alone = sst2(folder.path()).read_evaluation_set("dev").unwrap();
    let expected = sst2(&golden()).read_evaluation_set("dev").unwrap();
    assert_eq!(alone.examples, expected.examples);
}

#[test]
fn another_compression_is_refused() {
    let message = refusal("zstd.parquet");
    assert!(message.contains("zstd"), "{message}");
    assert!(
        message.ends_with("expected one that is whole, uncompressed or with Snappy"),
        "{message}"
    );
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = fs::read(golden().join("sst2/validation-00000-of-00001.parquet")).unwrap();
    for length in 0..whole.len() {
        let message = refusal_of(&whole[..length]);
        assert!(
            message.starts_with("not a readable Parquet file: "),
            "{length}: {message}"
        );
    }
}

#[test]
fn a_file_with_any_byte_changed_is_read_or_refused() {
    let whole = fs::read(golden().join("sst2/train-00000-of-00001.parquet")).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        match read_dev(&bytes) {
            Ok(split) => assert_eq!(split.count, split.examples.len()),
            Err(error) => assert!(!error.to_string().contains('\n'), "{at}: {error}"),
        }
    }
}

#[test]
fn without_any_file_the_tsv_file_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let error = sst2(folder.path()).read_evaluation_set("dev").unwrap_err();
    assert!(error.to_string().contains("dev.tsv"), "{error}");
}

#[test]
fn what_a_few_bytes_announce_is_refused_before_memory_is_taken() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz-targets/corpus/parquet");
    let read = |name: &str| read_dev(&fs::read(corpus.join(format!("{name}.parquet"))).unwrap());
    for name in ["runs", "delta-lengths"] {
        assert_eq!(read(name).unwrap().count, 8, "{name}");
    }
    for (name, expected) in [
        (
            "announces-a-large-page",
            "it unfolds to more than 17032216 bytes from 255",
        ),
        (
            "announces-a-large-dictionary",
            "a page of 2147483647 values, accepted is at most 15 here",
        ),
        (
            "announces-many-values",
            "a page of 2147483647 values, accepted is at most 8 here",
        ),
        (
            "announces-many-lengths",
            "a page of 8 values with lengths of another number of them",
        ),
        (
            "announces-many-differences",
            "a page of 8 values with lengths of another number of them",
        ),
        (
            "announces-many-rows",
            "it unfolds to more than 17059216 bytes from 282",
        ),
        (
            "unfolds-texts",
            "it unfolds to more than 27047216 bytes from 10270",
        ),
    ] {
        let text = read(name).unwrap_err().to_string();
        let expected = format!(
            "not a readable Parquet file: {expected}; expected one that is whole, uncompressed or with Snappy"
        );
        assert!(text.ends_with(&expected), "{name}: {text}");
    }
}
