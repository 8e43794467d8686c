//! An `--out` that does not fit the study is refused or recovered, with a message.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{World, assert_error};

const ONE_RUN: [&str; 4] = ["--seeds", "1", "--arms", "baseline"];

fn records(world: &World) -> String {
    fs::read_to_string(world.path("out/runs.jsonl")).expect("records")
}

#[test]
fn runs_of_another_study_are_refused_with_the_field_that_differs() {
    let world = World::new();
    assert!(world.run(&ONE_RUN).status.success());
    let before = records(&world);
    let study = fs::read(world.path("out/study.json")).expect("its configuration");
    for (options, part) in [
        (&["--epochs", "2"][..], "recipe.epochs 1, now it is 2"),
        (
            &["--learning-rate", "1e-3"],
            "recipe.learning_rate 0.00005, now it is 0.001",
        ),
        (
            &["--max-train-samples", "5"],
            "training rows 8, now it is 5",
        ),
        (&["--max-eval-samples", "3"], "dev data.used 8, now it is 3"),
    ] {
        let output = world.run(&[&ONE_RUN[..], options].concat());
        let parts = [
            "out/runs.jsonl:1: recorded with ",
            part,
            "choose another folder",
        ];
        assert_error(&output, 1, &parts);
    }
    // Other weights under the same name, and other rows.
    let path = world.path("model/config.json");
    let text = fs::read_to_string(&path).expect("a file");
    let other = text.replace(
        "\"hidden_dropout_prob\": 0.1",
        "\"hidden_dropout_prob\": 0.2",
    );
    assert_ne!(text, other, "the snapshot says what it drops");
    fs::write(&path, other).expect("a file");
    assert_error(
        &world.run(&ONE_RUN),
        1,
        &["model.config.hidden_dropout_prob 0.1, now it is 0.2"],
    );
    fs::write(&path, text).expect("a file");
    let path = world.path("data/train.tsv");
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(&path, text.replace("so good", "so fine")).expect("a file");
    assert_error(&world.run(&ONE_RUN), 1, &["recorded with training data "]);

    assert_eq!(records(&world), before);
    assert_eq!(
        fs::read(world.path("out/study.json")).expect("it stays"),
        study
    );
}

#[test]
fn a_half_written_last_line_is_cut_off_and_its_run_repeated() {
    let world = World::new();
    assert!(world.run(&["--seeds", "1"]).status.success());
    let (whole, summary) = (
        records(&world),
        fs::read(world.path("out/summary.json")).expect("it is there"),
    );
    let torn = &whole[..whole.len() - 100];
    fs::write(world.path("out/runs.jsonl"), torn).expect("a file");
    let output = world.run(&["--seeds", "1"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    for part in [
        "out/runs.jsonl:2: half-written",
        "1 of 2 runs is recorded already",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert_eq!(records(&world).lines().count(), 2);
    let first = |text: &str| text.lines().next().map(str::to_owned);
    assert_eq!(
        first(&records(&world)),
        first(&whole),
        "the whole line stays"
    );
    assert_eq!(
        fs::read(world.path("out/summary.json")).expect("it is there"),
        summary
    );
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let world = World::new();
    let mut first = world
        .command(&["--epochs", "1000000", "--seeds", "1"])
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let started = Instant::now();
    while !world.path("out/study.json").exists() {
        assert!(
            started.elapsed() < Duration::from_secs(1500),
            "it does not begin"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = world.run(&ONE_RUN);
    first.kill().expect("it is killed");
    first.wait().expect("it ends");
    assert_error(
        &second,
        1,
        &[
            "out/runs.jsonl: in use by another process",
            "choose another folder",
        ],
    );
    // The lock ends with its process.
    assert!(world.run(&ONE_RUN).status.success());
}

/// The command with files limited to so many bytes, as on a full disk.
#[cfg(unix)]
pub(crate) fn limited(world: &World, arguments: &[&str], kilobytes: usize) -> std::process::Output {
    let command = world.command(arguments);
    let mut shell = Command::new("bash");
    // With the signal ignored, the write fails with an error.
    shell.args([
        "-c",
        &format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\""),
        "bash",
    ]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
        .current_dir(world.folder.path())
        .output()
        .expect("bash runs")
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_one_line_and_leaves_whole_files() {
    let world = World::new();
    // Room for some records, and then for none.
    let output = limited(&world, &["--seeds", "10"], 16);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().expect("lines");
    assert!(
        last.starts_with("error: out/runs.jsonl: File too large"),
        "{text}"
    );
    let written = records(&world);
    assert!(
        written.ends_with('\n') && written.lines().count() >= 2,
        "whole lines: {written}"
    );
    for line in written.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("a whole record");
    }
    // With room again, the same command continues.
    let output = world.run(&["--seeds", "10"]);
    let text = String::from_utf8_lossy(&output.stderr);
    let recorded = format!(
        "{} of 20 runs are recorded already",
        written.lines().count()
    );
    assert!(
        output.status.success() && text.contains(&recorded),
        "{text}"
    );
    assert!(!text.contains("half-written"), "{text}");
    assert!(records(&world).starts_with(&written));

    // A report that does not fit leaves the one that is there.
    let report = fs::read(world.path("out/report.html")).expect("the report");
    let output = limited(&world, &["--seeds", "10"], 4);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("File too large") && !text.contains("panicked"),
        "{text}"
    );
    assert_eq!(
        fs::read(world.path("out/report.html")).expect("it stays"),
        report
    );
    let names = fs::read_dir(world.path("out")).expect("a folder").count();
    assert_eq!(names, 9, "no temporary file is left behind");
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_printed_is_an_error() {
    let world = World::new();
    for more in [&[][..], &["--json"]] {
        let full = fs::File::create("/dev/full").expect("Linux has it");
        let arguments = [&ONE_RUN[..], &["--quiet"], more].concat();
        let output = world
            .command(&arguments)
            .stdout(full)
            .output()
            .expect("it starts");
        assert_error(&output, 1, &["standard output: No space left on device"]);
    }
    // Progress that cannot be shown is no reason to fail.
    let full = fs::File::create("/dev/full").expect("Linux has it");
    let status = world
        .command(&ONE_RUN)
        .stderr(full)
        .stdout(Stdio::null())
        .status()
        .expect("it starts");
    assert!(status.success());
}
