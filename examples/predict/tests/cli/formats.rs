//! How predictions are written.

use crate::program::World;

#[test]
fn a_table_and_tsv_show_what_json_lines_have() {
    let world = World::new();
    let arguments = ["a film", "two\tof\nthem"];
    let json = world.run(&arguments).lines();
    let table = world.run(&[&["--format", "table"], &arguments[..]].concat());
    let tsv = world.run(&[&["--format", "tsv"], &arguments[..]].concat());
    let rows: Vec<Vec<&str>> = tsv
        .out
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(rows[0], ["text", "text_pair", "label", "score", "logits"]);
    assert_eq!(rows.len(), 3);
    assert_eq!([rows[1][0], rows[2][0]], ["a film", "two\\tof\\nthem"]);
    let shown: Vec<&str> = table.out.lines().collect();
    assert_eq!(shown.len(), 2);
    assert!(shown[1].ends_with("  two of them"), "{shown:?}");
    for (at, line) in json.iter().enumerate() {
        let label = line["label"].as_str().expect("a label");
        assert!(shown[at].starts_with(label), "{shown:?}");
        let logits = line["logits"].as_array().expect("logits").iter();
        let logits: Vec<String> = logits.map(ToString::to_string).collect();
        let expected = ["", label, &line["score"].to_string(), &logits.join(",")];
        assert_eq!(rows[at + 1][1..], expected);
    }
}

#[test]
fn a_table_is_no_file_to_continue() {
    let printed = World::new().run(&["--format", "table", "--output", "out", "a"]);
    printed.refusal(2, &["--format table with --output", "jsonl and tsv"]);
}
