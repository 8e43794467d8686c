//! Which columns are taken.

use tasks::OwnFiles;

use crate::folder::{Folder, sentences, train};

const ROWS: usize = 4;

/// A file with these columns: texts, but classes in `label`-like columns and numbers in `id` and `rating`.
fn columns(folder: &Folder, header: &str) -> OwnFiles {
    let mut text = format!("{header}\n");
    for row in 0..ROWS {
        let fields = header.split(',').map(|column| match column.trim() {
            "label" | "Label" | "LABEL" | "stars" => (row % 2).to_string(),
            "id" | "rating" | "" => row.to_string(),
            other => format!("{other} {row}"),
        });
        text += &(fields.collect::<Vec<_>>().join(",") + "\n");
    }
    folder.files("own.csv", text)
}

fn texts(header: &str) -> String {
    let folder = Folder::new();
    let files = columns(&folder, header);
    let statement = folder.statement(&files);
    let (_, rest) = statement.split_once("own.csv: ").expect("the file");
    let (texts, _) = rest.split_once(" (guessed ").expect("a guess");
    texts.to_owned()
}

fn doubt(header: &str) -> String {
    let folder = Folder::new();
    folder.error(&columns(&folder, header))
}

#[test]
fn the_columns_of_run_glue_are_known() {
    for (header, expected) in [
        ("sentence,label", "text in column \"sentence\""),
        ("idx,label,text", "text in column \"text\""),
        (
            "sentence1,sentence2,label",
            "pairs in columns \"sentence1\" and \"sentence2\"",
        ),
        (
            "label,sentence2,sentence1",
            "pairs in columns \"sentence1\" and \"sentence2\"",
        ),
        (
            "premise,hypothesis,label",
            "pairs in columns \"premise\" and \"hypothesis\"",
        ),
        (
            "question1,question2,label",
            "pairs in columns \"question1\" and \"question2\"",
        ),
        (
            "question,sentence,label",
            "pairs in columns \"question\" and \"sentence\"",
        ),
        // As run_glue.py prefers them.
        (
            "text,premise,hypothesis,sentence1,sentence2,label",
            "pairs in columns \"sentence1\" and \"sentence2\"",
        ),
    ] {
        assert_eq!(texts(header), expected, "{header}");
    }
}

#[test]
fn the_only_column_of_text_beside_the_label_is_taken() {
    for (header, expected) in [
        ("review,label", "text in column \"review\""),
        ("id,review,rating,label", "text in column \"review\""),
        (",review,label", "text in column \"review\""),
        ("label,id", "text in column \"id\""),
    ] {
        assert_eq!(texts(header), expected, "{header}");
    }
}

#[test]
fn doubt_is_an_error_with_the_columns() {
    let options = "expected --text-column NAME, and --text-pair-column NAME for pairs";
    assert_eq!(
        doubt("title,body,author,label"),
        format!(
            "own.csv: \"title\", \"body\", \"author\", of which none is surely the text; {options}"
        )
    );
    for header in [
        // A pair, or a text with its author? Only the options can tell.
        "title,body,label",
        "user,review,label",
        "sentence,text,label",
        "premise,hypothesis,question1,question2,label",
        "premise,hypothesis,text,label",
        "id,rating,label",
    ] {
        assert!(doubt(header).ends_with(options), "{}", doubt(header));
    }
    assert_eq!(
        doubt("label"),
        format!("own.csv: no column beside the label; {options}")
    );
    assert_eq!(
        doubt("review,stars"),
        "own.csv: no column \"label\" in \"review\", \"stars\"; expected --label-column NAME with one of these"
    );
}

