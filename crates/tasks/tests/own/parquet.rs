//! Parquet files that cannot be used; those that can are in `golden`.

use std::collections::BTreeSet;

use tasks::OwnFiles;

use crate::folder::Folder;
use crate::golden;

fn files(name: &str) -> OwnFiles {
    let mut files = OwnFiles::new(golden::folder().join("faults").join(name));
    files.validation = Some(files.train.clone());
    files.text_column = Some("text".to_owned());
    files
}

#[test]
fn a_value_of_another_type_names_its_row_and_column() {
    let expected = "expected text, a number, true or false";
    let cases = [
        ("null_label", format!("row 9: label is null; {expected}")),
        (
            "date_label",
            format!("row 1: label is a date or a decimal; {expected}"),
        ),
        (
            "list_label",
            format!("row 1: label is a list or nested; {expected}"),
        ),
        (
            "half_label",
            format!("row 1: label is of a type that is neither text nor a number; {expected}"),
        ),
        ("null_text", format!("row 9: text is null; {expected}")),
        (
            "struct_text",
            format!("row 1: text is a list or nested; {expected}"),
        ),
        (
            "binary_text",
            format!("row 9: text is not UTF-8; {expected}"),
        ),
    ];
    let names: BTreeSet<String> = std::fs::read_dir(golden::folder().join("faults"))
        .expect("the folder")
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    assert_eq!(names.len(), cases.len());
    for (name, expected) in cases {
        let files = files(&format!("{name}.parquet"));
        // Labels are looked at first, texts when they are read.
        let error = files.task().and_then(|own| own.task.read_train());
        let error = error.expect_err(name).to_string();
        let start = format!("{}: ", files.train.display());
        assert_eq!(
            error.strip_prefix(&start),
            Some(expected.as_str()),
            "{name}"
        );
    }
}

#[test]
fn a_file_that_is_cut_off_or_none_at_all_is_an_error() {
    let folder = Folder::new();
    let whole = golden::folder().join("parquet/string.parquet");
    let whole = std::fs::read(whole).expect("it is there");
    for contents in [&whole[..whole.len() / 2], &b"text,label\na,0\n"[..], &[]] {
        let error = folder.error(&folder.files("a.parquet", contents));
        assert!(
            error.starts_with("a.parquet: not a readable Parquet file: "),
            "{error}"
        );
    }
}
