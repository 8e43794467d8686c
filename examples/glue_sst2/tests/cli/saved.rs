//! `--save-model`: finetuned models that leave the study's folder.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::World;

const TWO_SEEDS: [&str; 4] = ["--seeds", "2", "--jobs", "1"];

/// The folders of saved models, sorted.
fn models(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path("out/models")).expect("a folder");
    let mut models: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    models.sort();
    models
}

fn out_and_err(output: &std::process::Output) -> (String, String) {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{err}");
    (out.into_owned(), err.into_owned())
}

#[test]
fn the_best_models_are_named_and_the_choice_is_said_to_flatter() {
    let world = World::new();
    let (out, _) = out_and_err(&world.run(&[&TWO_SEEDS[..], &["--save-model", "best"]].concat()));
    let models = models(&world);
    assert_eq!(models.len(), 2, "{models:?}");
    for model in &models {
        let name = model.file_name().expect("a name").to_string_lossy();
        assert!(
            out.contains(&format!("\nsaved    out/models/{name} (dev ")),
            "{out}"
        );
        let report = fs::read_to_string(world.path("out/report.md")).expect("the report");
        assert!(report.contains(&format!("models/{name}")), "{report}");
        let card = fs::read_to_string(model.join("README.md")).expect("a card");
        assert!(card.contains("--save-model best"), "the command: {card}");
    }
    assert!(
        out.contains("chosen by its dev score, which flatters that score"),
        "{out}"
    );

    // The model is one to train on again, its labels known by name.
    let model = models[1].to_str().expect("text");
    let more = ["--seeds", "1", "--model", model, "--head", "checkpoint"];
    let (_, err) = out_and_err(&World::new().run(&more));
    assert!(
        err.contains("its labels negative, positive are matched by name"),
        "{err}"
    );
}

#[test]
fn runs_without_their_models_are_said_in_one_line() {
    let world = World::new();
    out_and_err(&world.run(&TWO_SEEDS));
    for (which, part) in [
        (
            "all",
            "baseline seed 0; noisytune seed 0; baseline seed 1; and 1 more: recorded already, and no model is there to save",
        ),
        (
            "best",
            "the best of its arm so far, recorded already, and no model is there to save",
        ),
    ] {
        let (out, err) =
            out_and_err(&world.run(&[&TWO_SEEDS[..], &["--save-model", which]].concat()));
        let notes: Vec<&str> = err
            .lines()
            .filter(|line| line.contains("no model is there to save"))
            .collect();
        assert_eq!(notes.len(), 1, "{err}");
        assert!(notes[0].contains(part), "{err}");
        assert_eq!(
            out.contains("no model of it is saved"),
            which == "best",
            "{out}"
        );
        assert!(models(&world).is_empty());
    }
}

#[test]
fn weights_have_the_type_and_the_file_that_are_asked_for() {
    let world = World::new();
    let one = ["--seeds", "1", "--arms", "baseline", "--save-model", "all"];
    out_and_err(&world.run(&[&one[..], &["--save-dtype", "bf16"]].concat()));
    let model = world.path("out/models/baseline-seed0");
    let config = fs::read_to_string(model.join("config.json")).expect("a file");
    let config: Value = serde_json::from_str(&config).expect("JSON");
    assert_eq!(config["dtype"], "bfloat16");
    let half = fs::metadata(model.join("model.safetensors"))
        .expect("weights")
        .len();
    let whole = fs::metadata(world.path("model/model.safetensors"))
        .expect("weights")
        .len();
    assert!(half < whole * 6 / 10, "{half} of {whole} bytes");

    let world = World::new();
    out_and_err(&world.run(&[&one[..], &["--save-format", "burnpack"]].concat()));
    let model = world.path("out/models/baseline-seed0");
    assert!(model.join("model.bpk").exists() && !model.join("model.safetensors").exists());

    let error = world.run(&["--save-dtype", "f16"]);
    assert_eq!(
        error.status.code(),
        Some(2),
        "without --save-model it says nothing"
    );
}

#[test]
fn a_place_that_cannot_be_written_is_one_line_and_recorded_runs_stay() {
    let world = World::new();
    out_and_err(&world.run(&["--seeds", "1"]));
    let before = fs::read(world.path("out/runs.jsonl")).expect("records");
    fs::write(world.path("out/models"), "").expect("a file");
    let output = world.run(&["--seeds", "2", "--save-model", "best"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().expect("a line");
    assert!(last.starts_with("error: out/models: "), "{text}");
    assert_eq!(
        fs::read(world.path("out/runs.jsonl")).expect("records"),
        before
    );
}

/// With room for records but not for a model, as on a full disk.
#[test]
#[cfg(unix)]
fn a_full_disk_is_one_line_and_leaves_no_half_of_a_model() {
    let world = World::new();
    let weights = fs::metadata(world.path("model/model.safetensors"))
        .expect("weights")
        .len();
    let arguments = ["--seeds", "1", "--arms", "baseline", "--save-model", "all"];
    let output = crate::bad_out::limited(&world, &arguments, weights as usize / 2048);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let expected = "error: out/models/baseline-seed0/model.safetensors: cannot be written: File too large (os error 27)";
    assert_eq!(text.lines().last(), Some(expected), "{text}");
    assert!(models(&world).is_empty());
    assert_eq!(
        fs::read(world.path("out/runs.jsonl")).expect("no record yet"),
        b""
    );
    // With room again, the same command saves it.
    out_and_err(&world.run(&arguments));
    assert_eq!(models(&world).len(), 1);
}