#[test]
fn columns_that_are_named_are_taken() {
    let folder = Folder::new();
    let mut files = columns(&folder, "id,title,body,stars");
    files.text_column = Some("body".to_owned());
    files.label_column = Some("stars".to_owned());
    assert_eq!(
        sentences(&train(&files)),
        ["body 0", "body 1", "body 2", "body 3"]
    );
    assert_eq!(
        folder.statement(&files),
        "own.csv: text in column \"body\" (as named), label in column \"stars\" (as named); 2 classes: \"0\", \"1\"; \
         validation on own.csv"
    );
    files.text_pair_column = Some("title".to_owned());
    let pair = train(&files).examples.remove(1);
    assert_eq!(
        (pair.sentence.as_str(), pair.sentence2.as_deref()),
        ("body 1", Some("title 1"))
    );
}

#[test]
fn the_statement_says_why_columns_were_taken() {
    let statement = |header: &str, label: Option<&str>| {
        let folder = Folder::new();
        let mut files = columns(&folder, header);
        files.label_column = label.map(str::to_owned);
        folder.statement(&files)
    };
    let rest = "2 classes: \"0\", \"1\"; validation on own.csv";
    assert_eq!(
        statement("text,label", None),
        format!(
            "own.csv: text in column \"text\" (guessed by name), label in column \"label\" (guessed by name); {rest}"
        )
    );
    assert_eq!(
        statement("id,review,stars", Some("stars")),
        format!(
            "own.csv: text in column \"review\" (guessed as the only text), label in column \"stars\" (as named); {rest}"
        )
    );
}

#[test]
fn a_table_of_very_many_columns_is_no_guess() {
    let header: Vec<String> = (0..20_000).map(|at| format!("c{at}")).collect();
    let error = doubt(&format!("label,{}", header.join(",")));
    assert!(
        error.contains(" and 19980 more, of which none is surely the text; "),
        "{error}"
    );
}

#[test]
fn a_name_that_the_file_lacks_is_an_error_with_the_columns() {
    let folder = Folder::new();
    let files = columns(&folder, "id,review,label");
    let named = |text: Option<&str>, pair: Option<&str>, label: Option<&str>| {
        let own = |name: Option<&str>| name.map(str::to_owned);
        folder.error(&OwnFiles {
            text_column: own(text),
            text_pair_column: own(pair),
            label_column: own(label),
            ..files.clone()
        })
    };
    let lacks = |name| {
        format!(
            "own.csv: no column {name:?}; expected one of its columns, \"id\", \"review\", \"label\""
        )
    };
    assert_eq!(named(Some("body"), None, None), lacks("body"));
    assert_eq!(named(Some("review"), Some("body"), None), lacks("body"));
    assert_eq!(named(None, None, Some("stars")), lacks("stars"));
    assert_eq!(
        named(None, Some("review"), None),
        "own.csv: --text-pair-column review without --text-column; expected both for pairs"
    );
    for (text, pair, label) in [
        ("review", Some("review"), None),
        ("label", None, None),
        ("review", None, Some("review")),
    ] {
        let error = named(Some(text), pair, label);
        assert!(error.contains(" used twice; "), "{error}");
    }
}

#[test]
fn another_spelling_will_do_if_there_is_only_one() {
    assert_eq!(
        texts("Sentence1, sentence2 ,Label"),
        "pairs in columns \"Sentence1\" and \" sentence2 \""
    );
    assert!(doubt("text,Label,LABEL").starts_with("own.csv: no column \"label\" in "));
    // Letter for letter comes first.
    assert_eq!(texts("text,Text,label,Label"), "text in column \"text\"");

    let folder = Folder::new();
    let mut files = OwnFiles::new(folder.file("train.csv", "text,label\na,0\nb,1\n"));
    files.validation = Some(folder.file("dev.csv", "Label,Text\n1,b\n"));
    let dev = crate::folder::task(&files).task;
    let dev = dev.read_evaluation_set("validation").expect("it is read");
    assert_eq!(sentences(&dev), ["b"]);
}

#[test]
fn two_columns_of_one_name_are_an_error_where_they_are_used() {
    assert_eq!(
        doubt("text,label,label"),
        "own.csv: two columns \"label\"; expected columns with different names"
    );
    assert_eq!(texts("text,id,id,label"), "text in column \"text\"");
}
