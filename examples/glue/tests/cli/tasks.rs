//! `--task`: one, or all.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{World, tasks_folder};

const TASKS: [&str; 9] = [
    "cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli",
];

/// Task, set, metric and score of every record in a folder of tasks' folders.
fn scores(world: &World, task: &str) -> BTreeMap<(String, String), f64> {
    let record = &world.records(&format!("all/{task}"))[0];
    let evaluations = record["epochs"][0]["evaluations"].as_object();
    let mut scores = BTreeMap::new();
    for (set, evaluation) in evaluations.expect("sets") {
        for (name, score) in evaluation.as_object().expect("metrics") {
            let score = score.as_f64().expect("a number");
            scores.insert((set.clone(), name.clone()), score);
        }
    }
    scores
}

/// Copies two tasks into the folder `some`.
fn copy_rte_and_wnli(world: &World) {
    for task in ["RTE", "WNLI"] {
        fs::create_dir_all(world.path(&format!("some/{task}"))).expect("a folder");
        for file in ["train.tsv", "dev.tsv"] {
            let from = tasks_folder().join(task).join(file);
            fs::copy(from, world.path(&format!("some/{task}/{file}"))).expect("a copy");
        }
    }
}

#[test]
fn every_task_of_glue_runs_and_the_papers_table_stands_beside_them() {
    let world = World::new();
    let data = tasks_folder();
    let data = data.to_str().expect("a plain path");
    let text = world.succeed(&["--task=all", "--data", data, "--seeds=2", "--out=all"]);
    let summary = world.json("all/benchmark.json");
    let ran: Vec<&str> = (summary["tasks"].as_array().expect("tasks").iter())
        .map(|task| task["task"].as_str().expect("a name"))
        .collect();
    assert_eq!(ran, TASKS);
    for task in TASKS {
        assert!(text.contains(&format!("\n{task} ")), "{task}: {text}");
        assert!(world.path(&format!("all/{task}/report.html")).exists());
    }
    let report = world.read("all/report.md");
    for row in [
        "| paper | BERT | 84.4 | 91.5 |",
        "| paper | ELECTRA + NoisyTune | 88.7 |",
    ] {
        assert!(report.contains(row), "{report}");
    }
    assert!(!report.contains("not run"));
    assert!(world.read("all/report.html").contains("NoisyTune on GLUE"));
}

#[test]
fn sets_and_metrics_are_those_of_the_task_and_summaries_hold_all() {
    let world = World::new();
    let data = tasks_folder();
    let data = data.to_str().expect("a plain path");
    world.succeed(&["--task=mnli", "--data", data, "--out=all/mnli"]);
    world.succeed(&["--task=mrpc", "--data", data, "--out=all/mrpc"]);
    world.succeed(&["--task=stsb", "--data", data, "--out=all/stsb"]);
    for (task, expected) in [
        (
            "mnli",
            &[("dev_matched", "accuracy"), ("dev_mismatched", "accuracy")][..],
        ),
        ("mrpc", &[("dev", "accuracy"), ("dev", "f1")]),
        ("stsb", &[("dev", "pearson"), ("dev", "spearmanr")]),
    ] {
        let mut found: Vec<(String, String)> = scores(&world, task).into_keys().collect();
        found.retain(|(_, metric)| metric != "loss");
        let expected = expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{task}");

        let summary = world.json(&format!("all/{task}/summary.json"));
        let others = &summary["studies"][0]["points"][0]["others"];
        let (set, metric) = &found[1];
        assert_eq!(others[0]["set"], set.as_str(), "{task}");
        assert_eq!(others[0]["metric"], metric.as_str(), "{task}");
        let score = others[0]["scores"]["values"][0]["value"].as_f64();
        assert_eq!(
            score,
            scores(&world, task).get(&found[1]).copied(),
            "{task}"
        );
        let paired = &summary["studies"][0]["points"][1]["others"][0]["comparison"]["paired"];
        assert_eq!(paired["n"], 1, "{task}");
    }
}

/// The metrics of the record from the file of predictions alone.
#[test]
fn the_files_of_predictions_give_the_recorded_scores() {
    let world = World::new();
    let data = tasks_folder();
    world.succeed(&[
        "--task=mnli",
        "--data",
        data.to_str().expect("plain"),
        "--out=all/mnli",
    ]);
    let record = &world.records("all/mnli")[0];
    for set in ["dev_matched", "dev_mismatched"] {
        let path = record["predictions"][set].as_str().expect("a path");
        let text = world.read(&format!("all/mnli/{path}"));
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip(1)
            .map(|line| line.split('\t').collect())
            .collect();
        let right = rows.iter().filter(|row| row[1] == row[2]).count();
        assert!(
            rows.iter()
                .all(|row| ["entailment", "neutral", "contradiction"].contains(&row[1]))
        );
        let accuracy = right as f64 / rows.len() as f64;
        let recorded = scores(&world, "mnli")[&(set.to_owned(), "accuracy".to_owned())];
        assert_eq!(accuracy, recorded, "{set}");
    }
}

