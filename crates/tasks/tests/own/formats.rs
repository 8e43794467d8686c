//! The same rows in every format.

use tasks::{Example, OwnFiles, Targets};

use crate::folder::{Folder, classes, gzip, sentences, train};

const CSV: &str = "sentence,label\na fine film,positive\n\"dull, long\",negative\n";
const TSV: &str = "sentence\tlabel\na fine film\tpositive\n\"dull, long\"\tnegative\n";
const JSON: &str = "{\"sentence\": \"a fine film\", \"label\": \"positive\"}\n{\"label\": \"negative\", \"sentence\": \"dull, long\"}\n";

fn assert_read(files: &OwnFiles) {
    let split = train(files);
    assert_eq!(sentences(&split), ["a fine film", "dull, long"]);
    assert_eq!(classes(&split), [1, 0]);
    assert_eq!(split.count, 2);
    let bytes = std::fs::read(&files.train).expect("it is there");
    assert_eq!(split.sha256, files::sha256_of(&bytes));
    assert_eq!(split.notes, [""; 0]);
}

#[test]
fn every_ending_is_read_plain_and_compressed() {
    let folder = Folder::new();
    for (name, contents) in [
        ("a.csv", CSV),
        ("a.CSV", CSV),
        ("a.tsv", TSV),
        ("a.jsonl", JSON),
        ("a.json", JSON),
        ("a.ndjson", JSON),
    ] {
        assert_read(&folder.files(name, contents));
        assert_read(&folder.files(&format!("{name}.gz"), gzip(contents)));
    }
}

#[test]
fn byte_order_marks_line_ends_and_blank_lines_change_nothing() {
    let folder = Folder::new();
    for (name, contents) in [("a.csv", CSV), ("a.tsv", TSV), ("a.jsonl", JSON)] {
        let marked = format!("\u{feff}{contents}");
        assert_read(&folder.files(name, &marked));
        assert_read(&folder.files(&format!("{name}.gz"), gzip(&marked)));
        assert_read(&folder.files(name, contents.replace('\n', "\r\n")));
        assert_read(&folder.files(name, marked.replace('\n', "\r\n")));
        assert_read(&folder.files(name, contents.trim_end()));
        assert_read(&folder.files(name, format!("{contents}\n")));
        assert_read(&folder.files(name, format!("{contents}\r\n\r\n")));
    }
}

#[test]
fn gzip_members_follow_each_other() {
    let folder = Folder::new();
    let (first, second) = CSV.split_at(20);
    let bytes = [gzip(first), gzip(second)].concat();
    assert_read(&folder.files("a.csv.gz", bytes));
}

#[test]
fn blank_lines_between_rows_are_skipped_and_said() {
    let folder = Folder::new();
    for line_end in ["\n", "\r\n"] {
        let text = CSV.replace("\"dull", "\n\n\"dull").replace('\n', line_end);
        let split = train(&folder.files("a.csv", text));
        assert_eq!(sentences(&split), ["a fine film", "dull, long"]);
        let notes: Vec<String> = split.notes.iter().map(|note| folder.short(note)).collect();
        assert_eq!(notes, ["a.csv: skipped: 2 blank lines between the rows"]);
    }
}

#[test]
fn quoted_fields_hold_commas_quotes_and_line_ends() {
    let folder = Folder::new();
    let text = "label,text\r\n0,\"a \"\"b\"\", c\r\nd\ne\"\r\n1,plain \"quote\"\r\n0,\"\"\"\"\r\n";
    let split = train(&folder.files("a.csv", text));
    assert_eq!(
        sentences(&split),
        ["a \"b\", c\r\nd\ne", "plain \"quote\"", "\""]
    );
    assert_eq!(classes(&split), [0, 1, 0]);
}

#[test]
fn numbers_and_truth_values_are_texts_as_python_writes_them() {
    let folder = Folder::new();
    let text = "{\"text\": 12, \"label\": true}\n{\"text\": -1.50, \"label\": false}\n\
                {\"text\": 1e-5, \"label\": true}\n{\"text\": true, \"label\": false}\n";
    let mut files = folder.files("a.jsonl", text);
    files.text_column = Some("text".to_owned());
    let split = train(&files);
    assert_eq!(sentences(&split), ["12", "-1.5", "1e-05", "True"]);
    assert_eq!(classes(&split), [1, 0, 1, 0]);
}

#[test]
fn sentences_are_stripped_and_empty_ones_are_said() {
    let folder = Folder::new();
    let split = train(&folder.files("a.csv", "text,label\n  a \u{3000},0\n,1\n \t,0\n"));
    assert_eq!(sentences(&split), ["a", "", ""]);
    let notes: Vec<String> = split.notes.iter().map(|note| folder.short(note)).collect();
    assert_eq!(notes, ["a.csv:3: the first of 2 empty texts"]);
}

#[test]
fn pairs_have_two_sentences() {
    let folder = Folder::new();
    let text = "premise,hypothesis,label\na,b,yes\nc,d,no\n";
    let split = train(&folder.files("a.csv", text));
    let pair = |first: &str, second: &str| Example {
        sentence: first.to_owned(),
        sentence2: Some(second.to_owned()),
    };
    assert_eq!(split.examples, [pair("a", "b"), pair("c", "d")]);
    assert_eq!(split.targets, Some(Targets::Classes(vec![1, 0])));
}

#[test]
fn quotes_over_several_lines_of_tsv_are_said() {
    let folder = Folder::new();
    let text = "text\tlabel\na\t1\n\" b\t0\nc \"\t0\n";
    let split = train(&folder.files("a.tsv", text));
    assert_eq!(sentences(&split), ["a", "b\t0\nc"]);
    let notes: Vec<String> = split.notes.iter().map(|note| folder.short(note)).collect();
    assert_eq!(
        notes,
        [
            "a.tsv:3: the first of 1 text whose quotes hold line ends; in GLUE's own files quotes are part of the \
             text (--task NAME)"
        ]
    );
    let csv = train(&folder.files("a.csv", text.replace('\t', ",")));
    assert_eq!(csv.notes, [""; 0]);
}

#[test]
fn keys_of_json_may_come_in_any_order_and_late() {
    let folder = Folder::new();
    let text = "{\"text\":\"a\",\"label\":1}\n{\"more\":{},\"label\":0,\"text\":\"b\"}\n{\"label\":0,\"text\":\"c\"}\n";
    let mut files = folder.files("a.jsonl", text);
    assert_eq!(sentences(&train(&files)), ["a", "b", "c"]);
    // A test file whose first row alone lacks a label is not without labels.
    files.test = Some(folder.file(
        "test.jsonl",
        "{\"text\":\"a\"}\n{\"text\":\"b\",\"label\":1}\n",
    ));
    assert_eq!(
        folder.error(&files),
        "test.jsonl:1: label is missing; expected text, a number, true or false"
    );
}

#[test]
fn records_of_any_size_end_with_the_file() {
    let folder = Folder::new();
    // The buffers start with 1,024 bytes and 32 fields.
    for columns in 30..36 {
        let more: String = (2..columns).map(|at| format!(",c{at}")).collect();
        let empty = ",".repeat(columns - 2);
        for length in 1018..1028 {
            let long = "x".repeat(length);
            for last in [long.clone(), format!("\"{long}\"")] {
                let text = format!("label{more},text\n0{empty},a\n1{empty},{last}");
                let split = train(&folder.files("a.csv", text));
                assert_eq!(sentences(&split), ["a", &long]);
            }
        }
    }
}
