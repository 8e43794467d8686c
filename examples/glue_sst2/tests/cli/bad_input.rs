//! Each wrong input is one line with the place, the value and what is accepted.

use std::fs;

use crate::program::{World, assert_error};

#[test]
fn a_missing_snapshot_is_named_with_what_belongs_in_it() {
    let world = World::new();
    fs::remove_dir_all(world.path("model")).expect("it was there");
    assert_error(
        &world.run(&[]),
        1,
        &["model", "no such folder", "model.safetensors"],
    );
}

#[test]
fn a_missing_data_folder_is_named() {
    let world = World::new();
    fs::remove_dir_all(world.path("data")).expect("it was there");
    assert_error(&world.run(&[]), 1, &["data", "train.tsv"]);
}

#[test]
fn a_wrong_label_is_named_by_file_and_line() {
    let world = World::new();
    fs::write(
        world.path("data/dev.tsv"),
        "sentence\tlabel\nfine\t1\nbad\t2\n",
    )
    .expect("a file");
    assert_error(&world.run(&[]), 1, &["dev.tsv:3", "2"]);
}

#[test]
fn a_ragged_row_is_named_by_file_and_line() {
    let world = World::new();
    fs::write(world.path("data/train.tsv"), "sentence\tlabel\nfine\n").expect("a file");
    assert_error(&world.run(&[]), 1, &["train.tsv:2"]);
}

#[test]
fn an_empty_file_is_named() {
    let world = World::new();
    fs::write(world.path("data/train.tsv"), "").expect("a file");
    assert_error(&world.run(&[]), 1, &["train.tsv"]);
}

#[test]
fn another_model_type_is_refused() {
    let world = World::new();
    let path = world.path("model/config.json");
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(&path, text.replace("\"bert\"", "\"gpt2\"")).expect("a file");
    assert_error(
        &world.run(&[]),
        1,
        &["config.json", "model_type is `gpt2`", "accepted is `bert`"],
    );
}

#[test]
fn a_truncated_weight_file_is_refused() {
    let world = World::new();
    let path = world.path("model/model.safetensors");
    let bytes = fs::read(&path).expect("a file");
    fs::write(&path, &bytes[..bytes.len() - 100]).expect("a file");
    assert_error(
        &world.run(&[]),
        1,
        &["model.safetensors", "not a complete safetensors file"],
    );
}

#[test]
fn a_corrupt_weight_file_is_refused() {
    let world = World::new();
    fs::write(world.path("model/model.safetensors"), [255; 64]).expect("a file");
    assert_error(&world.run(&[]), 1, &["model.safetensors"]);
}

#[test]
fn weights_that_take_no_noise_are_not_the_fault_of_the_arguments() {
    let world = World::new();
    let path = world.path("model/model.safetensors");
    let mut bytes = fs::read(&path).expect("a file");
    let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
    bytes[8 + header as usize..].fill(0);
    fs::write(&path, bytes).expect("a file");
    let output = world.run(&["--seeds", "1", "--jobs", "1", "--quiet"]);
    assert_error(&output, 1, &["no parameter was perturbed"]);
    let records = fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    assert_eq!(records.lines().count(), 1, "the baseline needs no noise");
}

#[test]
fn a_vocabulary_that_does_not_fit_the_embeddings_is_refused() {
    let world = World::new();
    let path = world.path("model/config.json");
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(
        &path,
        text.replace("\"vocab_size\": 233", "\"vocab_size\": 100"),
    )
    .expect("a file");
    assert_error(&world.run(&[]), 1, &["tokenizer.json", "100"]);
}

#[test]
fn values_out_of_range_are_usage_errors() {
    let world = World::new();
    for (option, value, part) in [
        ("--lambda", "-0.1", "-0.1"),
        ("--lambda", "NaN", "NaN"),
        ("--seeds", "0", "seeds is 0"),
        ("--jobs", "0", "jobs is 0, accepted is at least 1"),
        (
            "--checkpoint-minutes",
            "-1",
            "expected a number of minutes from 0",
        ),
        ("--epochs", "0", "epochs is 0"),
        ("--batch-size", "0", "batch size is 0"),
        ("--grad-accumulation", "0", "gradient accumulation is 0"),
        ("--learning-rate", "-1", "learning rate is -1"),
        ("--warmup-ratio", "2", "warmup ratio is 2"),
        ("--weight-decay", "-1", "weight decay is -1"),
        ("--max-train-samples", "0", "max train samples is 0"),
        ("--bench-steps", "0", "bench steps is 0"),
        ("--bench-noise", "0", "bench noise is 0"),
        ("--max-length", "3", "max length is 3"),
        ("--max-length", "1000", "max length is 1000"),
    ] {
        assert_error(&world.run(&[option, value]), 2, &[part]);
    }
    assert!(!world.path("out").exists(), "nothing was written");
}

