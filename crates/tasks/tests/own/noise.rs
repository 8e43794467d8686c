//! Any bytes are read or refused, and what was written is read back.

use proptest::prelude::*;
use tasks::{OwnFiles, Targets};

use crate::folder::{Folder, gzip, sentences, task};
use crate::golden;

const NAMES: [&str; 4] = ["a.csv", "a.tsv", "a.jsonl", "a.csv.gz"];

/// Reads a file as far as it goes. Errors are one line.
fn read(folder: &Folder, name: &str, bytes: &[u8]) {
    let mut files = OwnFiles::new(folder.file(name, bytes));
    files.validation_split = Some(0.5);
    files.test = Some(files.train.clone());
    if let Err(error) = files.task().and_then(|own| {
        own.task.read_train()?;
        own.task.read_evaluation_set("validation")
    }) {
        folder.short(&error.to_string());
    }
}

/// A text as CSV must hold it: quoted always, or only where it must be.
fn field(text: &str, always: bool, delimiter: char) -> String {
    let must = text.contains([delimiter, '"', '\n', '\r']);
    match always || must || text.is_empty() {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// A text with many of the characters that formats use.
fn text() -> impl Strategy<Value = String> {
    let characters = prop_oneof![
        Just('"'),
        Just(','),
        Just('\t'),
        Just('\n'),
        Just('\r'),
        Just('\\'),
        Just(' '),
        Just('\u{feff}'),
        any::<char>()
    ];
    proptest::collection::vec(characters, 0..20)
        .prop_map(|characters| characters.into_iter().collect())
}

/// What Python's `str.strip` leaves.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = Folder::new();
        for name in NAMES {
            read(&folder, name, &bytes);
        }
        read(&folder, "a.csv.gz", &gzip(&bytes));
        read(&folder, "a.parquet", &bytes);
    }

    #[test]
    fn no_almost_good_text_panics(
        pieces in proptest::collection::vec(prop_oneof![
            Just("text"), Just("label"), Just("sentence"), Just(","), Just("\t"), Just("\""), Just("\n"), Just("\r"),
            Just("\r\n"), Just("0"), Just("1"), Just("{"), Just("}"), Just(":"), Just("[1]"), Just("null"),
            Just("\"text\":\"a\""), Just("\"label\":1"), Just("text,label\n"), Just("\u{feff}"), Just("\u{e9}"),
        ], 0..40),
    ) {
        let folder = Folder::new();
        for name in NAMES {
            read(&folder, name, pieces.concat().as_bytes());
        }
    }

    #[test]
    fn texts_are_read_back(
        rows in proptest::collection::vec((text(), any::<bool>(), any::<bool>()), 1..20),
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        last_line_end: bool,
        mark: bool,
    ) {
        let expected: Vec<&str> = ["a", "b"].into_iter().chain(rows.iter().map(|(text, ..)| strip(text))).collect();
        let labels: Vec<usize> = [0, 1].into_iter().chain(rows.iter().map(|(_, label, _)| usize::from(*label))).collect();
        let folder = Folder::new();
        let rows = || {
            let first = [("a".to_owned(), false, false), ("b".to_owned(), true, false)];
            first.into_iter().chain(rows.iter().cloned())
        };
        let mark = if mark { "\u{feff}" } else { "" };
        for (name, delimiter) in [("a.csv", ','), ("a.tsv", '\t')] {
            let header = format!("text{delimiter}label");
            let lines = rows().map(|(text, label, always)| {
                format!("{}{delimiter}{}", field(&text, always, delimiter), u8::from(label))
            });
            let lines: Vec<String> = std::iter::once(header).chain(lines).collect();
            let end = if last_line_end { line_end } else { "" };
            check(&folder, name, &format!("{mark}{}{end}", lines.join(line_end)), &expected, &labels);
        }
        let lines = rows().map(|(text, label, _)| serde_json::json!({"label": u8::from(label), "text": text}).to_string());
        let end = if line_end == "\r" { "\n" } else { line_end };
        let lines: Vec<String> = lines.collect();
        check(&folder, "a.jsonl", &format!("{mark}{}", lines.join(end)), &expected, &labels);
    }
}

fn check(folder: &Folder, name: &str, contents: &str, expected: &[&str], labels: &[usize]) {
    let files = folder.files(name, contents);
    let split = task(&files).task.read_train();
    let split = split.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(sentences(&split), expected, "{name}: {contents:?}");
    assert_eq!(split.targets, Some(Targets::Classes(labels.to_vec())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_damaged_parquet_file_panics(at in 0_usize..4000, byte: u8, cut in 0_usize..4000) {
        let folder = Folder::new();
        for name in ["dictionary", "bool", "uint64", "float64"] {
            let path = golden::folder().join(format!("parquet/{name}.parquet"));
            let mut bytes = std::fs::read(path).expect("it is there");
            let length = bytes.len();
            bytes[at % length] = byte;
            read(&folder, "a.parquet", &bytes);
            read(&folder, "a.parquet", &bytes[..cut % length]);
        }
    }
}
