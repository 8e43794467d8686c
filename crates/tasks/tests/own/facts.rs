//! Facts about files.

use tasks::{Example, Outputs, Split, SplitFacts, Targets};

fn example(sentence: &str, sentence2: Option<&str>) -> Example {
    Example {
        sentence: sentence.to_owned(),
        sentence2: sentence2.map(str::to_owned),
    }
}

fn split(examples: Vec<Example>, targets: Option<Targets>) -> Split {
    Split {
        count: examples.len(),
        examples,
        targets,
        rows: None,
        sha256: String::new(),
        notes: Vec::new(),
    }
}

fn of_classes(rows: &[(&str, usize)]) -> Split {
    let examples = rows.iter().map(|(text, _)| example(text, None));
    let classes = rows.iter().map(|(_, class)| *class);
    split(
        examples.collect(),
        Some(Targets::Classes(classes.collect())),
    )
}

#[test]
fn classes_are_counted_by_name() {
    let facts = SplitFacts::of(
        &of_classes(&[("a", 2), ("b", 0), ("c", 2)]),
        &Outputs::classes(["x", "y", "z"]),
    );
    let counts = [("x", 1), ("y", 0), ("z", 2)];
    assert_eq!(facts.classes, counts.map(|(name, n)| (name.to_owned(), n)));
    assert_eq!(facts.largest_class(), Some(("z", 2.0 / 3.0)));
    assert_eq!((facts.rows, facts.repeated, facts.conflicting), (3, 0, 0));
    assert_eq!(facts.warnings(), [""; 0]);
}

#[test]
fn a_class_above_eighty_percent_is_a_warning() {
    let outputs = Outputs::classes(["no", "yes"]);
    let rows = |yes: usize| -> Vec<(String, usize)> {
        (0..100)
            .map(|row| (row.to_string(), usize::from(row < yes)))
            .collect()
    };
    let warnings = |yes| {
        let rows = rows(yes);
        let rows: Vec<(&str, usize)> = rows.iter().map(|(t, c)| (t.as_str(), *c)).collect();
        SplitFacts::of(&of_classes(&rows), &outputs).warnings()
    };
    assert_eq!(warnings(80), [""; 0]);
    assert_eq!(
        warnings(81),
        ["81.0 % of the rows are of class yes: accuracy says little"]
    );
}

#[test]
fn repeated_texts_and_their_conflicts_are_counted() {
    let rows = [("a", 0), ("b", 1), ("a", 0), ("c", 0), ("c", 1), ("c", 0)];
    let facts = SplitFacts::of(&of_classes(&rows), &Outputs::classes(["0", "1"]));
    assert_eq!((facts.repeated, facts.conflicting), (3, 3));
    assert_eq!(
        facts.warnings(),
        ["3 of 6 rows have a text that occurs with different labels"]
    );
}

#[test]
fn pairs_are_the_same_if_both_sentences_are() {
    let examples = vec![
        example("a", Some("b")),
        example("a", Some("c")),
        example("b", Some("a")),
        example("a", Some("b")),
    ];
    let scores = Some(Targets::Scores(vec![0.5, 1.0, 1.0, 0.75]));
    let one = split(examples, scores);
    let outputs = Outputs::Score { min: 0.0, max: 1.0 };
    let facts = SplitFacts::of(&one, &outputs);
    assert_eq!((facts.repeated, facts.conflicting), (1, 2));
    assert_eq!(facts.classes, []);
    let other = split(
        vec![
            example("a", Some("b")),
            example("a", None),
            example("a", Some("b")),
        ],
        None,
    );
    assert_eq!(other.shared_with(&one), 2);
    assert_eq!(one.shared_with(&other), 2);
}

#[test]
fn facts_are_read_back_from_json() {
    let facts = SplitFacts::of(
        &of_classes(&[("a", 0), ("a", 1)]),
        &Outputs::classes(["x", "y"]),
    );
    let json = serde_json::to_string(&facts).expect("it is written");
    let read: SplitFacts = serde_json::from_str(&json).expect("it is read");
    assert_eq!(read, facts);
}

#[test]
fn rows_of_one_class_are_said_once() {
    let warnings = |rows: &[(&str, usize)]| {
        let split = of_classes(rows);
        SplitFacts::of(&split, &Outputs::classes(["no", "yes"])).warnings()
    };
    let expected = ["every row is of class yes: there is nothing to tell apart"];
    assert_eq!(warnings(&[("a", 1), ("b", 1)]), expected);
    assert_eq!(
        warnings(&[("a", 1)]),
        ["100.0 % of the rows are of class yes: accuracy says little"]
    );
}
