//! The program as a user starts it: a run, its continuation, and every wrong input in one line.

#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod hostile;
#[cfg(unix)]
mod interrupts;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use encoders::Snapshot;

struct World(tempfile::TempDir);

impl World {
    /// A text of sixty short documents.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut text = String::new();
        for number in 0..60 {
            text += &format!(
                "The film number {number} is long. It has {} scenes of rain, and {number} of them are good!\n",
                7 * number
            );
        }
        std::fs::write(folder.path().join("text.txt"), text).expect("a file");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program in the folder, on the smallest of encoders.
    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        output.expect("the program starts")
    }

    /// The command that [`run`](Self::run) runs.
    fn command(&self, arguments: &[&str]) -> Command {
        let small = [
            ("--layers", "1"),
            ("--hidden", "8"),
            ("--heads", "2"),
            ("--intermediate", "8"),
            ("--positions", "32"),
            ("--length", "32"),
            ("--vocabulary", "100"),
            ("--batch-size", "4"),
            ("--steps", "4"),
            ("--warmup-steps", "1"),
            ("--held-out-every", "10"),
        ];
        let small = small
            .into_iter()
            .filter(|(option, _)| !arguments.contains(option))
            .flat_map(|(option, value)| [option, value]);
        let mut command = program();
        command
            .current_dir(self.0.path())
            .args(arguments)
            .args(small);
        command
    }
}

/// The program, which cargo built for these tests.
fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pretrain_mlm"))
}

#[track_caller]
fn assert_error(output: &Output, code: i32, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(text.lines().count(), 1, "one line, not: {text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn a_run_leaves_a_snapshot_and_says_where() {
    let world = World::new();
    let output = world.run(&["text.txt", "--out", "here"]);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{err}");
    assert!(out.contains("held out  masked accuracy "), "{out}");
    assert!(out.contains("snapshot  here/snapshot"), "{out}");
    assert!(
        err.contains("60 documents, 0 of 120 sentences excluded"),
        "{err}"
    );
    Snapshot::open(world.path("here/snapshot")).expect("a snapshot");
}

#[test]
fn the_same_command_with_more_steps_continues() {
    let world = World::new();
    assert!(world.run(&["text.txt"]).status.success());
    let output = world.run(&["text.txt", "--steps", "6"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("continuing after step 4 of 6"), "{text}");
}

#[test]
fn every_wrong_input_is_one_line() {
    let world = World::new();
    assert_error(&world.run(&["no.txt"]), 1, &["no.txt"]);
    std::fs::write(world.path("empty.txt"), "").expect("a file");
    assert_error(&world.run(&["empty.txt"]), 1, &["no text in empty.txt"]);
    std::fs::write(world.path("latin.txt"), b"caf\xe9").expect("a file");
    assert_error(&world.run(&["latin.txt"]), 1, &["latin.txt:1", "UTF-8"]);
    let missing = ["text.txt", "--exclude", "no.tsv"];
    assert_error(&world.run(&missing), 1, &["no.tsv"]);
    let heads = ["text.txt", "--heads", "3"];
    assert_error(&world.run(&heads), 2, &["num_attention_heads is 3"]);
    let steps = ["text.txt", "--steps", "0"];
    assert_error(&world.run(&steps), 2, &["steps is 0", "at least 1"]);
    let vocabulary = ["text.txt", "--vocabulary", "10"];
    assert_error(&world.run(&vocabulary), 2, &["vocabulary is 10"]);
}

#[cfg(not(feature = "rocm"))]
#[test]
fn a_device_that_is_not_compiled_in_comes_with_the_command_that_adds_it() {
    let parts = ["cargo run --example pretrain_mlm --features rocm"];
    let output = World::new().run(&["text.txt", "--device", "rocm"]);
    assert_error(&output, 2, &parts);
}

#[test]
fn devices_are_listed_without_text() {
    let output = World::new().run(&["--list-devices"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.lines().count() >= 6, "{text}");
}

#[test]
fn a_folder_with_another_run_is_refused() {
    let world = World::new();
    assert!(world.run(&["text.txt"]).status.success());
    let output = world.run(&["text.txt", "--seed", "9"]);
    assert_error(
        &output,
        1,
        &["started with seed 0, now it is 9", "another folder"],
    );
}

#[test]
fn without_text_it_says_what_to_pass() {
    let output = program().output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("<TEXT>..."));
}

#[test]
#[cfg(target_os = "linux")]
fn a_standard_output_that_is_full_or_closed_is_an_error_not_a_panic() {
    let world = World::new();
    assert!(world.run(&["text.txt"]).status.success());
    let full = || std::fs::File::create("/dev/full").expect("Linux has it");
    for arguments in [&["text.txt"][..], &["--list-devices"]] {
        let output = world.command(arguments).stdout(full()).output();
        let output = output.expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let last = text.lines().last();
        assert_eq!(
            last,
            Some("error: standard output: No space left on device (os error 28)"),
            "{text}"
        );
        // A pipe whose reader is gone.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = world.command(arguments).stdout(writer).output();
        let output = output.expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            text.contains("error: standard output: Broken pipe"),
            "{text}"
        );
    }
    // Progress that cannot be shown is no reason to fail.
    let status = world
        .command(&["text.txt", "--steps", "5"])
        .stderr(full())
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success());
}
