//! Files that cannot be used: one line each, which says where and what.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use tasks::OwnFiles;

use crate::folder::{Folder, gzip};

const GOOD: &str = "text,label\na,0\nb,1\n";

fn error(name: &str, contents: impl AsRef<[u8]>) -> String {
    let folder = Folder::new();
    folder.error(&folder.files(name, contents))
}

#[test]
fn an_empty_file_and_a_header_alone_have_no_examples() {
    for name in ["a.csv", "a.tsv", "a.jsonl"] {
        for contents in ["", "\u{feff}", "\n\r\n"] {
            assert_eq!(
                error(name, contents),
                format!("{name}: no examples; expected at least one row")
            );
        }
    }
    assert_eq!(
        error("a.csv", "text,label\n"),
        "a.csv: no examples; expected at least one row"
    );
}

#[test]
fn ragged_rows_name_their_line_and_width() {
    assert_eq!(
        error("a.csv", "text,label\r\n\"a\r\nb\",0\r\nc,d,1\r\n"),
        "a.csv:4: 3 columns; expected 2, as in the header"
    );
    assert_eq!(
        error("a.csv", "text,label\n\n\na\n"),
        "a.csv:4: 1 column; expected 2, as in the header"
    );
    // GLUE's dialect, where a quote is a letter.
    assert_eq!(
        error("a.tsv", "text\tlabel\na\t1\n\" b\t0\nc \"\td\t1\n"),
        "a.tsv:3: 3 columns; expected 2, as in the header; a field that starts with a quote ends at the next quote"
    );
}

#[test]
fn a_quote_that_is_never_closed_names_the_line_of_its_row() {
    let expected =
        "a quote that is never closed; expected a second quote; a quote inside quotes is doubled";
    for contents in [
        "text,label\na,0\n\"b,1\nc,0\n",
        "text,label\r\na,0\r\n\"b,1",
    ] {
        assert_eq!(error("a.csv", contents), format!("a.csv:3: {expected}"));
    }
}

#[test]
fn swapped_columns_look_like_too_many_classes() {
    let rows = |count: usize| -> String {
        let rows = (0..count).map(|row| format!("{},sentence {row}\n", row % 2));
        format!("text,label\n{}", rows.collect::<String>())
    };
    assert_eq!(
        error("a.csv", rows(1001)),
        "a.csv: column \"label\" has more than 1000 different labels, such as \"sentence 0\"; \
         expected at most that many classes; it is probably not the label column (--label-column NAME)"
    );
    assert_eq!(
        error("a.csv", rows(3)),
        "a.csv: every label in column \"label\" is different, such as \"sentence 0\"; \
         expected classes of several rows; it is probably not the label column (--label-column NAME)"
    );
    // A thousand classes are possible.
    let folder = Folder::new();
    let twice = rows(1000).replace("text,label\n", "");
    let files = folder.files("a.csv", format!("text,label\n{twice}{twice}"));
    assert_eq!(crate::folder::task(&files).task.outputs().count(), 1000);
}

#[test]
fn a_label_column_of_one_class_is_an_error() {
    assert_eq!(
        error("a.csv", "text,label\na,1\nb,1\n"),
        "a.csv: every label in column \"label\" is \"1\"; expected at least two classes"
    );
}

#[test]
fn an_empty_label_names_its_line() {
    assert_eq!(
        error("a.csv", "text,label\n\"a\n\n\",0\nb, \n"),
        "a.csv:5: label is empty; expected a label"
    );
}

#[test]
fn a_class_that_cannot_be_written_names_its_line() {
    assert_eq!(
        error("a.csv", "text,label\na,y\nb,y\nc,\"x\u{1b}[2J\"\nd,y\n"),
        "a.csv:4: label is \"x\\u{1b}[2J\"; expected names without tabs, line ends and other control characters"
    );
    let long = format!("text,label\na,y\nb,{}\nc,y\n", "x".repeat(1001));
    let said = error("a.csv", long);
    assert!(
        said.starts_with("a.csv:3: label is \"xxx")
            && said.ends_with("; expected names of at most 1000 bytes"),
        "{said}"
    );
}

