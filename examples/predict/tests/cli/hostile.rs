//! Labels, texts and names that mean harm do nothing in predictions and messages.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::{Printed, World, json_lines, texts};

/// ANSI codes, a C1 control character, an override of direction, markup, NUL and line ends.
const HOSTILE: &str = "=a\u{1b}[2J\u{9b}1A\u{202e}<script>\r\nforged\tx\u{7f}";

#[test]
fn labels_and_texts_only_show_on_a_terminal_in_every_format_and_are_read_back() {
    let world = World::new();
    let model = world.model(|config| {
        config["id2label"] = json!({"0": format!("={HOSTILE}\0"), "1": format!("@{HOSTILE}\0")});
    });
    let input = json!({"text": HOSTILE, "text_pair": format!("+\0{HOSTILE}")}).to_string();
    world.write("in.jsonl", input + "\n");
    let columns = [
        "--input=in.jsonl",
        "--text-column=text",
        "--text-pair-column=text_pair",
    ];
    for format in ["table", "jsonl", "tsv"] {
        let arguments = [&columns[..], &["--format", format]].concat();
        let printed = world
            .command_for(&model, &arguments)
            .output()
            .expect("it starts");
        let printed = Printed::of(printed);
        assert_eq!(printed.code, Some(0), "{}", printed.errors);
        for text in [&printed.out, &printed.errors] {
            let acts = |c: char| harmless::acts(c) && !matches!(c, '\n' | '\t');
            assert!(!text.contains(acts), "{format}: {text}");
        }
        let lines = printed.out.lines().count();
        assert_eq!(
            lines,
            if format == "tsv" { 2 } else { 1 },
            "{}",
            printed.out
        );
        match format {
            "jsonl" => {
                let line = &json_lines(&printed.out)[0];
                assert_eq!(line["text"], HOSTILE);
                let label = line["label"].as_str().expect("a label");
                assert_eq!(&label[1..], format!("{HOSTILE}\0"));
            }
            "tsv" => {
                let cells: Vec<&str> = printed
                    .out
                    .lines()
                    .last()
                    .expect("a line")
                    .split('\t')
                    .collect();
                assert_eq!(cells.len(), 5, "{cells:?}");
                for cell in &cells[..3] {
                    assert!(cell.starts_with('\\'), "{cell}");
                }
                assert_eq!(harmless::read_cell(cells[0]), HOSTILE);
                assert_eq!(harmless::read_cell(cells[1]), format!("+\0{HOSTILE}"));
            }
            _ => {}
        }
    }
}

#[test]
fn a_file_of_hostile_texts_is_continued() {
    let world = World::new();
    let input = json!({"text": HOSTILE}).to_string();
    world.write(
        "in.jsonl",
        format!("{input}\n{{\"text\":\"\\\\=\\\"@\"}}\n"),
    );
    for format in ["jsonl", "tsv"] {
        let arguments = ["--input=in.jsonl", "--output=out", "--format", format];
        assert_eq!(world.run(&arguments).code, Some(0));
        let whole = world.read("out");
        let printed = world.run(&arguments);
        assert_eq!(
            printed.errors.lines().last(),
            Some("2 predictions in out, 2 of them from before")
        );
        assert_eq!(world.read("out"), whole);
        for file in ["out", "out.run.json"] {
            fs::remove_file(world.path(file)).expect("a file");
        }
    }
}

#[test]
fn hostile_names_and_arguments_are_one_line_that_only_shows() {
    let world = World::new();
    let name = "a\u{1b}[2J\u{9b}1A\u{202e}\nerror: forged\rx\u{7f}";
    let file = format!("{name}.csv");
    world.write(&file, "a\u{1b}\u{202e},b\n1,2\n");
    world.write("bad.txt", b"\xff\x1b[2J\n");
    let option = format!("--{name}");
    for arguments in [
        &["--input", name][..],
        &["--input", &file],
        &["--input", &file, "--text-column", name],
        &["--input", "bad.txt"],
        &["--format", name, "x"],
        &["--device", name, "x"],
        &["--batch-size", name, "x"],
        &[option.as_str()],
    ] {
        let printed = world.run(arguments);
        assert_ne!(printed.code, Some(0), "{arguments:?}");
        printed.refusal(printed.code.unwrap_or_default(), &["error: "]);
        assert!(
            !printed.errors.trim_end().contains(harmless::acts),
            "{}",
            printed.errors
        );
    }
}

/// Seconds with two busy cores, of which 10 MB take a few.
const MOST_TIME: Duration = Duration::from_secs(120);
/// Memory beyond that of a short text: a dozen copies, and what the tokenizer makes of them.
const MOST_MEMORY: u64 = 3 << 30;

/// Predicts a text and returns its predictions and the most memory, in bytes.
fn predicted(world: &World, model: &std::path::Path, text: &str) -> (Vec<serde_json::Value>, u64) {
    world.write("in.txt", format!("{text}\n"));
    let mut command =
        world.command_for(model, &["--quiet", "--input=in.txt", "--output=out.jsonl"]);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    let (started, mut peak) = (Instant::now(), 0);
    let status = loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) << 10);
        if let Some(status) = child.try_wait().expect("its state") {
            break status;
        }
        assert!(started.elapsed() < MOST_TIME, "it hangs");
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{}", model.display());
    let lines = json_lines(&world.read("out.jsonl"));
    for file in ["out.jsonl", "out.jsonl.run.json"] {
        fs::remove_file(world.path(file)).expect("a file");
    }
    println!(
        "{} bytes: {:?}, at most {} MiB",
        text.len(),
        started.elapsed(),
        peak >> 20
    );
    (lines, peak)
}

#[test]
fn a_text_of_10_mb_without_a_space_neither_hangs_nor_fills_memory() {
    let world = World::new();
    let long = "x".repeat(10_000_000);
    // A tokenizer of each kind: word pieces, byte pairs and unigrams.
    for family in ["electra", "roberta", "xlnet"] {
        let model = crate::program::family(family);
        let (_, short) = predicted(&world, &model, "x");
        let (lines, peak) = predicted(&world, &model, &long);
        assert_eq!(texts(&lines), [long.as_str()], "{family}");
        assert!(peak < short + MOST_MEMORY, "{family}: {} MiB", peak >> 20);
    }
}
