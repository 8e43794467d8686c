//! Every call that changes a file fails or tears once, and the disk, the folder, the clock and the locks misbehave: the
//! message is one line, and the same command continues as if nothing had happened.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use faults::{ENOLCK, ENOSPC, EROFS, Fault, Library, Plan, Trial};

use crate::program::{World, assert_error};

/// Two runs, one after the other, with predictions, models and a report.
const STUDY: [&str; 6] = ["--seeds", "1", "--jobs", "1", "--save-model", "best"];

/// How many calls apart the faults are; `cargo xtask faults` sets 1.
const EVERY: &str = "NOISYTUNE_FAULTS_EVERY";

/// A world, and a library that lets its programs fail in the folder `out`.
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
        let folder = self.world.folder.path();
        folder.canonicalize().expect("a folder").join("out")
    }

    fn run(&self, arguments: &[&str], plan: Option<Plan>) -> Output {
        let mut command = self.world.command(arguments);
        self.library.load(&mut command, &self.out(), plan);
        command.output().expect("the example starts")
    }

    /// The number of the first call of a kind on a file whose path ends like this.
    fn first(&self, kind: &str, end: &str) -> usize {
        let calls = self.library.calls().expect("calls");
        let mut calls = calls.iter();
        let is_it = |call: &faults::Call| call.kind == kind && call.path.ends_with(end);
        1 + calls.position(is_it).expect("there is such a call")
    }

    /// What does not depend on the moment: all files but the records' times and the report, which has them too.
    fn results(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for name in ["summary.json", "study.json", "plan.json", "data.json"] {
            let path = self.out().join(name);
            found.insert(name.into(), fs::read(path).expect(name));
        }
        for folder in [
            "predictions",
            "models/baseline-seed0",
            "models/noisytune-seed0",
        ] {
            for entry in fs::read_dir(self.out().join(folder)).expect(folder) {
                let path = entry.expect("an entry").path();
                let is_left = is_unfinished(&path);
                // The card has the record's times.
                if !is_left && path.file_name() != Some("README.md".as_ref()) {
                    found.insert(path.clone(), fs::read(&path).expect("a file"));
                }
            }
        }
        found
    }

    fn records(&self) -> String {
        fs::read_to_string(self.out().join("runs.jsonl")).unwrap_or_default()
    }

    /// Removes what the last study has left.
    fn clear(&self) {
        if self.out().exists() {
            fs::remove_dir_all(self.out()).expect("it is removed");
        }
    }
}

/// Whether a killed process left it, unfinished.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.starts_with(b".")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines that are complete.
fn whole_lines(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}

#[test]
fn after_a_fault_at_any_call_the_same_command_continues() {
    let every = std::env::var(EVERY).map_or(20, |text| text.parse().expect("a number"));
    let faulty = Faulty::new();
    let output = faulty.run(&STUDY, None);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let calls = faulty.library.calls().expect("calls");
    let expected = faulty.results();
    let (mut hit, mut failed) = (0, 0);
    for trial in Trial::all(&calls, every, "runs.jsonl") {
        let place = trial.place();
        faulty.clear();
        let output = faulty.run(&STUDY, Some(trial.plan));
        failed += usize::from(trial.check(&output, "error: out"));
        let before = faulty.records();
        let before = whole_lines(&before);
        let output = faulty.run(&STUDY, None);
        let error = text(&output.stderr);
        assert!(output.status.success(), "{place}, then: {error}");
        let after = faulty.records();
        assert!(after.starts_with(before), "{place}: a record is lost");
        assert_eq!(after.lines().count(), 2, "{place}");
        for (file, bytes) in faulty.results() {
            assert!(
                expected.get(&file) == Some(&bytes),
                "{place}: {}",
                file.display()
            );
        }
        assert_eq!(faulty.results().len(), expected.len(), "{place}");
        hit += 1;
    }
    println!(
        "{} calls, {hit} faults, {failed} of them with an error",
        calls.len()
    );
}