#[test]
fn a_default_device_that_burn_would_panic_at_is_refused() {
    let world = World::new();
    let output = |default| {
        let mut command = world.command(&["--seeds", "1"]);
        command
            .env("BURN_DEVICE", default)
            .output()
            .expect("it starts")
    };
    let said = ["BURN_DEVICE is `vulkan`, expected it unset or one of flex"];
    assert_error(&output("vulkan"), 2, &said);
    assert!(!world.path("out").exists(), "nothing was written");
    assert!(output("Flex").status.success());
}

#[test]
fn several_runs_at_a_time_need_a_device_that_is_the_processor() {
    let world = World::new();
    let output = world.run(&["--jobs", "2", "--device", "wgpu"]);
    assert_error(&output, 2, &["jobs is 2, accepted is 1 on wgpu"]);
    assert!(!world.path("out").exists(), "nothing was written");
}

#[test]
fn an_unknown_name_is_a_usage_error_with_the_known_ones_and_the_nearest() {
    let world = World::new();
    for (option, value, known, nearest) in [
        ("--study", "lamda", "compare, lambda, noise-kind", "lambda"),
        (
            "--study",
            "compare,data",
            "data-size, l1-change",
            "data-size",
        ),
        (
            "--arms",
            "baseline,noisytoon",
            "gaussian-matched",
            "noisytune",
        ),
        ("--preset", "standart", "quick, standard, paper", "standard"),
    ] {
        let wrong = value.rsplit(',').next().unwrap_or(value);
        let invalid = format!("invalid value '{wrong}' for '{option}");
        let nearest = format!("'{nearest}'");
        let parts = [invalid.as_str(), known, "similar value", &nearest];
        assert_error(&world.run(&[option, value]), 2, &parts);
    }
    for (option, value) in [("--device", "tpu"), ("--seeds", "many")] {
        assert_error(&world.run(&[option, value]), 2, &[value]);
    }
    assert!(!world.path("out").exists(), "nothing was written");
}

#[test]
fn an_option_of_run_glue_without_meaning_here_is_refused_with_what_to_use() {
    let world = World::new();
    for (options, part) in [
        (&["--max_predict_samples=9"][..], "every row is predicted"),
        (&["--overwrite_output_dir"], "choose another --output_dir"),
        (&["--per_device_eval_batch_size", "8"], "leave it out"),
        (&["--logging_steps=10"], "progress is shown"),
        (&["--save_steps", "10"], "use --save-model best"),
        (&["--train_file", "a.csv"], "cargo run --example glue"),
    ] {
        let parts = [options[0].split('=').next().unwrap_or_default(), part];
        assert_error(&world.run(options), 2, &parts);
    }
    assert!(!world.path("out").exists(), "nothing was written");
}

#[test]
fn a_name_that_transformers_takes_is_answered_with_ours() {
    let world = World::new();
    for (model, answer) in [
        (
            "bert-base-uncased",
            "--model hf:google-bert/bert-base-uncased",
        ),
        ("prajjwal1/bert-tiny", "--model hf:prajjwal1/bert-tiny"),
    ] {
        let output = world.run(&["--model", model]);
        assert_error(&output, 1, &["no such folder", "model.safetensors", answer]);
    }
    let output = world.run(&["--data", "sst2"]);
    assert_error(
        &output,
        1,
        &["no such folder", "train.tsv", "--data hf:sst2"],
    );
    // A path is not a name.
    let output = world.run(&["--model", "./bert-base-uncased"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("hf:"), "{text}");
}

#[cfg(not(feature = "rocm"))]
#[test]
fn a_device_that_is_not_compiled_in_comes_with_the_command_that_adds_it() {
    let world = World::new();
    let parts = [
        "device `rocm:1`: this build lacks the feature `rocm`; to add it, run: cargo run --example glue_sst2",
        "--features rocm -- --out out",
        "--device rocm:1",
    ];
    assert_error(&world.run(&["--device", "rocm:1"]), 2, &parts);
    assert!(!world.path("out").exists(), "nothing was written");
}

#[test]
fn the_list_of_devices_has_every_backend_and_starts_nothing() {
    let world = World::new();
    let output = world.run(&["--list-devices"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for backend in ["flex", "ndarray", "wgpu", "cuda", "rocm", "cpu"] {
        let count = text
            .lines()
            .filter(|line| line.starts_with(backend))
            .count();
        assert!(count >= 1, "{backend}: {text}");
    }
    assert!(!world.path("out").exists(), "nothing was written");
}

#[test]
fn an_out_that_cannot_be_written_is_refused_before_training() {
    let world = World::new();
    fs::write(world.path("out"), "a file").expect("a file");
    assert_error(&world.run(&[]), 1, &["out"]);
    assert_eq!(fs::read(world.path("out")).expect("it stays"), b"a file");
}
