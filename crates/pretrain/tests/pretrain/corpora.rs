//! Documents from files of every kind, and errors in them.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use pretrain::{Corpus, Documents, Exclusion, PretrainError};

use crate::setup::Folder;

fn lines(paths: &[impl AsRef<Path>]) -> Vec<String> {
    let corpus = Corpus::read(paths, Documents::Lines).expect("a corpus");
    corpus.documents
}

#[track_caller]
fn assert_error(error: &PretrainError, parts: &[&str]) {
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn every_line_is_a_document_with_single_spaces_and_without_line_breaks() {
    let folder = Folder::new();
    let path = folder.with(
        "a.txt",
        "One  two.<br /><br />Three.\n\n \t\r\nFour.<br>five<br/>\n",
    );
    assert_eq!(lines(&[path]), ["One two. Three.", "Four. five"]);
}

#[test]
fn blank_lines_separate_paragraphs() {
    let folder = Folder::new();
    let path = folder.with("a.txt", "\n\nOne\ntwo.\n\n  \nThree.\nfour\n");
    let corpus = Corpus::read(&[path], Documents::Paragraphs).expect("a corpus");
    assert_eq!(corpus.documents, ["One two.", "Three. four"]);
}

#[test]
fn a_repeated_document_is_left_out_and_counted() {
    let folder = Folder::new();
    let path = folder.with("a.txt", "One.\nTwo.\nOne.\n One. \n");
    let corpus = Corpus::read(&[path], Documents::Lines).expect("a corpus");
    assert_eq!((corpus.documents.len(), corpus.repeated), (2, 2));
}

#[test]
fn a_folder_gives_its_files_by_name_and_packed_ones_unpacked() {
    let folder = Folder::new();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all("Packed.\n".as_bytes()).expect("memory");
    folder.with("text/b/inner.txt", "Inner.\n");
    folder.with("text/c.txt.gz", packed.finish().expect("memory"));
    folder.with("text/a.txt", "First.\n");
    folder.with("text/.hidden", "Hidden.\n");
    let last = folder.with("z.txt", "Last.\n");
    let found = lines(&[folder.path().join("text"), last]);
    assert_eq!(found, ["First.", "Inner.", "Packed.", "Last."]);
}

#[test]
fn a_missing_file_is_named() {
    let error = Corpus::read(&["no/such.txt"], Documents::Lines).unwrap_err();
    assert_error(&error, &["no/such.txt: "]);
}

#[test]
fn text_that_is_not_utf_8_is_named_by_its_line() {
    let folder = Folder::new();
    let path = folder.with("a.txt", b"fine\nfine\ncaf\xe9 bad\n");
    let error = Corpus::read(&[path], Documents::Lines).unwrap_err();
    assert_error(&error, &["a.txt:3: not UTF-8"]);
}

#[test]
fn a_damaged_packed_file_is_named() {
    let folder = Folder::new();
    let path = folder.with("a.gz", "not packed");
    let error = Corpus::read(&[path], Documents::Lines).unwrap_err();
    assert_error(&error, &["a.gz: "]);
}

#[test]
fn files_without_text_are_named() {
    let folder = Folder::new();
    let paths = [
        folder.with("a.txt", ""),
        folder.with("b.txt", " \n<br />\n"),
    ];
    for separated in [Documents::Lines, Documents::Paragraphs] {
        let error = Corpus::read(&paths, separated).unwrap_err();
        assert_error(
            &error,
            &["no text in ", "a.txt", "b.txt", "at least 1 document"],
        );
    }
}

#[test]
fn texts_to_exclude_are_lines_or_fields_between_tabs() {
    let folder = Folder::new();
    let table = folder.with("dev.tsv", "sentence\tlabel\na quiet film \t1\n");
    let list = folder.with("list.txt", "No plot at all\n");
    let exclusion = Exclusion::read(&[table, list]).expect("files");
    assert!(exclusion.contains("A quiet film!"));
    assert!(exclusion.contains("no plot, at all"));
    assert!(!exclusion.contains("quiet film"));
    assert_eq!(exclusion.len(), 5);
    assert_error(&Exclusion::read(&["no.tsv"]).unwrap_err(), &["no.tsv: "]);
}
