//! Ctrl-C, SIGTERM and a second process.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::{World, assert_error};

/// The running program.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    /// Starts the program and returns once the text is ready: training begins.
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(arguments);
        let command = command.stderr(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("a line");
        assert!(line.contains(" documents, "), "{line}");
        Self { child, stderr }
    }

    fn send(&self, signal: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.expect("kill runs").success());
    }

    /// The exit code, and what came after the first line.
    fn end(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.stderr.read_to_string(&mut text).expect("text");
        (self.child.wait().expect("it ends").code(), text)
    }
}

/// The number between two texts.
fn number_between(text: &str, before: &str, after: &str) -> usize {
    let rest = text.split_once(before).expect(text).1;
    let number = rest.split_once(after).expect(text).0;
    number.parse().expect("a number")
}

#[test]
fn a_signal_stores_the_step_and_the_same_command_continues_after_it() {
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let world = World::new();
        let endless = ["text.txt", "--steps", "1000000"];
        let running = Running::start(&world, &endless);
        std::thread::sleep(Duration::from_millis(100));
        running.send(signal);
        let (code, text) = running.end();
        assert_eq!(code, Some(expected), "{text}");
        let last = text.lines().last().expect("a message");
        let step = number_between(
            last,
            "stopped: step ",
            " of 1000000 is stored; to continue: ",
        );
        assert!(last.contains("cargo run --example pretrain_mlm"), "{last}");
        assert!(step > 0);

        // The rest of the run is two steps, in a folder of its own and after the stop.
        let steps = (step + 2).to_string();
        let rest = ["text.txt", "--steps", &steps, "--decay-steps", "0"];
        // The stopped run had a decay over its last fifth, which these steps do not reach.
        let output = world.run(&rest);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let continued = format!("continuing after step {step} of {steps}");
        assert!(text.contains(&continued), "{text}");
        let straight = world.run(&[&rest[..], &["--out", "straight"]].concat());
        assert!(straight.status.success());
        let snapshot = |out: &str| {
            let path = world.path(out).join("snapshot/model.safetensors");
            fs::read(path).expect("a snapshot")
        };
        assert!(snapshot("out/pretrain_mlm") == snapshot("straight"));
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    // One step over all sequences of a long text takes seconds.
    let world = World::new();
    let text = fs::read_to_string(world.path("text.txt")).expect("the text");
    let text: String = (0..200)
        .map(|i| text.replace("The film", &format!("Film {i}")))
        .collect();
    fs::write(world.path("long.txt"), text).expect("a file");
    let long_step = ["long.txt", "--batch-size", "4000", "--hidden", "128"];
    let mut running = Running::start(&world, &long_step);
    std::thread::sleep(Duration::from_millis(200));
    running.send("-INT");
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        running.child.try_wait().expect("its state").is_none(),
        "it finishes the step"
    );
    // Whichever it is.
    running.send("-TERM");
    let (code, text) = running.end();
    assert_eq!((code, text.as_str()), (Some(143), ""));
}

#[test]
fn a_second_process_in_the_same_folder_is_refused() {
    let world = World::new();
    let running = Running::start(&world, &["text.txt", "--steps", "1000000"]);
    let second = world.run(&["text.txt"]);
    running.send("-KILL");
    running.end();
    let parts = [
        "log.jsonl: in use by another process",
        "choose another folder",
    ];
    assert_error(&second, 1, &parts);
    // The lock ends with its process.
    assert!(world.run(&["text.txt"]).status.success());
}