#[test]
fn a_merge_that_fails_or_dies_at_any_call_is_done_again() {
    let every = std::env::var(EVERY).map_or(5, |text| text.parse().expect("a number"));
    let faulty = Faulty::new();
    let study = |part: &[&'static str]| [&["--seeds", "2", "--jobs", "1"], part].concat();
    for shard in ["1/2", "2/2"] {
        let output = faulty.run(&study(&["--shard", shard]), None);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let kept = faulty.world.path("kept");
    copy(&faulty.out(), &kept);
    let merge = study(&["--merge"]);
    let output = faulty.run(&merge, None);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let calls = faulty.library.calls().expect("calls");
    let summary = || fs::read(faulty.out().join("summary.json")).expect("a summary");
    let expected = (faulty.records(), summary());
    assert_eq!(expected.0.lines().count(), 4);
    for trial in Trial::all(&calls, every, "runs.jsonl") {
        let place = trial.place();
        faulty.clear();
        copy(&kept, &faulty.out());
        let output = faulty.run(&merge, Some(trial.plan));
        trial.check(&output, "error: out");
        let output = faulty.run(&merge, None);
        let error = text(&output.stderr);
        assert!(output.status.success(), "{place}, then: {error}");
        // In the same order, too.
        assert!((faulty.records(), summary()) == expected, "{place}");
        for entry in fs::read_dir(faulty.out()).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_string_lossy().into_owned();
            assert!(!name.contains("-of-"), "{place}: {name} is left");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let place = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &place),
            false => drop(fs::copy(&path, &place).expect("a file")),
        }
    }
}

#[test]
fn a_disk_that_is_full_from_some_moment_on_is_one_line() {
    let faulty = Faulty::new();
    assert!(faulty.run(&STUDY, None).status.success());
    let expected = faulty.results();
    let at = faulty.first("write", "runs.jsonl");
    faulty.clear();
    let output = faulty.run(&STUDY, Some(Plan::always(at, "write", ENOSPC)));
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    let last = error.lines().last().unwrap_or_default();
    let line = "error: out/runs.jsonl: No space left on device (os error 28)";
    assert_eq!(last, line, "{error}");
    assert_eq!(faulty.records(), "");
    assert!(faulty.run(&STUDY, None).status.success());
    assert!(faulty.results() == expected);
}

#[test]
fn a_read_only_folder_is_one_line() {
    let faulty = Faulty::new();
    let output = faulty.run(&STUDY, Some(Plan::always(1, "make", EROFS)));
    assert_error_line(&output, "error: out: Read-only file system (os error 30)");
    // The folder of a finished study, on a file system that was mounted again.
    assert!(faulty.run(&STUDY, None).status.success());
    let expected = faulty.results();
    let output = faulty.run(&STUDY, Some(Plan::always(1, "open", EROFS)));
    assert_error_line(
        &output,
        "error: out/runs.jsonl: Read-only file system (os error 30)",
    );
    assert!(faulty.results() == expected);
}

#[test]
fn a_file_system_without_locks_is_refused_with_what_to_do() {
    let faulty = Faulty::new();
    let output = faulty.run(&STUDY, Some(Plan::always(1, "lock", ENOLCK)));
    let parts = [
        "out/runs.jsonl: cannot be locked (No locks available",
        "choose a folder on a local disk",
    ];
    assert_error(&output, 1, &parts);
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let faulty = Faulty::new();
    assert!(faulty.run(&STUDY, None).status.success());
    let expected = faulty.results();
    let at = faulty.first("sync", "runs.jsonl");
    faulty.clear();
    let output = faulty.run(&STUDY, Some(Plan::once(at, Fault::ClockBack)));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let finished = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).expect("a record");
        assert!(record["seconds"].as_f64() >= Some(0.0), "{record}");
        record["finished_unix"].as_i64().expect("a time")
    };
    let records = faulty.records();
    let finished: Vec<i64> = records.lines().map(finished).collect();
    // The clock did go back, between the first record and the second.
    assert!(finished[1] < finished[0] - 86_000, "{finished:?}");
    assert!(faulty.results() == expected);
}

#[test]
fn a_folder_that_is_moved_away_in_mid_run_ends_the_study_and_loses_no_record() {
    let world = World::new();
    let study = ["--seeds", "200", "--epochs", "10"];
    let child = world
        .command(&study)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let started = Instant::now();
    let runs = world.path("out/runs.jsonl");
    while fs::read(&runs).map_or(0, |bytes| bytes.len()) == 0 {
        assert!(started.elapsed() < Duration::from_secs(600), "no record");
        std::thread::sleep(Duration::from_millis(2));
    }
    fs::rename(world.path("out"), world.path("moved")).expect("it is moved");
    let output = child.wait_with_output().expect("it ends");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    let last = error.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: out/"), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    let records = fs::read_to_string(world.path("moved/runs.jsonl")).expect("records");
    assert!(records.ends_with('\n') && records.lines().count() < 400);
    // Nothing was recorded where no one would find it.
    assert!(!runs.exists());
}

#[track_caller]
fn assert_error_line(output: &Output, expected: &str) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().last(), Some(expected), "{error}");
}
