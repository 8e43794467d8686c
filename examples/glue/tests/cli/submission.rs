//! `--submission`: the files that GLUE's server takes.

use crate::program::{World, tasks_folder};

fn data() -> String {
    tasks_folder().to_str().expect("a plain path").to_owned()
}

#[test]
fn mnli_gives_both_test_sets_and_the_diagnostic_one_in_words() {
    let world = World::new();
    let text = world.succeed(&[
        "--task=mnli",
        "--data",
        &data(),
        "--submission=sub",
        "--out=out",
    ]);
    for (file, rows) in [("MNLI-m.tsv", 4), ("MNLI-mm.tsv", 3), ("AX.tsv", 6)] {
        let submitted = world.read(&format!("sub/{file}"));
        let mut lines = submitted.lines();
        assert_eq!(lines.next(), Some("index\tprediction"), "{file}");
        for (index, line) in lines.by_ref().enumerate() {
            let (at, class) = line.split_once('\t').expect("two columns");
            assert_eq!(at, index.to_string(), "{file}");
            assert!(
                ["entailment", "neutral", "contradiction"].contains(&class),
                "{line}"
            );
        }
        assert_eq!(submitted.lines().count(), rows + 1, "{file}");
        assert!(
            text.contains(&format!("submit   sub/{file} (noisytune seed 0)\n")),
            "{text}"
        );
    }
}

#[test]
fn scores_have_three_decimals_and_classes_of_numbers_stay_numbers() {
    let world = World::new();
    world.succeed(&[
        "--task=stsb",
        "--data",
        &data(),
        "--submission=sub",
        "--out=a",
    ]);
    for line in world.read("sub/STS-B.tsv").lines().skip(1) {
        let (_, decimals) = line.split_once('.').expect("a fraction");
        assert_eq!(decimals.len(), 3, "{line}");
    }
    world.succeed(&[
        "--task=cola",
        "--data",
        &data(),
        "--submission=sub",
        "--out=b",
    ]);
    let cola = world.read("sub/CoLA.tsv");
    assert!(
        cola.lines()
            .skip(1)
            .all(|line| line.ends_with("\t0") || line.ends_with("\t1")),
        "{cola}"
    );
}

#[test]
fn the_run_named_is_submitted_else_the_last_arms_best() {
    let world = World::new();
    let train = |submit: &[&str]| {
        let study = [
            "--task=qnli",
            "--data",
            &data(),
            "--submission=sub",
            "--seeds=3",
            "--out=out",
        ];
        world.succeed(&[&study[..], submit].concat())
    };
    let by_default = train(&[]);
    let scored = |record: &serde_json::Value| {
        let score = record["epochs"][0]["evaluations"]["dev"]["accuracy"].as_f64();
        (record["arm"] == "noisytune").then(|| {
            (
                score.expect("a score"),
                record["seed"].as_u64().expect("a seed"),
            )
        })
    };
    let mut runs: Vec<(f64, u64)> = world.records("out").iter().filter_map(scored).collect();
    runs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let best = runs[0].1;
    assert!(
        by_default.contains(&format!("(noisytune seed {best})")),
        "{by_default}"
    );

    let named = train(&["--submit=baseline:1"]);
    assert!(named.contains("(baseline seed 1)"), "{named}");
    let recorded = world.read("out/predictions/baseline-seed1.test.tsv");
    assert_eq!(world.read("sub/QNLI.tsv"), recorded);
}

#[test]
fn a_submission_that_cannot_be_made_is_one_line() {
    let world = World::new();
    let study = |more: &[&str]| {
        let arguments = ["--task=rte", "--data", &data(), "--out=out"];
        [&arguments[..], more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let refuse = |more: &[&str], code, parts: &[&str]| {
        let arguments = study(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        world.refuse(&arguments, code, parts);
    };
    refuse(
        &["--submission=sub", "--submit=nobody"],
        2,
        &["no arm is named \"nobody\""],
    );
    for submit in ["mixout", "noisytune:7"] {
        let submit = format!("--submit={submit}");
        let parts = ["no run to submit; expected --submit with one of baseline:0, noisytune:0"];
        refuse(&["--submission=sub", &submit], 2, &parts);
    }
    world.write("file", "");
    refuse(&["--submission=file"], 1, &["--submission file: "]);
    assert!(!world.path("out").exists(), "nothing was trained");

    let plain = study(&[]);
    world.succeed(&plain.iter().map(String::as_str).collect::<Vec<_>>());
    refuse(
        &["--submission=sub"],
        1,
        &[
            "out/runs.jsonl:1: ",
            "was trained without predicting test; choose another folder (--out DIR), where the same command trains it again",
        ],
    );
}