#[test]
fn validation_must_be_pairs_where_training_is() {
    let folder = Folder::new();
    let single = folder.file("single.csv", "sentence,label\na,0\nb,1\n");
    let pairs = folder.file("pairs.csv", "sentence1,sentence2,label\na,b,0\nc,d,1\n");
    let files = |train: &std::path::Path, validation: &std::path::Path| OwnFiles {
        validation: Some(validation.to_owned()),
        ..OwnFiles::new(train)
    };
    assert_eq!(
        folder.error(&files(&single, &pairs)),
        "pairs.csv: no column \"sentence\"; expected one of its columns, \"sentence1\", \"sentence2\", \"label\""
    );
    assert_eq!(
        folder.error(&files(&pairs, &single)),
        "single.csv: no column \"sentence1\"; expected one of its columns, \"sentence\", \"label\""
    );
    let unlabelled = folder.file("unlabelled.csv", "sentence\na\n");
    assert_eq!(
        folder.error(&files(&single, &unlabelled)),
        "unlabelled.csv: no column \"label\"; expected one of its columns, \"sentence\""
    );
}

#[test]
fn bytes_that_are_not_utf8_name_their_line() {
    for (name, contents) in [
        ("a.csv", &b"text,label\na,0\n\"b\nc\xff\",1\n"[..]),
        ("a.tsv", b"text\tlabel\r\na\t0\r\n\r\nb\xc3\t1\r\n"),
        (
            "a.jsonl",
            b"{\"text\":\"a\",\"label\":0}\n\n\n{\"text\":\"\xff\",\"label\":1}\n",
        ),
    ] {
        assert_eq!(
            error(name, contents),
            format!("{name}:4: bytes that are not UTF-8; expected UTF-8 text")
        );
    }
    // The halves of a letter in two fields.
    assert_eq!(
        error("a.csv", b"text,label,x\na\xc3,0,\n\xa9,1,\n"),
        "a.csv:2: bytes that are not UTF-8; expected UTF-8 text"
    );
    assert_eq!(
        error("a.csv", b"text,label,x\na,\xc3,\xa9\n"),
        "a.csv:2: bytes that are not UTF-8; expected UTF-8 text"
    );
    let utf16 = "text,label\n".encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16).collect();
    assert_eq!(
        error("a.csv", utf16),
        "a.csv:1: bytes that are not UTF-8; expected UTF-8 text"
    );
}

#[test]
fn json_that_is_not_an_object_per_line_names_its_place() {
    let row = "{\"text\":\"a\",\"label\":0}\n";
    for (line, found) in [
        ("{\"text\":\"a\",", "byte 12: EOF while parsing a value"),
        (
            "{\"text\":\"a\" \"label\":1}",
            "byte 13: expected `,` or `}`",
        ),
        ("{} {}", "byte 4: trailing characters"),
        ("[1]", "byte 0: invalid type: sequence, expected an object"),
        ("{\"label\":1,\"label\":0}", "byte 18: two keys \"label\""),
    ] {
        let error = error("a.jsonl", format!("{row}\n{line}\n"));
        let expected = format!("a.jsonl:3: {found}; expected one JSON object per line");
        assert_eq!(error, expected, "{line}");
    }
    let array = error("a.json", "[\n{\"text\":\"a\",\"label\":0}\n]\n");
    assert!(
        array.starts_with("a.json:1: ") && array.ends_with("; expected one JSON object per line"),
        "{array}"
    );
}

#[test]
fn null_missing_and_nested_values_name_their_line_and_column() {
    let row = |text: &str, label: &str| format!("{{\"text\":{text},\"label\":{label}}}\n");
    let with = |bad: &str| {
        let good = row("\"a\"", "0") + &row("\"b\"", "1");
        error("a.jsonl", format!("{good}{bad}{good}"))
    };
    let expected = "expected text, a number, true or false";
    for (value, kind) in [
        ("null", "null"),
        ("[1, [2]]", "a list"),
        ("{\"a\": {}}", "an object"),
    ] {
        assert_eq!(
            with(&row("\"c\"", value)),
            format!("a.jsonl:3: label is {kind}; {expected}")
        );
    }
    assert_eq!(
        with("{\"text\":\"c\"}\n"),
        format!("a.jsonl:3: label is missing; {expected}")
    );
    // The texts are looked at when they are read.
    let folder = Folder::new();
    let files = folder.files("a.jsonl", row("\"a\"", "0") + &row("null", "1"));
    let read = crate::folder::task(&files).task.read_train();
    let error = folder.short(&read.expect_err("a null").to_string());
    assert_eq!(error, format!("a.jsonl:2: text is null; {expected}"));
    // A test file's at once: it may be read only after hours of training.
    let mut files = folder.files("b.jsonl", row("\"a\"", "0") + &row("\"b\"", "1"));
    files.test = Some(folder.file("test.jsonl", "{\"text\":\"a\"}\n{\"text\":[]}\n"));
    assert_eq!(
        folder.error(&files),
        format!("test.jsonl:2: text is a list; {expected}")
    );
}

