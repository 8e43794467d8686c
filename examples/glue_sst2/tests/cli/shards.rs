//! `--shard` and `--merge`: one study by several processes.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::program::{CARGO_RUN, World, assert_error, program};

/// The bundled model and a few of the bundled sentences, three pairs.
const STUDY: [&str; 8] = [
    "--seeds",
    "3",
    "--epochs",
    "1",
    "--max-train-samples",
    "64",
    "--max-eval-samples",
    "64",
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path);
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The records with all times set to 0.
fn without_times(runs: &str) -> String {
    let line = |line: &str| {
        let mut record: Value = serde_json::from_str(line).expect("a record");
        for name in ["seconds", "finished_unix"] {
            record[name] = 0.into();
        }
        record["machine"]["threads"] = 1.into();
        record["machine"]["jobs"] = 1.into();
        for epoch in record["epochs"].as_array_mut().expect("epochs") {
            epoch["train_seconds"] = 0.into();
        }
        record.to_string() + "\n"
    };
    runs.lines().map(line).collect()
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn two_processes_at_once_and_a_merge_are_one_study_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let command = |out: &str, more: &[&str]| {
        let mut command = program();
        let command = command.current_dir(folder.path());
        command.args(STUDY).args(["--out", out]).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    };
    let both = ["1/2", "2/2"].map(|shard| command("parts", &["--shard", shard, "--jobs", "2"]));
    let both = both.map(|child| child.wait_with_output().expect("it ends"));
    for (output, (shard, runs)) in both.iter().zip([("1", 4), ("2", 2)]) {
        let said = succeeded(output);
        let expected = format!(
            "shard    {shard}/2: {runs} of {runs} runs recorded\nruns     parts/runs.{shard}-of-2.jsonl\nmerge    "
        );
        assert!(said.starts_with(&expected), "{said}");
        assert!(said.ends_with(" --out parts --jobs 2 --merge\n"), "{said}");
        let said = text(&output.stderr);
        assert!(
            said.contains(&format!("shard {shard}/2: {runs} of these runs")),
            "{said}"
        );
    }
    let end = |out, more: &[&str]| command(out, more).wait_with_output().expect("it ends");
    let merged = end("parts", &["--merge"]);
    assert!(text(&merged.stderr).contains("6 runs of 2 shards merged into runs.jsonl"));
    let whole = end("whole", &[]);
    let table = |output: &Output| succeeded(output).replace("parts/", "whole/");
    assert_eq!(table(&merged), table(&whole));

    let path = |out: &str, name: &str| folder.path().join(out).join(name);
    for name in ["summary.json", "study.json", "plan.json", "data.json"] {
        assert_eq!(
            read(&path("parts", name)),
            read(&path("whole", name)),
            "{name}"
        );
    }
    let runs = |out| without_times(&read(&path(out, "runs.jsonl")));
    let sorted = |runs: String| {
        let mut lines: Vec<String> = runs.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // Of two simultaneous runs of a process, either may end first; merged, they are in the order of the plan.
    assert_eq!(sorted(runs("parts")), sorted(runs("whole")));
    let order = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("a record");
        format!("{} {}", record["seed"], record["arm"])
    };
    let order: Vec<String> = runs("parts").lines().map(order).collect();
    assert!(order.is_sorted(), "{order:?}");

    // From records without times, both make the same report, to the last byte.
    for out in ["parts", "whole"] {
        fs::write(path(out, "runs.jsonl"), runs("parts")).expect("it is written");
    }
    assert!(end("parts", &["--merge"]).status.success());
    assert!(end("whole", &[]).status.success());
    for name in ["report.html", "report.md"] {
        let report = |out| read(&path(out, name)).replace("--out parts", "--out whole");
        assert_eq!(report("parts"), report("whole"), "{name}");
    }
    let entries = |out: &str| {
        let entries = fs::read_dir(folder.path().join(out)).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    assert_eq!(entries("parts"), entries("whole"));
}

#[test]
fn a_shard_that_does_not_exist_is_refused_with_the_accepted_range() {
    let world = World::new();
    for (shard, part) in [
        ("0/4", "shard is 0/4, accepted is 1/4 to 4/4"),
        ("5/4", "shard is 5/4, accepted is 1/4 to 4/4"),
        (
            "2",
            "shard is 2, accepted is I/N such as 1/8, with I from 1 to N",
        ),
        (
            "",
            "shard is empty, accepted is I/N such as 1/8, with I from 1 to N",
        ),
        (
            "1/0",
            "shard is 1/0, accepted is I/N such as 1/8, with I from 1 to N",
        ),
    ] {
        let output = world.run(&["--shard", shard]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    }
    for other in [&["--merge"][..], &["--bench-steps", "1"]] {
        let output = world.run(&[&["--shard", "1/2"], other].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("cannot be used with"), "{said}");
    }
    assert!(!world.path("out").exists());
}

#[test]
fn a_shard_without_a_pair_says_so_and_succeeds() {
    let world = World::new();
    let said = succeeded(&world.run(&["--seeds", "2", "--shard", "3/4"]));
    assert_eq!(
        said,
        "shard    3/4: nothing to do, the study has 2 pairs of runs\n"
    );
    assert!(!world.path("out").exists());
    let said = succeeded(&world.run(&["--seeds", "2", "--shard", "3/4", "--json"]));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said["shard"], &said["runs"]), (&"3/4".into(), &0.into()));
}