#[test]
fn tasks_that_are_not_there_are_said_not_to_have_run() {
    let world = World::new();
    copy_rte_and_wnli(&world);
    world.succeed(&["--task=all", "--data=some", "--out=all"]);
    let report = world.read("all/report.md");
    assert!(report.contains("| cola | not run |"), "{report}");
    let here = report
        .lines()
        .find(|line| line.starts_with("| here |"))
        .expect("our row");
    assert_eq!(here.matches("not run").count(), 7, "{here}");
    let average: Value = world.json("all/benchmark.json")["average"]["control"].clone();
    let mean = |task: &str| {
        let record = &world.records(&format!("all/{task}"))[0];
        record["epochs"][0]["evaluations"]["dev"]["accuracy"]
            .as_f64()
            .expect("a score")
    };
    assert_eq!(average.as_f64(), Some((mean("rte") + mean("wnli")) / 2.0));
}

#[test]
fn every_task_may_have_the_recipe_that_was_tuned_for_it() {
    let world = World::new();
    copy_rte_and_wnli(&world);
    let grid = [
        "--learning-rates=1e-3",
        "--epochs-grid=1",
        "--tuning-seeds=1",
        "--tuning-fraction=0.4",
    ];
    let mut arguments = vec![
        "--task=all",
        "--data=some",
        "--seeds=2",
        "--out=all",
        "--study=baseline",
    ];
    arguments.extend(grid);
    let text = world.succeed(&arguments);
    let summary = world.json("all/benchmark.json");
    for (at, task) in ["rte", "wnli"].into_iter().enumerate() {
        let found = &summary["tasks"][at];
        assert_eq!(found["task"], task);
        assert_eq!(found["control"], "baseline at its best");
        assert_eq!(found["treatment"], "noisytune at the baseline's best");
        assert_eq!(found["comparison"]["paired"]["n"], 2);
        assert!(text.contains(&format!("\n{task} ")), "{task}: {text}");
    }
}

#[test]
fn a_shard_of_all_tasks_has_its_share_of_each() {
    let world = World::new();
    copy_rte_and_wnli(&world);
    let all = ["--task=all", "--data=some", "--seeds=2"];
    let whole = world.succeed(&[&all[..], &["--out=whole"]].concat());
    for shard in ["--shard=1/2", "--shard=2/2"] {
        let text = world.succeed(&[&all[..], &["--out=parts", shard]].concat());
        assert_eq!(text.matches(": 2 of 2 runs recorded").count(), 2, "{text}");
        assert!(!world.path("parts/benchmark.json").exists());
    }
    let text = world.succeed(&[&all[..], &["--out=parts", "--merge"]].concat());
    assert_eq!(text.replace("parts/", "whole/"), whole);
    assert_eq!(
        world.read("parts/benchmark.json"),
        world.read("whole/benchmark.json")
    );
}

#[test]
fn a_signal_in_a_later_task_finishes_the_step_too() {
    let world = World::new();
    copy_rte_and_wnli(&world);
    let text = world.read("some/WNLI/train.tsv");
    let (heading, rows) = text.split_once('\n').expect("a heading");
    // It trains until it is stopped.
    world.write(
        "some/WNLI/train.tsv",
        &format!("{heading}\n{}", rows.repeat(10_000)),
    );
    let mut command = world.command(&["--task=all", "--data=some", "--out=all"]);
    let running = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let started = Instant::now();
    while !world.path("all/wnli/study.json").exists() {
        assert!(started.elapsed() < Duration::from_secs(1500));
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = running.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status();
    assert!(sent.expect("kill starts").success());
    let output = running.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{text}");
    let last = text.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("stopped: finished runs are in all"),
        "{text}"
    );
}

