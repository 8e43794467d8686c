//! What a run prints and leaves behind.

use crate::program::{CARGO_RUN, World};

#[test]
fn a_comparison_prints_the_table_and_writes_records_summary_and_report() {
    let world = World::new();
    let output = world.run(&["--seeds", "2"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for part in [
        "baseline",
        "noisytune",
        "sst2 dev accuracy",
        "summary.json",
        "report.html",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    let runs = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    assert_eq!(runs.lines().count(), 4);
    let mut entries: Vec<String> = std::fs::read_dir(world.path("out"))
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    entries.sort();
    let expected = [
        "data.json",
        "figures",
        "plan.json",
        "predictions",
        "report.html",
        "report.md",
        "runs.jsonl",
        "study.json",
        "summary.json",
    ];
    assert_eq!(entries, expected, "no temporary file is left behind");
    let report = std::fs::read_to_string(world.path("out/report.md")).expect("the report");
    let command = format!("\n{CARGO_RUN}");
    assert!(
        report.contains(&command) && report.contains(" --seeds 2"),
        "{report}"
    );
}

#[test]
fn progress_is_plain_lines_without_a_terminal() {
    let world = World::new();
    // One after the other: of two simultaneous runs, either may end first.
    let output = world.run(&["--seeds", "1", "--jobs", "1"]);
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let [heading, note, too_few, runs @ ..] = lines.as_slice() else {
        panic!("a heading, two notes and one line per run, not: {text}");
    };
    assert_eq!(
        *note,
        "note: the checkpoint's head is left aside: `classifier.bias` [2], `classifier.weight` [2, 24]"
    );
    assert_eq!(
        *too_few,
        "note: compare: 1 pair of runs cannot show any difference, however large; it takes at least 6"
    );
    assert_eq!(
        *heading,
        "preset standard: model on data; runs 2, epochs 1, batch size 4, learning rate 5e-5, λ 0.15"
    );
    let begins = [
        "[ 1/2] baseline seed 0              dev ",
        "[ 2/2] noisytune seed 0             dev ",
    ];
    for (line, begin) in runs.iter().zip(begins) {
        assert!(line.starts_with(begin), "{text}");
    }
    assert!(
        runs[0].ends_with(" left") && !runs[1].contains("left"),
        "{text}"
    );
    assert_eq!(runs.len(), 2, "one line per run: {text}");
    assert!(!text.contains('\u{1b}'), "no escape sequence: {text}");
}

#[test]
fn quiet_prints_only_the_result_and_json_is_the_summary() {
    let world = World::new();
    let quiet = world.run(&["--seeds", "1", "--quiet"]);
    assert!(quiet.status.success());
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    let table = String::from_utf8_lossy(&quiet.stdout);
    assert!(table.starts_with("sst2 dev accuracy in %\n"), "{table}");
    let json = world.run(&["--seeds", "1", "--json"]);
    let summary = std::fs::read(world.path("out/summary.json")).expect("the summary");
    assert!(json.stdout == summary, "standard output is summary.json");
}

#[test]
fn the_same_command_again_trains_nothing_and_makes_the_report_anew() {
    let world = World::new();
    let first = world.run(&["--seeds", "1"]);
    let report = std::fs::read(world.path("out/report.html")).expect("the report");
    std::fs::remove_file(world.path("out/report.html")).expect("it goes");
    let again = world.run(&["--seeds", "1"]);
    let anew = std::fs::read(world.path("out/report.html")).expect("the report, made anew");
    assert!(report == anew, "the report of the same records is the same");
    assert_eq!(first.stdout, again.stdout);
    let text = String::from_utf8_lossy(&again.stderr);
    assert!(text.contains("2 of 2 runs are recorded already"), "{text}");
    let runs = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    assert_eq!(runs.lines().count(), 2);
}

#[test]
fn the_names_of_run_glue_are_accepted() {
    let world = World::new();
    let output = crate::program::program()
        .current_dir(world.folder.path())
        .args([
            "--model_name_or_path",
            "model",
            "--data_dir",
            "data",
            "--output_dir",
            "out",
        ])
        .args([
            "--task_name",
            "sst2",
            "--do_train",
            "--do_eval",
            "--num_train_epochs",
            "1.0",
            "--per_device_train_batch_size",
            "4",
        ])
        .args([
            "--max_seq_length",
            "32",
            "--learning_rate",
            "1e-4",
            "--weight_decay",
            "0",
        ])
        .args([
            "--warmup_ratio",
            "0.5",
            "--max_train_samples",
            "5",
            "--max_eval_samples",
            "3",
        ])
        .args([
            "--seeds",
            "1",
            "--seed",
            "9",
            "--arms",
            "noisytune",
            "--max_grad_norm",
            "2",
        ])
        .output()
        .expect("the example starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let runs = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    let record: serde_json::Value = serde_json::from_str(runs.trim()).expect("one record");
    let settings = &record["settings"];
    assert_eq!(record["seed"], 9);
    assert_eq!(settings["recipe"]["epochs"], 1);
    assert_eq!(settings["recipe"]["batch_size"], 4);
    assert_eq!(settings["recipe"]["max_length"], 32);
    assert_eq!(settings["recipe"]["learning_rate"], 1e-4);
    assert_eq!(settings["recipe"]["weight_decay"], 0.0);
    assert_eq!(settings["recipe"]["warmup_ratio"], 0.5);
    assert_eq!(settings["recipe"]["max_gradient_norm"], 2.0);
    assert_eq!(settings["train"]["used"], 5);
    assert_eq!(settings["evaluation"]["dev"]["used"], 3);
}

/// The output of the program on a terminal of 60 columns.
#[cfg(target_os = "linux")]
fn on_a_terminal(arguments: &[&str]) -> String {
    let world = World::new();
    let command = world.command(arguments);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy());
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(quoted)
        .collect();
    // util-linux's script(1) provides a terminal to the command it runs.
    let output = std::process::Command::new("script")
        .args([
            "-qec",
            &format!("stty cols 60 rows 24; {}", words.join(" ")),
            "/dev/null",
        ])
        .current_dir(world.folder.path())
        .env("TERM", "xterm")
        .output()
        .expect("script runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    // The result comes after the last cleared line.
    let end = text.rsplit("\u{1b}[2K").next().unwrap_or_default();
    assert!(
        end.contains("sst2 dev accuracy") && !end.contains("study \u{2501}"),
        "{end}"
    );
    text
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_shows_the_runs_the_scores_so_far_and_the_time_left() {
    // Of two simultaneous runs, either may end first, and both may end between two drawings of the bars.
    let in_turn = [
        "1 of 4 runs done, ",
        "step 40 of 40, loss ",
        "[ 4/4] noisytune seed 1             dev ",
    ];
    let at_once = [" of 4 runs done, ", " of 40, loss ", "[ 4/4] "];
    for (jobs, parts) in [("1", in_turn), ("2", at_once)] {
        let text = on_a_terminal(&["--seeds", "2", "--epochs", "20", "--jobs", jobs]);
        for part in [
            "mean dev accuracy in % so far (runs)",
            "baseline ",
            "study \u{2501}",
            "s left ",
            "run   \u{2501}",
            "noisytune seed 1 ",
            " examples/s, dev ",
        ]
        .into_iter()
        .chain(parts)
        {
            assert!(text.contains(part), "{jobs}: `{part}` is not in: {text}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_has_a_line_for_each_of_many_runs() {
    let text = on_a_terminal(&["--seeds", "3", "--epochs", "20", "--jobs", "6"]);
    assert!(text.contains("0 of 6 runs done, "), "{text}");
    for arm in ["baseline", "noisytune"] {
        for seed in 0..3 {
            let behind_a_bar = |bar| text.contains(&format!("{bar} {arm} seed {seed}"));
            let is_shown = ["\u{2501}", "\u{2500}", "\u{2578}"]
                .into_iter()
                .any(behind_a_bar);
            assert!(is_shown, "{arm} seed {seed} has no bar: {text}");
        }
    }
    assert!(!text.contains("step 40"), "{text}");
}

#[test]
fn half_precision_and_checkpointing_are_recorded_and_keep_other_runs_out() {
    let world = World::new();
    let options = ["--seeds=1", "--precision=bf16", "--gradient-checkpointing"];
    let output = world.run(&options);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let runs = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    for line in runs.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let recipe = &record["settings"]["recipe"];
        assert_eq!(recipe["precision"], "bf16");
        assert_eq!(recipe["gradient_checkpointing"], true);
    }
    let other = world.run(&["--seeds=1", "--precision=f16", "--gradient-checkpointing"]);
    let parts = ["recipe.precision", "bf16", "f16"];
    crate::program::assert_error(&other, 1, &parts);
}

#[test]
fn a_study_whose_every_run_failed_is_reported_and_exits_with_1() {
    let world = World::new();
    let diverging = ["--seeds", "1", "--learning-rate", "1e20", "--epochs", "2"];
    let output = world.run(&diverging);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().expect("a message");
    assert!(
        last.starts_with("error: every run failed, the first one: training diverged: "),
        "{text}"
    );
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("(1 failed)"), "{table}");
    assert!(world.path("out/report.html").is_file());
}

#[test]
fn a_run_that_diverges_in_its_only_step_leaves_a_folder_that_can_be_read() {
    let world = World::new();
    let diverging = [
        "--seeds",
        "1",
        "--learning-rate",
        "1e20",
        "--warmup-ratio",
        "0",
        "--batch-size",
        "8",
        "--json",
    ];
    let first = world.run(&diverging);
    let text = String::from_utf8_lossy(&first.stderr);
    assert_eq!(first.status.code(), Some(1), "{text}");
    let records = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    assert_eq!(records.lines().count(), 2);
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("a record");
        let reason = record["failed"].as_str().expect("it failed");
        assert!(reason.starts_with("training diverged: the "), "{reason}");
        assert!(reason.contains(" of step 0 is "), "{reason}");
        assert_eq!(record["epochs"], serde_json::json!([]));
    }
    // Nothing is trained again, and the summary is the same.
    let again = world.run(&diverging);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(again.stdout, first.stdout);
    let same = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    assert_eq!(same, records);
}

#[test]
fn a_run_that_diverges_later_names_the_parameter_with_the_largest_gradient() {
    let world = World::new();
    // Its second step meets what the first has made of the parameters.
    world.run(&[
        "--seeds",
        "1",
        "--learning-rate",
        "1e20",
        "--epochs",
        "20",
        "--warmup-ratio",
        "0",
    ]);
    let records = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    assert_eq!(records.lines().count(), 2);
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("a record");
        let reason = record["failed"].as_str().expect("it failed");
        let named = "; the largest gradient is that of ";
        assert!(reason.contains(named), "{reason}");
    }
}
