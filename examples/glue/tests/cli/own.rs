//! Files of one's own.

use crate::program::World;

/// Reviews with quotes, commas and a line break inside.
fn reviews(rows: usize, labels: &[&str]) -> String {
    let mut text = String::from("id,review,verdict\n");
    for row in 0..rows {
        let label = labels[row % labels.len()];
        text += &format!("{row},\"a \"\"fine\"\" thing,\nnumber {row}\",{label}\n");
    }
    text
}

#[test]
fn a_csv_file_becomes_a_study_with_its_sentences_in_the_report() {
    let world = World::new();
    world.write("reviews.csv", &reviews(40, &["good", "bad"]));
    let text = world.succeed(&[
        "--train-file=reviews.csv",
        "--validation-split=0.2",
        "--text-column=review",
        "--label-column=verdict",
        "--out=own",
    ]);
    for metric in ["accuracy", "macro F1"] {
        let line = format!("validation {metric} in %");
        assert!(text.contains(&line), "{text}");
    }
    let data = world.json("own/data.json");
    assert_eq!(data["files"][0]["facts"]["rows"], 32);
    assert_eq!(data["files"][1]["facts"]["rows"], 8);
    let report = world.read("own/report.md");
    assert!(report.contains("bad: 16 · good: 16"), "{report}");
    assert!(report.contains("Validation accuracy in %"), "{report}");
    let text = format!("{text}{report}").to_lowercase();
    let dev = text.split(|c: char| !c.is_alphanumeric() && c != '-');
    let dev: Vec<&str> = dev.filter(|word| *word == "dev").collect();
    assert_eq!(dev, [""; 0], "one word for the set: {text}");
    let record = &world.records("own")[0];
    let predictions = record["predictions"]["validation"]
        .as_str()
        .expect("a path");
    let predictions = world.read(&format!("own/{predictions}"));
    let mut lines = predictions
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(1));
    assert!(lines.all(|class| matches!(class, Some("good" | "bad"))));
}

#[test]
fn a_prediction_for_a_row_held_out_is_traced_to_its_row_in_the_file() {
    let world = World::new();
    // No two rows in a row have the same label, and the pattern of labels does not repeat.
    let rows = (0..40).map(|row| format!("sentence {row},{}\n", ["no", "yes"][row * row % 7 % 2]));
    world.write(
        "a.csv",
        &format!("text,label\n\n{}", rows.collect::<String>()),
    );
    world.succeed(&[
        "--train-file=a.csv",
        "--validation-split=0.3",
        "--arms=baseline",
        "--out=own",
    ]);
    let data = world.json("own/data.json");
    assert_eq!(data["files"][0].get("rows"), None);
    let traced = data["files"][1]["rows"].as_array().expect("rows").iter();
    let traced: Vec<usize> = traced
        .map(|row| row.as_u64().expect("a number") as usize)
        .collect();
    let predictions = world.read("own/predictions/baseline-seed0.validation.tsv");
    let labels: Vec<&str> = predictions.lines().skip(1).map(last_column).collect();
    assert_eq!((labels.len(), traced.len()), (12, 12));
    let file = world.read("a.csv");
    let lines: Vec<&str> = file.lines().filter(|line| !line.is_empty()).collect();
    for (row, label) in traced.iter().zip(labels) {
        assert!(lines[*row].ends_with(&format!(",{label}")), "{row}");
    }
}

fn last_column(line: &str) -> &str {
    line.rsplit('\t').next().unwrap_or_default()
}

#[test]
fn every_format_gives_the_same_study() {
    let world = World::new();
    let mut losses = Vec::new();
    let rows = || (0..12).map(|row| (format!("sentence {row} of a file"), ["no", "yes"][row % 2]));
    let csv: String = rows()
        .map(|(text, label)| format!("{text},{label}\n"))
        .collect();
    let tsv: String = rows()
        .map(|(text, label)| format!("{text}\t{label}\n"))
        .collect();
    let json: String = rows()
        .map(|(text, label)| format!("{{\"text\": \"{text}\", \"label\": \"{label}\"}}\n"))
        .collect();
    for (name, text) in [
        ("a.csv", format!("text,label\n{csv}")),
        ("a.tsv", format!("text\tlabel\n{tsv}")),
        ("a.jsonl", json),
    ] {
        world.write(name, &text);
        let out = format!("out-{name}");
        world.succeed(&[
            "--train-file",
            name,
            "--validation-file",
            name,
            "--out",
            &out,
        ]);
        let record = &world.records(&out)[0];
        losses.push(record["epochs"][0]["train_loss"].as_f64().expect("a loss"));
    }
    assert_eq!(losses[0], losses[1]);
    assert_eq!(losses[0], losses[2]);
}

