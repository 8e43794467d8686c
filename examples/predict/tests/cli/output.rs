//! Where predictions go, and how they continue.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::program::{Printed, World, are_close, json_lines, texts};

/// More than two windows of short texts.
const MANY: usize = 20_000;

fn many() -> String {
    (0..MANY).map(|number| format!("film {number}\n")).collect()
}

/// Whether the predictions are of the texts of [`many`], in their order.
fn are_of_many(lines: &[Value]) -> bool {
    lines.len() == MANY
        && texts(lines)
            .iter()
            .enumerate()
            .all(|(number, text)| *text == format!("film {number}"))
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_continued() {
    let world = World::new();
    world.write("texts.txt", "a film\n\na\tpoor \"film\"\nlast\n");
    for format in ["jsonl", "tsv"] {
        let arguments = [
            "--input",
            "texts.txt",
            "--output",
            "out",
            "--format",
            format,
        ];
        let printed = world.run(&arguments);
        assert_eq!(
            (printed.code, printed.out.as_str()),
            (Some(0), ""),
            "{}",
            printed.errors
        );
        assert_eq!(printed.errors, "4 predictions in out\n");
        let whole = world.read("out");
        let first_columns = |text: &str| -> Vec<String> {
            let line = |line: &str| match format {
                "tsv" => line.split('\t').next().unwrap_or_default().to_owned(),
                _ => json_lines(&format!("{line}\n"))[0]["text"].to_string(),
            };
            text.lines().map(line).collect()
        };
        for end in (0..whole.len()).step_by(7) {
            world.write("out", &whole[..end]);
            let printed = world.run(&arguments);
            assert_eq!(printed.code, Some(0), "{end}: {}", printed.errors);
            let is_torn = end > 0 && !whole[..end].ends_with('\n');
            assert_eq!(
                printed.errors.contains("half-written; removed"),
                is_torn,
                "{end}"
            );
            let continued = world.read("out");
            assert_eq!(first_columns(&continued), first_columns(&whole), "{end}");
            if format == "jsonl" {
                for (line, other) in json_lines(&continued).iter().zip(&json_lines(&whole)) {
                    are_close(line, other);
                }
            }
        }
        // Nothing is left to do.
        let done = world.read("out");
        let printed = world.run(&arguments);
        assert_eq!(
            printed.errors,
            "4 predictions in out, 4 of them from before\n"
        );
        assert_eq!(world.read("out"), done);
        for file in ["out", "out.run.json"] {
            std::fs::remove_file(world.path(file)).expect("a file");
        }
    }
}

#[test]
fn a_program_that_is_killed_leaves_no_line_twice_or_missing() {
    let world = World::new();
    world.write("texts.txt", many());
    let arguments = ["--quiet", "--input", "texts.txt", "--output", "out.jsonl"];
    let mut killed = world.command(&arguments).spawn().expect("it starts");
    let has_lines = || std::fs::metadata(world.path("out.jsonl")).is_ok_and(|file| file.len() > 0);
    while !has_lines() && killed.try_wait().expect("its state").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    killed.kill().expect("it ends");
    killed.wait().expect("it ends");
    let printed = world.run(&arguments);
    assert_eq!(printed.code, Some(0), "{}", printed.errors);
    assert!(are_of_many(&json_lines(&world.read("out.jsonl"))));
}

#[test]
fn another_input_model_or_setting_does_not_continue_a_file() {
    let world = World::new();
    world.write("texts.txt", "a\nb\nc\n");
    let arguments = ["--input", "texts.txt", "--output", "out.jsonl"];
    assert_eq!(world.run(&arguments).code, Some(0));
    let whole = world.read("out.jsonl");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();

    world.write("texts.txt", "a\nB\nc\n");
    world
        .run(&arguments)
        .refusal(1, &["out.jsonl:2: the text \"b\"; expected the text \"B\""]);
    world.write("texts.txt", "a\nb\n");
    world
        .run(&arguments)
        .refusal(1, &["out.jsonl:3: ", "expected no more lines"]);
    world.write("texts.txt", "a\nb\nc\n");
    world.write("out.jsonl", [lines[0], "{}\n"].concat());
    world
        .run(&arguments)
        .refusal(1, &["out.jsonl:2: \"{}\"; expected a prediction"]);
    // The last line is incomplete.
    let torn = [lines[0], &lines[1][..9]].concat();
    world.write("out.jsonl", torn.as_str());
    let run = |more: &[&str]| world.run(&[&arguments[..], more].concat());
    run(&["--max-length", "9"]).refusal(1, &["out.jsonl.run.json: max_length is 48, here it is 9"]);
    run(&["--format", "tsv"]).refusal(1, &["format is jsonl, here it is tsv"]);
    let other = world.model(|config| config["id2label"] = json!({"0": "x", "1": "y"}));
    let printed = world
        .command_for(&other, &arguments)
        .output()
        .expect("it starts");
    Printed::of(printed).refusal(1, &["out.jsonl.run.json: model is "]);
    assert_eq!(
        world.read("out.jsonl"),
        torn,
        "a refused file stays as it is"
    );

    std::fs::remove_file(world.path("out.jsonl.run.json")).expect("a file");
    world.run(&arguments).refusal(
        1,
        &["out.jsonl: has lines, but out.jsonl.run.json is not beside"],
    );
    // Nor is what somebody else left incomplete cut off.
    world.write("notes.txt", "a line\nand half of one");
    let arguments = ["--quiet", "--output", "notes.txt", "A fine film."];
    world.run(&arguments).refusal(
        1,
        &["notes.txt: has lines, but notes.txt.run.json is not beside"],
    );
    assert_eq!(world.read("notes.txt"), "a line\nand half of one");
}

#[test]
fn a_full_disk_is_said_and_leaves_whole_lines() {
    let world = World::new();
    world.write("texts.txt", many());
    let command = world.command(&["--quiet", "--input", "texts.txt", "--output", "out.jsonl"]);
    // Files of at most 1.5 MB: room for the first window, and for a part of the second.
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1500; exec \"$@\"", "bash"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(world.path("")).stdin(Stdio::null());
    let printed = Printed::of(shell.output().expect("it starts"));
    printed.refusal(1, &["out.jsonl: "]);
    let written = json_lines(&world.read("out.jsonl"));
    assert!((1..MANY).contains(&written.len()), "{}", written.len());

    let printed = world.run(&["--quiet", "--input", "texts.txt", "--output", "out.jsonl"]);
    assert_eq!((printed.code, printed.errors.as_str()), (Some(0), ""));
    assert!(are_of_many(&json_lines(&world.read("out.jsonl"))));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_said() {
    let world = World::new();
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a device")
    };
    let printed = world
        .command(&["a"])
        .stdout(full())
        .output()
        .expect("it starts");
    Printed::of(printed).refusal(1, &["standard output: No space left on device"]);
    world
        .run(&["--output", "/dev/full", "a"])
        .refusal(1, &["/dev/full: No space left on device"]);
}

#[test]
fn a_closed_pipe_ends_the_program_silently() {
    let world = World::new();
    world.write("texts.txt", many());
    let mut command = world.command(&["--input", "texts.txt"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let printed = Printed::of(child.wait_with_output().expect("it ends"));
    assert_eq!((printed.code, printed.errors.as_str()), (Some(0), ""));
}

#[test]
fn a_second_program_does_not_write_into_the_same_file() {
    let world = World::new();
    let mut command = world.command(&["--quiet", "--output", "out.jsonl"]);
    let mut waiting = command.stdin(Stdio::piped()).spawn().expect("it starts");
    while !world.path("out.jsonl.run.json").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    world
        .run(&["--output", "out.jsonl", "a"])
        .refusal(1, &["out.jsonl: in use"]);
    drop(waiting.stdin.take());
    assert!(waiting.wait().expect("it ends").success());
}
