//! Rows that cannot be read.

use crate::program::{Printed, World, json_lines, texts};

/// Files with a broken row between two others, the line that messages name, and what they say.
const FILES: [(&str, &[u8], usize, &str); 5] = [
    ("lines.txt", b"a\n\xff\xfe\nb\n", 2, "not UTF-8"),
    ("utf8.csv", b"text\na\n\xff\nb\n", 3, "not UTF-8"),
    ("columns.csv", b"text,id\na,1\nc\nb,2\n", 3, "1 column"),
    (
        "object.jsonl",
        b"{\"text\":\"a\"}\n{\"text\":\n{\"text\":\"b\"}\n",
        2,
        "one JSON object per line",
    ),
    (
        "null.jsonl",
        b"{\"text\":\"a\"}\n{\"text\":null}\n{\"text\":\"b\"}\n",
        2,
        "text is null",
    ),
];

#[test]
fn a_broken_row_ends_the_run_with_its_file_and_line() {
    let world = World::new();
    for (file, bytes, line, reason) in FILES {
        world.write(file, bytes);
        let column: &[&str] = match file.ends_with(".txt") {
            true => &[],
            false => &["--text-column", "text"],
        };
        let arguments = [&["--quiet", "--input", file], column].concat();
        let printed = world.run(&arguments);
        assert_eq!(printed.out, "", "{file}");
        printed.refusal(1, &[&format!("error: {file}:{line}: "), reason]);

        let printed = world.run(&[&["--skip-bad"], &arguments[..]].concat());
        assert_eq!(texts(&printed.lines()), ["a", "b"], "{file}");
        let said = format!("1 broken row skipped, the first: {file}:{line}: ");
        assert!(printed.errors.starts_with(&said), "{}", printed.errors);
        assert!(printed.errors.contains(reason), "{}", printed.errors);
    }
}

#[test]
fn a_broken_line_of_standard_input_has_a_number_too() {
    let world = World::new();
    world
        .run_on(b"a\tb\nc\n", &["--pair"])
        .refusal(1, &["standard input:2: 0 tabs"]);
    let printed = world.run_on(b"a\tb\nc\n\xff\n", &["--pair", "--skip-bad"]);
    assert_eq!(texts(&printed.lines()), ["a"]);
    assert!(
        printed
            .errors
            .starts_with("2 broken rows skipped, the first: standard input:2")
    );
}

#[test]
fn a_quote_that_is_never_closed_is_not_skipped() {
    let world = World::new();
    world.write("quote.csv", "text\na\n\"b\nc\n");
    let arguments = ["--quiet", "--skip-bad", "--input", "quote.csv"];
    world
        .run(&arguments)
        .refusal(1, &["quote.csv:3: a quote that is never closed"]);
}

#[test]
fn a_text_without_tokens_is_broken() {
    let world = World::new();
    let model = world.model(|_| {});
    let path = model.join("tokenizer.json");
    let text = std::fs::read_to_string(&path).expect("a file");
    let mut tokenizer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    tokenizer["post_processor"] = serde_json::Value::Null;
    // Of a class that takes the file as it is.
    std::fs::write(
        model.join("tokenizer_config.json"),
        "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}",
    )
    .expect("a file");
    std::fs::write(&path, tokenizer.to_string()).expect("a file");
    world.write("lines.txt", "a film\n\na poor film\n");
    let run = |arguments: &[&str]| {
        let output = world.command_for(&model, arguments).output();
        Printed::of(output.expect("it starts"))
    };
    run(&["--quiet", "--input", "lines.txt"]).refusal(1, &["lines.txt:2: ", "no tokens"]);
    let arguments = [
        "--quiet",
        "--skip-bad",
        "--input",
        "lines.txt",
        "--output",
        "out.jsonl",
    ];
    for _ in 0..2 {
        let printed = run(&arguments);
        assert_eq!(printed.code, Some(0), "{}", printed.errors);
        assert!(
            printed.errors.contains("1 broken row"),
            "{}",
            printed.errors
        );
        let lines = json_lines(&world.read("out.jsonl"));
        assert_eq!(texts(&lines), ["a film", "a poor film"]);
    }
    // Many of them take no longer than as many others.
    world.write("lines.txt", format!("a film\n{}", "\n".repeat(7_000)));
    let printed = run(&["--quiet", "--skip-bad", "--input", "lines.txt"]);
    assert_eq!(printed.code, Some(0), "{}", printed.errors);
    let said = "7000 broken rows skipped, the first: lines.txt:2: ";
    assert!(printed.errors.contains(said), "{}", printed.errors);
}
