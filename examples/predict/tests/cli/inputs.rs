//! Where texts come from.

use crate::program::{World, are_close, texts};

#[test]
fn texts_among_the_arguments_are_predicted_in_order() {
    let lines = World::new().run(&["a film", "", "a poor film "]).lines();
    assert_eq!(texts(&lines), ["a film", "", "a poor film "]);
    for line in &lines {
        let fields: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(fields.len(), 5, "{line}");
        assert!(line["text_pair"].is_null());
        let label = line["label"].as_str().expect("a label");
        assert!(["negative", "positive"].contains(&label), "{line}");
        let logits = line["logits"].as_array().expect("logits").iter();
        let logits: Vec<f64> = logits
            .map(|logit| logit.as_f64().expect("a number"))
            .collect();
        let score = 1.0
            / logits
                .iter()
                .map(|x| (x - logits[0].max(logits[1])).exp())
                .sum::<f64>();
        assert!(
            (line["score"].as_f64().expect("a number") - score).abs() < 1e-6,
            "{line}"
        );
        assert_eq!(label == "positive", logits[1] > logits[0], "{line}");
    }
}

#[test]
fn standard_input_has_a_text_per_line_with_either_line_end() {
    let world = World::new();
    let lines = world.run_on(b" a film\t\r\n\nlast", &[]).lines();
    assert_eq!(texts(&lines), [" a film\t", "", "last"]);
}

#[test]
fn a_pair_is_two_texts_of_a_line_or_two_arguments() {
    let world = World::new();
    let lines = world.run_on(b"a film\tit is poor\n", &["--pair"]).lines();
    assert_eq!(lines[0]["text_pair"], "it is poor");
    assert_eq!(
        world.run(&["--pair", "a film", "it is poor"]).lines(),
        lines
    );
    let alone = world.run(&["a film"]).lines();
    assert_ne!(alone[0]["logits"], lines[0]["logits"]);
    let odd = world.run(&["--pair", "a film"]);
    odd.refusal(2, &["1 texts with --pair", "even number"]);
}

#[test]
fn every_file_format_gives_the_same_predictions() {
    let world = World::new();
    world.write(
        "rows.csv",
        "id,premise,hypothesis\n1,a film,\"it, \"\"too\"\"\"\n2,\" b \",c\n",
    );
    world.write(
        "rows.tsv",
        "premise\thypothesis\na film\t\"it, \"\"too\"\"\"\n b \tc\n",
    );
    world.write(
        "rows.jsonl",
        "{\"premise\":\"a film\",\"hypothesis\":\"it, \\\"too\\\"\"}\n{\"hypothesis\":\"c\",\"premise\":\" b \"}\n",
    );
    world.write("rows.txt", "a film\tit, \"too\"\n b \tc\n");
    let expected = world.run(&["--input", "rows.txt", "--pair"]).lines();
    assert_eq!(texts(&expected), ["a film", " b "]);
    for file in ["rows.csv", "rows.tsv", "rows.jsonl"] {
        let printed = world.run(&["--input", file]);
        assert_eq!(printed.lines(), expected, "{file}");
        assert!(
            printed
                .errors
                .contains("columns \"premise\" and \"hypothesis\", guessed by name")
        );
    }
    let columns = [
        "--text-column",
        "hypothesis",
        "--text-pair-column",
        "premise",
    ];
    let swapped = world
        .run(&[&["--input", "rows.csv"], &columns[..]].concat())
        .lines();
    assert_eq!(texts(&swapped), ["it, \"too\"", "c"]);
}

#[test]
fn columns_that_are_not_there_are_refused_with_those_that_are() {
    let world = World::new();
    world.write("rows.csv", "id,review\n1,a\n");
    world.write("rows.txt", "a\n");
    let refused = |arguments: &[&str]| world.run(arguments);
    refused(&["--input", "rows.csv", "--text-column", "text"])
        .refusal(1, &["rows.csv: no column \"text\"", "\"id\", \"review\""]);
    refused(&["--input", "rows.txt", "--text-column", "text"])
        .refusal(2, &["--text-column text with rows.txt", ".csv"]);
    let alone = refused(&["--input", "rows.csv", "--text-pair-column", "id"]);
    assert_eq!(alone.code, Some(2), "{}", alone.errors);
    world.write("semicolons.csv", "text;label\nlast;neg\n");
    refused(&["--input", "semicolons.csv"]).refusal(
        1,
        &[
            "semicolons.csv: one column, \"text;label\"",
            "by commas in .csv",
        ],
    );
    let named = ["--input", "semicolons.csv", "--text-column", "text;label"];
    assert_eq!(world.run(&named).code, Some(0));
    refused(&["--input", "nowhere.csv"]).refusal(1, &["nowhere.csv"]);
    refused(&["--input", "nowhere.txt"]).refusal(1, &["nowhere.txt"]);
}

#[test]
fn an_empty_input_has_no_predictions() {
    let world = World::new();
    world.write("empty.txt", "");
    world.write("empty.csv", "");
    world.write("header.csv", "text,label\n");
    world.write("empty.jsonl", "");
    let on_nothing = world.run_on(b"", &[]);
    assert_eq!((on_nothing.code, on_nothing.out.as_str()), (Some(0), ""));
    for file in ["empty.txt", "empty.csv", "header.csv", "empty.jsonl"] {
        let printed = world.run(&["--input", file, "--quiet"]);
        assert_eq!(printed.code, Some(0), "{file}: {}", printed.errors);
        assert_eq!(
            (printed.out.as_str(), printed.errors.as_str()),
            ("", ""),
            "{file}"
        );
    }
}

#[test]
fn a_text_of_100_000_words_is_cut_and_counted() {
    let world = World::new();
    let long = "film ".repeat(100_000);
    let printed = world.run_on(format!("short\n{long}\n").as_bytes(), &["--quiet"]);
    let lines = printed.lines();
    assert_eq!(texts(&lines), ["short", &long]);
    assert_eq!(
        printed.errors,
        "1 of 2 texts longer than 48 tokens, and cut\n"
    );
    // The first 46 words and two special tokens.
    let cut = world.run(&["film ".repeat(46).as_str()]);
    assert_eq!(cut.errors, "");
    let mut first = cut.lines().remove(0);
    first["text"] = lines[1]["text"].clone();
    are_close(&lines[1], &first);
    let shorter = world.run(&["--max-length", "5", "film film film film"]);
    assert_eq!(
        shorter.errors,
        "1 of 1 text longer than 5 tokens, and cut\n"
    );
    world
        .run(&["--max-length", "49", "film"])
        .refusal(2, &["max length is 49", "4 to 48"]);
}
