//! Models that can predict, and others.

use serde_json::json;

use crate::program::{Printed, World, are_close, family, keep_one_output, overflow, pretrained};

/// Every family of encoders.
const FAMILIES: [&str; 9] = [
    "bert",
    "deberta",
    "deberta_own",
    "distilbert",
    "electra",
    "modernbert",
    "roberta",
    "xlm_roberta",
    "xlnet",
];

fn run(world: &World, model: &std::path::Path, arguments: &[&str]) -> Printed {
    Printed::of(
        world
            .command_for(model, arguments)
            .output()
            .expect("it starts"),
    )
}

#[test]
fn every_family_predicts_the_same_alone_and_among_others() {
    let world = World::new();
    let texts = [
        "a film",
        "the film was not good at all, and far too long",
        "",
        "good",
    ];
    for name in FAMILIES {
        let model = family(name);
        let together = run(&world, &model, &texts).lines();
        for (text, line) in texts.iter().zip(&together) {
            let alone = run(&world, &model, &[text]).lines();
            assert_eq!(line["logits"].as_array().map(Vec::len), Some(3), "{name}");
            are_close(line, &alone[0]);
        }
    }
}

#[test]
fn a_folder_that_is_no_snapshot_is_refused() {
    let world = World::new();
    std::fs::create_dir(world.path("empty")).expect("a folder");
    run(&world, &world.path("empty"), &["a"]).refusal(1, &["empty"]);
    run(&world, &world.path("nowhere"), &["a"]).refusal(1, &["nowhere", "config.json"]);
}

#[test]
fn a_model_without_a_head_is_refused() {
    let world = World::new();
    let printed = run(&world, &pretrained(), &["a"]);
    printed.refusal(
        1,
        &["film-bert-3x192", "predicts nothing: finetune it first"],
    );
}

#[test]
fn labels_that_do_not_fit_the_head_are_refused() {
    let world = World::new();
    for (labels, part) in [
        (
            json!({"0": "a", "1": "b", "2": "c"}),
            "the number of labels in id2label is 3, accepted is 2",
        ),
        (
            json!({"0": "a"}),
            "the number of labels in id2label is 1, accepted is 2",
        ),
        (
            json!({"1": "a", "2": "b"}),
            "accepted are the numbers from 0",
        ),
    ] {
        let model = world.model(|config| config["id2label"] = labels.clone());
        run(&world, &model, &["a"]).refusal(1, &["config.json", part]);
    }
    let model = world.model(|config| config["problem_type"] = json!("multi_label_classification"));
    run(&world, &model, &["a"]).refusal(1, &["config.json", "multi_label_classification"]);
}

#[test]
fn a_head_of_one_output_predicts_a_number() {
    let world = World::new();
    let model = world.model(|config| config["id2label"] = json!({"0": "LABEL_0"}));
    keep_one_output(&model.join("model.safetensors"));
    let lines = run(&world, &model, &["a film"]).lines();
    assert!(lines[0]["label"].is_null(), "{}", lines[0]);
    assert_eq!(lines[0]["logits"], json!([lines[0]["score"]]));
    let both = world.model(|_| {});
    let of_both = run(&world, &both, &["a film"]).lines();
    let [alone, first] = [&lines, &of_both].map(|lines| lines[0]["logits"][0].as_f64());
    // f32 sums in another order.
    assert!((alone.expect("a number") - first.expect("a number")).abs() <= 1e-5);
}

#[test]
fn logits_that_are_no_numbers_are_refused_with_their_text() {
    let world = World::new();
    let model = world.model(|_| {});
    overflow(&model.join("model.safetensors"));
    world.write("texts.txt", "a film\n");
    let printed = run(&world, &model, &["--input", "texts.txt"]);
    printed.refusal(1, &["texts.txt:1: the model computes the logits [", "inf"]);
    assert_eq!(printed.out, "");
}

#[test]
fn model_max_length_is_the_default() {
    let world = World::new();
    let model = world.model(|_| {});
    let settings = model.join("tokenizer_config.json");
    for (length, most) in [("7", 7), ("1000", 48), ("1e30", 48)] {
        std::fs::write(&settings, format!("{{\"model_max_length\":{length}}}")).expect("a file");
        let printed = run(&world, &model, &["film ".repeat(100).as_str()]);
        let said = format!("1 of 1 text longer than {most} tokens, and cut\n");
        assert_eq!(printed.errors, said, "{length}");
    }
}