#[test]
fn numbers_are_regressed_and_a_test_file_without_labels_is_predicted() {
    let world = World::new();
    let rows: String = (0..12)
        .map(|row| format!("word {row} here,{}\n", row as f64 / 4.0))
        .collect();
    world.write("a.csv", &format!("text,label\n{rows}"));
    world.write("t.csv", "text\none thing\nanother\n");
    let text = world.succeed(&[
        "--train-file=a.csv",
        "--validation-file=a.csv",
        "--test-file=t.csv",
        "--arms=baseline",
        "--out=own",
    ]);
    assert!(
        text.contains("validation Pearson correlation in points"),
        "{text}"
    );
    let predictions = world.read("own/predictions/baseline-seed0.test.tsv");
    let scores: Vec<f32> = (predictions.lines().skip(1))
        .map(|line| {
            line.split('\t')
                .nth(1)
                .expect("a column")
                .parse()
                .expect("a number")
        })
        .collect();
    assert_eq!(scores.len(), 2);
    assert!(predictions.starts_with("index\tprediction\n0\t"));
}

#[test]
fn a_skewed_or_shared_file_is_warned_about() {
    let world = World::new();
    let labels: Vec<&str> = std::iter::repeat_n("good", 9).chain(["bad"]).collect();
    world.write("a.csv", &reviews(40, &labels));
    world.succeed(&[
        "--train-file=a.csv",
        "--validation-file=a.csv",
        "--text-column=review",
        "--label-column=verdict",
        "--out=own",
    ]);
    let report = world.read("own/report.md");
    assert!(
        report.contains("Train: 90.0 % of the rows are of class good"),
        "{report}"
    );
    assert!(
        report.contains("Validation: 40 of 40 rows are in the training file too"),
        "{report}"
    );
}

#[test]
fn options_for_ones_own_files_do_nothing_beside_a_task_and_are_refused() {
    let world = World::new();
    let seeded = [
        "--train-file=a.csv",
        "--validation-file=a.csv",
        "--split-seed=1",
    ];
    world.refuse(&seeded, 2, &["cannot be used with"]);
    for option in [
        "--validation-file=a.csv",
        "--validation-split=0.1",
        "--split-seed=1",
        "--test-file=a.csv",
        "--text-column=a",
        "--text-pair-column=a",
        "--label-column=a",
        "--regression",
        "--train-file=a.csv",
    ] {
        let arguments = ["--task=rte", "--data=.", option];
        world.refuse(&arguments, 2, &["cannot be used with"]);
    }
}

#[test]
fn what_cannot_be_read_is_one_line_with_what_to_do() {
    let world = World::new();
    world.write("a.csv", &reviews(8, &["good", "bad"]));
    world.write("other.csv", &reviews(8, &["good", "ugly"]));
    world.write("empty.csv", "");
    world.write("unlabelled.csv", &reviews(8, &["0", "-1", "1"]));
    let named = ["--text-column=review", "--label-column=verdict"];
    let with = |more: &[&'static str]| [&named[..], more].concat();
    for (arguments, code, parts) in [
        (
            vec!["--train-file=a.csv"],
            2,
            &["nothing to evaluate on", "--validation-split 0.1"][..],
        ),
        (
            vec!["--train-file=a.csv", "--validation-split=0.5"],
            1,
            &["a.csv: no column \"label\"", "--label-column"],
        ),
        (
            with(&["--train-file=none.csv", "--validation-split=0.5"]),
            1,
            &["none.csv"],
        ),
        (
            with(&["--train-file=empty.csv", "--validation-split=0.5"]),
            1,
            &["empty.csv"],
        ),
        (
            with(&["--train-file=unlabelled.csv", "--validation-split=0.5"]),
            1,
            &["unlabelled.csv:4: verdict is \"-1\"", "-1 means no label"],
        ),
        (
            with(&["--train-file=a.csv", "--validation-split=1.5"]),
            2,
            &["validation split 1.5"],
        ),
        (
            with(&["--train-file=a.csv", "--validation-file=other.csv"]),
            1,
            &["other.csv:4", "\"ugly\"", "good"],
        ),
        (
            with(&[
                "--train-file=a.csv",
                "--validation-split=0.5",
                "--submission=s",
            ]),
            2,
            &["--submission is for GLUE's tasks"],
        ),
    ] {
        world.refuse(&arguments, code, parts);
        assert!(
            !world.path("out").exists(),
            "{arguments:?} leaves something behind"
        );
    }
}