#[test]
fn a_damaged_gzip_file_is_an_error() {
    let rows: String = (0..5000)
        .map(|row| format!("text {row},{}\n", row % 2))
        .collect();
    let whole = gzip(format!("text,label\n{rows}"));
    for length in [1, 5, 20, whole.len() / 2, whole.len() - 1] {
        let error = error("a.csv.gz", &whole[..length]);
        assert!(
            error.starts_with("a.csv.gz: cannot read this file: ")
                && error.ends_with("; expected a whole gzip file"),
            "{length}: {error}"
        );
    }
    for bytes in [[whole.clone(), b"more".to_vec()].concat(), GOOD.into()] {
        let error = error("a.csv.gz", bytes);
        assert!(error.ends_with("; expected a whole gzip file"), "{error}");
    }
    assert!(error("a.csv", &whole).contains("not UTF-8"));
}

#[test]
fn another_ending_is_an_error_with_those_there_are() {
    for name in ["a.txt", "csv", "a.parquet.gz", "a.csv.zip", "a.gz", "a"] {
        assert_eq!(
            error(name, GOOD),
            format!(
                "{name}: a file name with another ending; expected .csv, .tsv, .jsonl, .ndjson or .json, \
                 each also with .gz, or .parquet"
            )
        );
    }
}

#[test]
fn what_is_no_file_is_an_error_at_once() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("a.csv")).expect("a folder");
    let files = |name: &str| OwnFiles {
        validation_split: Some(0.5),
        ..OwnFiles::new(folder.path().join(name))
    };
    assert_eq!(
        folder.error(&files("a.csv")),
        "a.csv: a folder; expected a file"
    );
    let missing = folder.error(&files("b.csv"));
    assert!(
        missing.starts_with("b.csv: cannot read this file: No such file"),
        "{missing}"
    );

    let pipe = folder.path().join("c.csv");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let (sender, receiver) = mpsc::channel();
    let files = files("c.csv");
    std::thread::spawn(move || {
        let task = files.task().map(|own| own.statement);
        sender.send(task.map_err(|error| error.to_string()))
    });
    let error = receiver.recv_timeout(Duration::from_secs(20));
    let error = error.expect("an answer at once").expect_err("a pipe");
    assert_eq!(
        folder.short(&error),
        "c.csv: a pipe or a device; expected a file"
    );
}

#[test]
fn options_that_contradict_each_other_are_an_error() {
    let folder = Folder::new();
    let mut files = OwnFiles::new(folder.file("a.csv", GOOD));
    assert_eq!(
        folder.error(&files),
        "task a: nothing to evaluate on; expected --validation-file FILE or --validation-split 0.1"
    );
    for share in [0.0, 1.0, -0.1, f64::NAN, 10.0] {
        files.validation_split = Some(share);
        let error = folder.error(&files);
        let expected =
            format!("validation split {share}; expected a share between 0 and 1, such as 0.1");
        assert!(error.ends_with(&expected), "{error}");
    }
    files.validation_split = Some(0.5);
    files.validation = Some(files.train.clone());
    let error = folder.error(&files);
    let expected = "expected one of --validation-file and --validation-split";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn another_delimiter_is_said() {
    for (name, header) in [
        ("a.tsv", "sentence,label"),
        ("a.csv", "sentence\tlabel"),
        ("a.csv", "sentence;label"),
    ] {
        let found = format!("{name}: no column \"label\" in {header:?}");
        assert_eq!(
            error(name, format!("{header}\n")),
            format!("{found}; expected columns separated by commas in .csv and by tabs in .tsv")
        );
    }
}