#[test]
fn missing_runs_are_named_and_trained_without_merge() {
    let world = World::new();
    let study = ["--seeds", "2"];
    let error = "error: 4 of 4 runs are not recorded: baseline seed 0; noisytune seed 0; baseline seed 1; and 1 more; to train them, \
                 leave out --merge";
    let nothing = world.run(&[&study[..], &["--merge"]].concat());
    assert_error(&nothing, 1, &[error]);
    assert!(!world.path("out").exists());
    succeeded(&world.run(&[&study[..], &["--shard", "2/2"]].concat()));
    let part = "error: 2 of 4 runs are not recorded: baseline seed 0; noisytune seed 0; of shard 1/2; to train them";
    let output = world.run(&[&study[..], &["--merge"]].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(part), "{said}");
    let output = world.run(&study);
    succeeded(&output);
    let said = text(&output.stderr);
    assert!(
        said.contains("2 of 4 runs are recorded already, continuing"),
        "{said}"
    );
    assert!(world.path("out/report.html").exists());
}

#[test]
fn merging_opens_no_device() {
    let world = World::new();
    let study = ["--seeds", "2", "--device", "cuda"];
    succeeded(&world.run(&["--seeds", "2", "--shard", "1/1"]));
    // As if it had been trained on a GPU, which this build cannot open.
    let runs = world.path("out/runs.1-of-1.jsonl");
    let recorded = read(&runs);
    let other = recorded.replace("\"device\":\"flex\"", "\"device\":\"cuda:0\"");
    assert_ne!(recorded, other);
    fs::write(&runs, &other).expect("it is written");
    assert_error(&world.run(&study), 2, &["error: ", "`cuda`"]);
    let merged = world.run(&[&study[..], &["--merge"]].concat());
    succeeded(&merged);
    let said = text(&merged.stderr);
    assert!(
        said.contains("4 runs of 1 shard merged into runs.jsonl"),
        "{said}"
    );
    // Of two runs of a process at the same time, either may end first.
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&read(&world.path("out/runs.jsonl"))), sorted(&other));
}

#[test]
fn shards_of_another_number_are_refused_with_their_files() {
    let world = World::new();
    let study = ["--seeds", "2"];
    succeeded(&world.run(&[&study[..], &["--shard", "1/2"]].concat()));
    let output = world.run(&[&study[..], &["--shard", "1/3"]].concat());
    let another = "error: out: has shards of another number (runs.1-of-2.jsonl) than shard 1/3; merge them (--merge)";
    assert_error(&output, 1, &[another]);
    let parts = [
        "error: out: shards of different numbers of shards (runs.1-of-2.jsonl, runs.1-of-3.jsonl)",
        "(--merge)",
    ];
    fs::write(world.path("out/runs.1-of-3.jsonl"), "").expect("it is written");
    for more in [&[][..], &["--merge"]] {
        assert_error(&world.run(&[&study[..], more].concat()), 1, &parts[..1]);
    }
    // A file of a shard that is none.
    fs::remove_file(world.path("out/runs.1-of-3.jsonl")).expect("it goes");
    fs::write(world.path("out/runs.2-of-2.jsonl"), "{}\n").expect("it is written");
    let garbage = world.run(&[&study[..], &["--merge"]].concat());
    assert_error(
        &garbage,
        1,
        &["out/runs.2-of-2.jsonl:1: not a run record: "],
    );
}

#[test]
fn tuning_runs_that_others_lack_are_counted_and_the_same_array_again_ends_the_study() {
    let world = World::new();
    let study = [
        "--study",
        "baseline",
        "--learning-rate",
        "5e-4",
        "--learning-rates",
        "1e-4",
        "--epochs-grid",
        "1",
        "--tuning-seeds",
        "2",
        "--tuning-fraction",
        "0.5",
        "--seeds",
        "2",
    ];
    let run = |more: &[&str]| world.run(&[&study[..], more].concat());
    let output = run(&["--shard", "1/2"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap_or_default();
    let begin = format!(
        "error: 2 tuning runs of other shards are not recorded yet, by which recipes are chosen; once they are, start this shard \
         again: {CARGO_RUN}"
    );
    assert!(
        last.starts_with(&begin) && last.ends_with(" --shard 1/2"),
        "{said}"
    );
    // The noisy arm's best recipe may be the baseline's, and is, where the grid has one point.
    assert!(said.contains("; runs up to 10, "), "{said}");
    assert!(said.contains("shard 1/2: up to 5 of these runs"), "{said}");
    let note = "note: --learning-rate trains no run: --study baseline takes --learning-rates";
    assert!(said.contains(note), "{said}");
    let output = run(&["--shard", "2/2"]);
    let said = text(&output.stderr);
    let chosen = "recipes are chosen; some coincide, so 4 of the 5 runs are left";
    assert!(said.contains(chosen), "{said}");
    assert!(succeeded(&output).starts_with("shard    2/2: 4 of 4 runs recorded\n"));
    let output = run(&["--shard", "1/2"]);
    let said = text(&output.stderr);
    assert!(said.contains("; runs 8, "), "{said}");
    assert!(said.contains("shard 1/2: 4 of these runs"), "{said}");
    assert!(said.contains("2 of 4 runs are recorded already"), "{said}");
    assert!(succeeded(&output).starts_with("shard    1/2: 4 of 4 runs recorded\n"));
    succeeded(&run(&["--merge"]));
    let runs = read(&world.path("out/runs.jsonl"));
    assert_eq!(runs.lines().count(), 8);
}
