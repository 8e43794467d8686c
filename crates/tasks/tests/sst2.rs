//! Reading SST-2: what is accepted, and how everything else is refused.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tasks::{Example, Split, Targets, Task, TaskError, glue};
use tempfile::TempDir;

/// A folder whose `train.tsv` has these bytes.
fn folder_with(train: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.tsv"), train).unwrap();
    folder
}

fn sst2(folder: &Path) -> Task {
    glue::sst2().in_folder(folder).unwrap()
}

fn read_train(bytes: impl AsRef<[u8]>) -> Result<Split, TaskError> {
    sst2(folder_with(bytes).path()).read_train()
}

/// The message, without the folder.
fn refusal(bytes: impl AsRef<[u8]>) -> String {
    let folder = folder_with(bytes);
    let message = sst2(folder.path()).read_train().unwrap_err().to_string();
    let prefix = format!("{}/", folder.path().display());
    message
        .strip_prefix(&prefix)
        .expect("the message starts with the path")
        .to_owned()
}

fn example(sentence: &str) -> Example {
    Example {
        sentence: sentence.to_owned(),
        sentence2: None,
    }
}

#[test]
fn rows_are_read_in_order_and_trimmed() {
    let split = read_train("sentence\tlabel\na dull film \t0\n  \"great\" fun\t1\n").unwrap();
    assert_eq!(
        split.examples,
        [example("a dull film"), example("\"great\" fun")]
    );
    assert_eq!(split.targets, Some(Targets::Classes(vec![0, 1])));
    assert_eq!(split.notes, [""; 0]);
    assert_eq!(split.count, 2);
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    // sha256sum of the same bytes.
    let split = read_train("sentence\tlabel\nfine\t1\n").unwrap();
    assert_eq!(
        split.sha256,
        "2806fe48afef77b95d230c14c4032601f37281fd9687579337c2ca6b072b1f09"
    );
    let split = read_train("sentence\tlabel\r\nfine\t1\r\n").unwrap();
    assert_eq!(
        split.sha256,
        "49ab391f78ed27cfe0eba2cf7273acdb89eb746b365c62af500cde61e2364206"
    );
}

#[test]
fn a_test_split_has_an_index_and_no_labels() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("test.tsv"),
        "index\tsentence\n0\twell made .\n1\tno\n",
    )
    .unwrap();
    let split = sst2(folder.path()).read_evaluation_set("test").unwrap();
    let sentences: Vec<_> = split.examples.iter().map(|e| e.sentence.as_str()).collect();
    assert_eq!(sentences, ["well made .", "no"]);
    assert_eq!(split.targets, None);
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing_but_the_hash() {
    let plain = read_train("sentence\tlabel\nfine\t1\nbad\t0\n").unwrap();
    for bytes in [
        "\u{feff}sentence\tlabel\nfine\t1\nbad\t0\n",
        "sentence\tlabel\r\nfine\t1\r\nbad\t0\r\n",
        "sentence\tlabel\nfine\t1\nbad\t0",
    ] {
        let other = read_train(bytes).unwrap();
        assert_eq!(other.examples, plain.examples, "{bytes:?}");
        assert_eq!(other.targets, plain.targets, "{bytes:?}");
        assert_ne!(other.sha256, plain.sha256, "{bytes:?}");
    }
}

#[test]
fn an_empty_sentence_is_an_example() {
    assert_eq!(
        read_train("sentence\tlabel\n \t1\n").unwrap().examples,
        [example("")]
    );
}

#[test]
fn a_missing_folder_names_itself_and_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("SST-2");
    let error = sst2(&missing).read_evaluation_set("dev").unwrap_err();
    assert!(matches!(error, TaskError::Folder { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: cannot read the folder of sst2: No such file or directory (os error 2); expected a folder with train.tsv, dev.tsv, test.tsv",
            missing.display()
        )
    );
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let folder = folder_with("sentence\tlabel\nfine\t1\n");
    let file = folder.path().join("train.tsv");
    let error = sst2(&file).read_train().unwrap_err();
    assert!(matches!(error, TaskError::Folder { .. }), "{error:?}");
}

#[test]
fn a_missing_file_names_itself_and_its_neighbours() {
    let folder = folder_with("sentence\tlabel\nfine\t1\n");
    let error = sst2(folder.path()).read_evaluation_set("dev").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: cannot read this file of sst2: No such file or directory (os error 2); expected a folder with train.tsv, dev.tsv, test.tsv",
            folder.path().join("dev.tsv").display()
        )
    );
}

#[test]
fn an_empty_file_and_a_wrong_header_are_refused() {
    assert_eq!(
        refusal(""),
        r#"train.tsv:1: header ""; expected "sentence\tlabel""#
    );
    assert_eq!(
        refusal("index\tsentence\n0\tfine\n"),
        r#"train.tsv:1: header "index\tsentence"; expected "sentence\tlabel""#
    );
    assert_eq!(
        refusal("fine\t1\n"),
        r#"train.tsv:1: header "fine\t1"; expected "sentence\tlabel""#
    );
}

