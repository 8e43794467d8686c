//! Every call that changes a file fails or tears once, and the same command continues to the same snapshot.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use faults::{ENOLCK, ENOSPC, Fault, Library, Plan, Trial};

use crate::{World, assert_error};

/// A checkpoint after every step, and two evaluations.
const RUN: [&str; 9] = [
    "text.txt",
    "--out",
    "here",
    "--checkpoint-every",
    "0",
    "--evaluate-every",
    "2",
    "--log-every",
    "1",
];

/// How many calls apart the faults are; `cargo xtask faults` sets 1.
const EVERY: &str = "NOISYTUNE_FAULTS_EVERY";

/// A world, and a library that lets its programs fail in the folder `here`.
struct Faulty {
    world: World,
    library: Library,
}

impl Faulty {
    fn new() -> Self {
        Self {
            world: World::new(),
            library: Library::compile().expect("a C compiler"),
        }
    }

    fn out(&self) -> PathBuf {
        let folder = self.world.path(".").canonicalize();
        folder.expect("a folder").join("here")
    }

    fn run(&self, plan: Option<Plan>) -> Output {
        let mut command = self.world.command(&RUN);
        self.library.load(&mut command, &self.out(), plan);
        command.output().expect("the program starts")
    }

    fn clear(&self) {
        if self.out().exists() {
            fs::remove_dir_all(self.out()).expect("it is removed");
        }
    }

    /// The files of the snapshot.
    fn snapshot(&self) -> [Vec<u8>; 3] {
        ["config.json", "model.safetensors", "tokenizer.json"].map(|name| {
            let path = self.out().join("snapshot").join(name);
            fs::read(path).expect(name)
        })
    }

    fn log(&self) -> String {
        fs::read_to_string(self.out().join("log.jsonl")).unwrap_or_default()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn after_a_fault_at_any_call_the_same_command_continues() {
    let every = std::env::var(EVERY).map_or(70, |text| text.parse().expect("a number"));
    let faulty = Faulty::new();
    let undisturbed = faulty.run(None);
    assert!(
        undisturbed.status.success(),
        "{}",
        text(&undisturbed.stderr)
    );
    let calls = faulty.library.calls().expect("calls");
    let expected = faulty.snapshot();
    let (mut hit, mut failed) = (0, 0);
    for trial in Trial::all(&calls, every, "log.jsonl") {
        let place = trial.place();
        faulty.clear();
        let output = faulty.run(Some(trial.plan));
        failed += usize::from(trial.check(&output, "error: "));
        let before = faulty.log();
        let before = &before[..before.rfind('\n').map_or(0, |end| end + 1)];
        let output = faulty.run(None);
        let error = text(&output.stderr);
        assert!(output.status.success(), "{place}, then: {error}");
        let after = faulty.log();
        assert!(after.starts_with(before), "{place}: a line is lost");
        let events = after.matches("{\"event\":").count();
        assert_eq!(
            events,
            after.lines().count(),
            "{place}: two events share a line"
        );
        assert_eq!(output.stdout, undisturbed.stdout, "{place}");
        assert!(faulty.snapshot() == expected, "{place}: another snapshot");
        hit += 1;
    }
    println!(
        "{} calls, {hit} faults, {failed} of them with an error",
        calls.len()
    );
}

#[test]
fn a_full_disk_and_a_file_system_without_locks_are_one_line() {
    let faulty = Faulty::new();
    let output = faulty.run(Some(Plan::always(1, "lock", ENOLCK)));
    let parts = [
        "here/log.jsonl: cannot be locked (No locks available",
        "choose a folder on a local disk",
    ];
    assert_error(&output, 1, &parts);
    let output = faulty.run(Some(Plan::always(1, "write", ENOSPC)));
    let parts = ["here/tokenizer.json: No space left on device"];
    assert_error(&output, 1, &parts);
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let faulty = Faulty::new();
    let undisturbed = faulty.run(None);
    assert!(
        undisturbed.status.success(),
        "{}",
        text(&undisturbed.stderr)
    );
    let (expected, calls) = (faulty.snapshot(), faulty.library.calls().expect("calls"));
    faulty.clear();
    let output = faulty.run(Some(Plan::once(calls.len() / 2, Fault::ClockBack)));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(faulty.snapshot() == expected);
}
