//! Ctrl-C, SIGTERM and kill -9: what is recorded stays, and the same command continues.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use faults::Draws;

use crate::program::{CARGO_RUN, World};

/// A study that runs until it is stopped.
const ENDLESS: [&str; 4] = ["--epochs", "1000000", "--seeds", "6"];

/// The running example.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    /// Starts the example and returns once its heading is printed: the study begins.
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut child = world
            .command(arguments)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut heading = String::new();
        stderr.read_line(&mut heading).expect("a line");
        assert!(heading.starts_with("preset "), "{heading}");
        let mut note = String::new();
        stderr.read_line(&mut note).expect("a line");
        assert!(note.starts_with("note: "), "{note}");
        Self { child, stderr }
    }

    fn send(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    /// The exit code, and what came after the heading.
    fn end(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.stderr.read_to_string(&mut text).expect("text");
        (self.child.wait().expect("it ends").code(), text)
    }
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(1500), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn read(world: &World, name: &str) -> Vec<u8> {
    std::fs::read(world.path(name)).expect("a file")
}

/// Ctrl-C as the terminal sends it.
const CTRL_C: &str = "-INT";
/// As SLURM and containers send it.
const SIGTERM: &str = "-TERM";

#[test]
fn ctrl_c_finishes_the_step_and_says_how_to_continue() {
    a_signal_finishes_the_step_and_says_how_to_continue(CTRL_C, 130);
}

#[test]
fn sigterm_does_so_too() {
    a_signal_finishes_the_step_and_says_how_to_continue(SIGTERM, 143);
}

fn a_signal_finishes_the_step_and_says_how_to_continue(signal: &str, expected: i32) {
    let world = World::new();
    let running = Running::start(&world, &ENDLESS);
    wait_for("study", || world.path("out/study.json").exists());
    running.send(signal);
    let (code, text) = running.end();
    assert_eq!(code, Some(expected), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    // A run that had begun has left a checkpoint.
    let begun = match world.path("out/checkpoints").exists() {
        true => ", runs in progress in out/checkpoints",
        false => "",
    };
    let begin =
        format!("stopped: finished runs are in out/runs.jsonl{begun}; to continue: {CARGO_RUN}");
    assert!(text.starts_with(&begin), "{text}");
    assert!(text.contains(" --epochs 1000000 --seeds 6"), "{text}");
    assert_eq!(read(&world, "out/runs.jsonl"), b"");
    assert!(
        !world.path("out/summary.json").exists(),
        "nothing is complete"
    );
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    // One long step: 8,192 sentences of 48 tokens.
    let world = World::new();
    let rows = "a fine thing\t1\nno fun at all\t0\n".repeat(4096);
    std::fs::write(
        world.path("data/train.tsv"),
        format!("sentence\tlabel\n{rows}"),
    )
    .expect("a file");
    let mut running = Running::start(
        &world,
        &[
            "--seeds",
            "6",
            "--batch-size",
            "8192",
            "--max-length",
            "48",
            "--pad-to-max-length",
        ],
    );
    wait_for("study", || world.path("out/study.json").exists());
    std::thread::sleep(Duration::from_millis(300));
    running.send(CTRL_C);
    std::thread::sleep(Duration::from_millis(100));
    assert!(running.is_running(), "it finishes the step");
    // Whichever it is.
    running.send(SIGTERM);
    let (code, text) = running.end();
    assert_eq!(code, Some(143), "{text}");
    assert_eq!(text, "", "it did not come to the end of the step");
}

#[test]
fn twenty_kills_leave_the_summary_that_an_undisturbed_study_has() {
    const KILLS: usize = 20;
    let study = ["--epochs", "60", "--seeds", "10"];
    let undisturbed = World::new();
    let started = Instant::now();
    let output = undisturbed.run(&study);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let run = started.elapsed().div_f64(20.0);

    let world = World::new();
    let mut moments = Draws::of(6);
    let (mut hits, mut recorded) = (0, Vec::new());
    for _ in 0..KILLS {
        let mut running = Running::start(&world, &study);
        std::thread::sleep(run.mul_f64(1.5 * moments.share()));
        let is_running = running.is_running();
        running.child.kill().expect("it is killed");
        running.end();
        let runs = read(&world, "out/runs.jsonl");
        let whole = runs.iter().filter(|&&byte| byte == b'\n').count();
        hits += usize::from(is_running && whole < 20);
        recorded.push(whole);
    }
    assert!(recorded.is_sorted(), "no record is lost: {recorded:?}");
    assert!(
        hits >= KILLS / 2,
        "{hits} kills hit a run in flight: {recorded:?}"
    );
    let output = world.run(&study);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for name in ["out/summary.json", "out/study.json"] {
        assert!(
            read(&undisturbed, name) == read(&world, name),
            "{name} differs"
        );
    }
}

fn is_hidden(entry: &std::fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// The records by arm and seed, without their times and numbers of threads and jobs.
fn results(world: &World) -> Vec<serde_json::Value> {
    let text = String::from_utf8(read(world, "out/runs.jsonl")).expect("text");
    let mut records: Vec<serde_json::Value> = text
        .lines()
        .map(|line| {
            let mut record: serde_json::Value = serde_json::from_str(line).expect("a record");
            for own in ["seconds", "finished_unix", "machine"] {
                record[own] = serde_json::Value::Null;
            }
            for epoch in record["epochs"].as_array_mut().expect("epochs") {
                epoch["train_seconds"] = serde_json::Value::Null;
            }
            record
        })
        .collect();
    records.sort_by_key(|record| format!("{} {}", record["arm"], record["seed"]));
    records
}

#[test]
fn a_run_that_is_killed_or_stopped_continues_from_its_checkpoint_with_the_same_record() {
    let study = [
        "--epochs",
        "300",
        "--seeds",
        "1",
        "--checkpoint-minutes",
        "0.00002",
    ];
    let undisturbed = World::new();
    let started = Instant::now();
    assert!(undisturbed.run(&study).status.success());
    let all = started.elapsed();

    let world = World::new();
    let mut moments = Draws::of(19);
    let mut said = Vec::new();
    // Killed twice, then asked to stop.
    for signal in ["-KILL", "-KILL", SIGTERM] {
        let running = Running::start(&world, &study);
        wait_for("checkpoint", || {
            std::fs::read_dir(world.path("out/checkpoints")).is_ok_and(|runs| {
                let mut checkpoints = runs.flatten().flat_map(|run| std::fs::read_dir(run.path()));
                checkpoints.any(|run| run.flatten().any(|found| !is_hidden(&found)))
            })
        });
        std::thread::sleep(all.mul_f64(0.2 * moments.share()));
        running.send(signal);
        let (code, text) = running.end();
        if signal == SIGTERM {
            assert_eq!(code, Some(143), "{text}");
            let last = text.lines().last().expect("a message");
            let begin = "stopped: finished runs are in out/runs.jsonl, runs in progress in out/checkpoints; to continue: ";
            assert!(last.starts_with(begin), "{text}");
        }
        said.push(text);
    }
    let output = world.run(&study);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    let continues = |text: &String| text.contains(" seed 0 continues after step ");
    assert!(continues(&text), "{text}");
    assert!(said[1..].iter().all(continues), "{said:?}");
    assert_eq!(results(&world), results(&undisturbed));
    assert!(read(&world, "out/summary.json") == read(&undisturbed, "out/summary.json"));
    assert!(!world.path("out/checkpoints").exists());
}

#[test]
fn without_checkpoints_a_stopped_run_starts_again() {
    let world = World::new();
    let options = [&ENDLESS[..], &["--no-checkpoints"]].concat();
    let running = Running::start(&world, &options);
    wait_for("study", || world.path("out/study.json").exists());
    running.send(CTRL_C);
    let (code, text) = running.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(
        text.starts_with("stopped: finished runs are in out/runs.jsonl; to continue: "),
        "{text}"
    );
    assert!(!world.path("out/checkpoints").exists());
}