#[test]
fn a_header_alone_is_refused() {
    for bytes in ["sentence\tlabel", "sentence\tlabel\n"] {
        assert_eq!(
            refusal(bytes),
            "train.tsv: no examples; expected at least one row"
        );
    }
}

#[test]
fn a_ragged_row_is_refused_with_its_line() {
    let expected = "expected 2, separated by tabs";
    for (bytes, line, found) in [
        ("sentence\tlabel\nfine\t1\nbad\n", 3, "1 column"),
        ("sentence\tlabel\nfine\t1\t\n", 2, "3 columns"),
        (
            "sentence\tlabel\r\nfine\t1\r\nbad\t0\r\na b\r\n",
            4,
            "1 column",
        ),
        ("sentence\tlabel\nfine\t1\n\nbad\t0\n", 3, "1 column"),
        ("sentence\tlabel\nfine\t1\n\n", 3, "1 column"),
    ] {
        assert_eq!(
            refusal(bytes),
            format!("train.tsv:{line}: {found}; {expected}"),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_label_other_than_0_or_1_is_refused_with_its_line() {
    for label in ["2", "-1", "", " 1", "1 ", "01", "0.0", "positive"] {
        assert_eq!(
            refusal(format!("sentence\tlabel\nfine\t1\nbad\t{label}\n")),
            format!("train.tsv:3: label {label:?}; expected one of 0, 1")
        );
    }
}

#[test]
fn a_refusal_is_one_short_line_whatever_the_value() {
    let message = refusal(format!(
        "sentence\tlabel\nfine\t{}\n",
        "9\u{1b}\r".repeat(1_000)
    ));
    assert!(
        message.chars().count() < 400 && !message.contains(char::is_control),
        "{message:?}"
    );
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_line() {
    assert_eq!(
        refusal(b"sentence\tlabel\nfine\t1\ncaf\xe9\t1\n"),
        "train.tsv:3: bytes that are not UTF-8; expected UTF-8 text"
    );
}

#[test]
fn a_set_that_the_task_lacks_is_refused_and_its_sets_are_listed() {
    let error = sst2(Path::new(".")).read_evaluation_set("dev_matched");
    assert_eq!(
        error.unwrap_err().to_string(),
        "task sst2 has no evaluation set dev_matched; expected one of dev, test"
    );
}

const HINT: &str = "; columns look quoted, and GLUE's TSV files have no quoting";

#[test]
fn a_refusal_says_so_where_columns_look_quoted() {
    assert_eq!(
        refusal("\"sentence\"\t\"label\"\n\"fine\"\t\"1\"\n"),
        format!(
            r#"train.tsv:1: header "\"sentence\"\t\"label\""; expected "sentence\tlabel"{HINT}"#
        )
    );
    assert_eq!(
        refusal("sentence\tlabel\n\"fine\"\t\"1\"\n"),
        format!(r#"train.tsv:2: label "\"1\""; expected one of 0, 1{HINT}"#)
    );
    assert_eq!(
        refusal("sentence\tlabel\n\"a\tb\"\t1\n"),
        format!("train.tsv:2: 3 columns; expected 2, separated by tabs{HINT}")
    );
}

/// As pandas writes `he said "wow"`.
#[test]
fn sentences_that_look_quoted_are_kept_and_noted() {
    let folder = folder_with(
        "sentence\tlabel\nfine\t1\n\"he said \"\"wow\"\"\"\t1\n\"\"\"great\"\" fun\"\t1\n",
    );
    let split = sst2(folder.path()).read_train().unwrap();
    assert_eq!(split.examples[1], example("\"he said \"\"wow\"\"\""));
    let path = folder.path().join("train.tsv");
    let note = "sentences look quoted as in CSV, in 2 rows from here on; the quotes stay in the sentences, as GLUE's TSV files have \
                no quoting";
    assert_eq!(split.notes, [format!("{}:3: {note}", path.display())]);
}

proptest! {
    #[test]
    fn any_sentence_without_tab_or_line_feed_survives(
        rows in prop::collection::vec(("[^\t\n]{0,40}", 0usize..2), 1..20)
    ) {
        let mut text = String::from("sentence\tlabel\n");
        for (sentence, label) in &rows {
            text.push_str(&format!("{sentence}\t{label}\n"));
        }
        let split = read_train(text).unwrap();
        prop_assert_eq!(split.count, rows.len());
        for (read, (sentence, _)) in split.examples.iter().zip(&rows) {
            let python_white_space = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
            prop_assert_eq!(&read.sentence, sentence.trim_matches(python_white_space));
        }
        let labels = rows.iter().map(|(_, label)| *label).collect();
        prop_assert_eq!(split.targets, Some(Targets::Classes(labels)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut file = b"sentence\tlabel\n".to_vec();
        file.extend(&bytes);
        for file in [file, bytes] {
            match read_train(file) {
                Ok(split) => prop_assert_eq!(split.count, split.examples.len()),
                Err(error) => prop_assert!(!error.to_string().contains('\n')),
            }
        }
    }
}