#[test]
fn every_task_that_lacks_runs_is_named_and_none_is_merged() {
    let world = World::new();
    copy_rte_and_wnli(&world);
    let all = ["--task=all", "--data=some", "--seeds=2", "--out=parts"];
    let merge = [&all[..], &["--merge"]].concat();
    let nothing =
        "error: runs are not recorded: rte: 4 of 4; wnli: 4 of 4; to train them, leave out --merge";
    world.refuse(&merge, 1, &[nothing]);
    assert!(!world.path("parts").exists());
    let rte = ["--task=rte", "--data=some", "--seeds=2", "--out=parts/rte"];
    for shard in ["--shard=1/2", "--shard=2/2"] {
        world.succeed(&[&rte[..], &[shard]].concat());
    }
    world.succeed(&[&all[..], &["--shard=1/2"]].concat());
    let half = "error: runs are not recorded: wnli: 2 of 4, of shard 2/2; to train them, leave out --merge";
    world.refuse(&merge, 1, &[half]);
    // What could have been merged has stayed where it was.
    assert!(world.path("parts/rte/runs.1-of-2.jsonl").exists());
    assert!(!world.path("parts/rte/runs.jsonl").exists());
}

#[test]
fn a_damaged_file_is_found_before_the_first_task_is_trained() {
    let world = World::new();
    copy_rte_and_wnli(&world);
    world.write(
        "some/WNLI/dev.tsv",
        "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t7\n",
    );
    world.refuse(
        &["--task=all", "--data=some"],
        1,
        &["some/WNLI/dev.tsv:2", "\"7\""],
    );
    assert!(!world.path("out").exists());
}

#[test]
fn a_folder_of_tasks_serves_a_single_task_too() {
    let world = World::new();
    let data = tasks_folder();
    let text = world.succeed(&[
        "--task_name",
        "RTE",
        "--data",
        data.to_str().expect("plain"),
        "--do_train",
        "True",
        "--do_eval=true",
    ]);
    assert!(text.contains("data     tsv/RTE\n"), "{text}");
    assert!(world.path("out/glue/rte/summary.json").exists());
}

#[test]
fn a_tasks_folder_may_be_in_small_letters() {
    let world = World::new();
    copy_rte_and_wnli(&world);
    fs::rename(world.path("some/RTE"), world.path("some/rte")).expect("a folder");
    let text = world.succeed(&["--task=rte", "--data=some", "--out=one"]);
    assert!(text.contains("data     some/rte\n"), "{text}");
    world.succeed(&["--task=all", "--data=some", "--out=all"]);
    for task in ["rte", "wnli"] {
        assert!(world.path(&format!("all/{task}/summary.json")).exists());
    }
}

#[test]
fn the_help_speaks_of_no_single_task() {
    let world = World::new();
    let help = world.succeed(&["--help"]);
    assert!(help.contains("--preset"), "{help}");
    assert!(!help.contains("SST-2"), "{help}");
}

#[test]
fn what_cannot_run_is_one_line_with_what_to_do() {
    let world = World::new();
    let data = tasks_folder();
    let rte = data.join("RTE");
    let [data, rte] = [&data, &rte].map(|path| path.to_str().expect("a plain path"));
    for (arguments, code, parts) in [
        (
            &["--task=cola", "--data", rte][..],
            1,
            &["RTE/train.tsv:1", "is the header of RTE/train.tsv"][..],
        ),
        (
            &["--task=rte", "--data=bundled"],
            2,
            &["--data bundled has sentences for sst2 alone"],
        ),
        (
            &["--task=all", "--data=bundled"],
            2,
            &["--data bundled has a single task"],
        ),
        (
            &["--task=all", "--data", rte],
            1,
            &["RTE: no task of GLUE; expected folders such as CoLA"],
        ),
        (
            &["--task=all", "--data", data, "--arms=baseline"],
            2,
            &["expected --study compare or baseline, and at least two --arms"],
        ),
        (
            &["--task=all", "--data=."],
            1,
            &["no task of GLUE; expected folders such as CoLA"],
        ),
        (
            &["--task=all", "--data", data, "--bench-steps=1"],
            2,
            &["--bench-steps times a single task"],
        ),
        (
            &["--task=rte", "--data", data, "--do_train", "False"],
            2,
            &["--do_train is on if it is there", "every run is trained"],
        ),
        (
            &["--task=rt", "--data", data],
            2,
            &[
                "invalid value 'rt' for '--task",
                "expected one of cola",
                "'rte'",
            ],
        ),
        (
            &["--task=rte", "--data", data, "--sead=1"],
            2,
            &["unexpected argument '--sead'", "'--seed"],
        ),
        (
            &[],
            2,
            &[
                "required arguments were not provided",
                "--task",
                "see --help",
            ],
        ),
        (
            &["--task=rte", "--data", data, "--predict=dev2"],
            2,
            &["--predict dev2", "expected one of dev, test"],
        ),
        (
            &["--task=rte", "--data", data, "--predict=test,dev,test"],
            2,
            &["--predict gives test twice; expected it once"],
        ),
    ] {
        world.refuse(arguments, code, parts);
        assert!(
            !world.path("out").exists(),
            "{arguments:?} leaves something behind"
        );
    }
}
