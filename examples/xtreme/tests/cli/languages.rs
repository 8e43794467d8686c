//! Trained on English, scored in every language.

use serde_json::{Value, json};

use crate::program::{World, data};

const XNLI: [&str; 15] = [
    "ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh",
];

/// The accuracy of a record's predictions for a set, from their file alone.
fn accuracy(world: &World, out: &str, record: &Value, set: &str) -> f64 {
    let path = record["predictions"][set].as_str().expect("a path");
    let text = world.read(&format!("{out}/{path}"));
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    let right = rows.iter().filter(|row| row[1] == row[2]).count();
    right as f64 / rows.len() as f64
}

/// The languages of a summary, with the mean score of each arm recomputed from files of predictions.
fn check(world: &World, out: &str, sets: &str, languages: &[&str]) {
    let records = world.records(out);
    let summary = world.json(&format!("{out}/summary.json"));
    let found = &summary["languages"];
    assert_eq!(found["parts"], "languages");
    let tasks = found["tasks"].as_array().expect("languages");
    assert_eq!(tasks.len(), languages.len());
    let mut means = Vec::new();
    for (language, result) in languages.iter().zip(tasks) {
        assert_eq!(result["task"], *language);
        let set = format!("{sets}-{language}");
        let mean = |arm: &str| {
            let runs = records.iter().filter(|record| record["arm"] == arm);
            let scores: Vec<f64> = runs.map(|run| accuracy(world, out, run, &set)).collect();
            assert_eq!(scores.len(), 2);
            (scores[0] + scores[1]) / 2.0
        };
        let (control, treatment) = (mean("baseline"), mean("noisytune"));
        let is = |value: &Value, expected: f64| {
            let value = value.as_f64().expect("a number");
            assert!(
                (value - expected).abs() < 1e-12,
                "{set}: {value}, {expected}"
            );
        };
        is(&result["control_scores"]["mean"], control);
        is(&result["treatment_scores"]["mean"], treatment);
        is(&result["comparison"]["paired"]["mean"], treatment - control);
        means.push(control);
    }
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let average = found["average"]["control"].as_f64().expect("a number");
    assert!((average - mean).abs() < 1e-12, "{average}, {mean}");
}

#[test]
fn xnli_is_scored_in_every_language_by_the_papers_setting_for_xtreme() {
    let world = World::new();
    let text = world.succeed(&["--task=xnli", &data("archives"), "--out=xnli"]);
    check(&world, "xnli", "test", &XNLI);
    assert!(
        text.contains("\nxnli accuracy by language in %, trained on English\n"),
        "{text}"
    );
    for language in XNLI.into_iter().chain(["mean"]) {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(&format!("{language} ")));
        assert_eq!(lines.count(), 1, "{language}: {text}");
    }
    let too_few =
        "too few pairs to tell: with 15 languages it takes at least 10 pairs of runs that differ";
    assert!(text.contains(too_few), "{text}");
    let report = world.read("xnli/report.md");
    assert!(
        report.contains("## What does each language say?"),
        "{report}"
    );
    assert_eq!(report.matches("\n| sw |").count(), 1, "{report}");

    let records = world.records("xnli");
    for record in &records {
        let settings = &record["settings"];
        assert_eq!(
            settings["headline"],
            json!({"set": "dev-en", "metric": "accuracy"})
        );
        let has_noise = record["arm"] == "noisytune";
        let (lambda, selection) = match has_noise {
            true => (json!(0.1), json!("except_token_embeddings")),
            false => (Value::Null, Value::Null),
        };
        assert_eq!(settings["lambda"], lambda);
        assert_eq!(settings["noise_selection"], selection);
        let skipped = record["noise"]["skipped"].to_string();
        assert_eq!(skipped.contains("word_embeddings"), has_noise, "{skipped}");
    }
    let out = "--out=xnli";
    world.refuse(
        &[
            "--task=xnli",
            &data("archives"),
            out,
            "--noise-selection=everything",
        ],
        1,
        &["recorded with noise selection except_token_embeddings, now it is everything"],
    );
}

#[test]
fn another_study_shows_the_headline_alone() {
    let world = World::new();
    let text = world.succeed(&[
        "--task=pawsx",
        &data("archives"),
        "--languages=de",
        "--study=lambda",
        "--lambdas=0.1",
        "--side-seeds=1",
        "--out=out",
    ]);
    assert!(text.contains("pawsx dev accuracy in %"), "{text}");
    assert!(!text.contains("test-de"), "{text}");
    assert!(!world.read("out/report.md").contains("test-de in %"));
    // Without a comparison there is no table of languages, so each has its own.
    let text = world.succeed(&[
        "--task=pawsx",
        &data("archives"),
        "--languages=de",
        "--arms=baseline",
        "--out=alone",
    ]);
    assert!(text.contains("pawsx test-de accuracy in %"), "{text}");
    assert!(world.read("alone/report.md").contains("test-de in %"));
}

#[test]
fn languages_can_be_chosen_and_scored_on_dev_where_the_download_has_no_labels() {
    let world = World::new();
    let chosen = [
        "--task=pawsx",
        "--languages=de,zh",
        "--scored=dev",
        "--predict=test",
    ];
    let download = data("download");
    let text = world.succeed(&[&chosen[..], &[&download, "--out=out"]].concat());
    // The headline's set is that of English.
    check(&world, "out", "dev", &["de", "en", "zh"]);
    assert!(!text.contains("\nko "), "{text}");
    let record = &world.records("out")[0];
    let sets: Vec<&String> = record["predictions"]
        .as_object()
        .expect("sets")
        .keys()
        .collect();
    assert_eq!(sets, ["dev-de", "dev-en", "dev-zh", "test-de", "test-zh"]);
    // The two rows that were not translated are in no set.
    let lines = |set: &str| {
        let path = record["predictions"][set].as_str().expect("a path");
        world.read(&format!("out/{path}")).lines().count()
    };
    assert_eq!((lines("dev-zh"), lines("test-zh")), (1 + 6, 1 + 5));
}
