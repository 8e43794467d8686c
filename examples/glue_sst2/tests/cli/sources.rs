//! `--model` and `--data`: bundled files, and downloads from the hub.

use std::path::{Path, PathBuf};

use crate::program::{World, assert_error, program};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_bundled_data_is_found_from_any_directory() {
    let world = World::new();
    let output = world.run(&[
        "--data",
        "bundled",
        "--max-train-samples",
        "8",
        "--max-eval-samples",
        "4",
        "--seeds",
        "1",
        "--arms",
        "baseline",
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("data     film-notes\n"), "{text}");
    let runs = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
    let record: serde_json::Value = serde_json::from_str(runs.trim()).expect("one record");
    let manifest = repository().join("datasets/film-notes/SHA256SUMS");
    let manifest = std::fs::read_to_string(manifest).expect("hashes");
    let settings = &record["settings"];
    for (rows, file) in [
        (&settings["train"], "train.tsv"),
        (&settings["evaluation"]["dev"], "dev.tsv"),
    ] {
        let hash = rows["sha256"].as_str().expect("text");
        assert!(manifest.contains(&format!("{hash}  {file}\n")), "{file}");
    }
}

#[test]
fn a_folder_is_named_by_its_last_part() {
    let world = World::new();
    let output = world.run(&["--seeds", "1", "--arms", "baseline"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("model    model\ndata     data\n"), "{text}");
}

#[test]
#[cfg(not(feature = "hub"))]
fn without_downloads_it_gives_the_command_that_adds_them() {
    let output = program()
        .args(["--model", "hf:google-bert/bert-base-uncased"])
        .args(["--data", "bundled", "--out", "my runs"])
        .output()
        .expect("it starts");
    let command = "cargo run --example glue_sst2 --features hub -- \
                   --model hf:google-bert/bert-base-uncased --data bundled --out 'my runs'";
    assert_error(
        &output,
        2,
        &["--model hf:google-bert/bert-base-uncased", command],
    );
}

#[cfg(feature = "hub")]
#[path = "../../../../crates/hub/tests/server/mod.rs"]
mod server;

#[cfg(feature = "hub")]
mod downloads {
    use std::process::{Command, Output};

    use sha2::{Digest, Sha256};

    use super::server::{Repository, Server};
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    /// The tiny BERT and a dozen invented sentences.
    fn server() -> Server {
        let tiny = repository().join("crates/encoders/tests/golden/tiny/snapshot");
        let parquet = repository().join("crates/tasks/tests/golden/parquet");
        let read = |folder: &Path, name: &'static str| {
            (name, std::fs::read(folder.join(name)).expect("a golden"))
        };
        let model = ["config.json", "model.safetensors", "tokenizer.json"];
        let data = [
            "sst2/train-00000-of-00001.parquet",
            "sst2/validation-00000-of-00001.parquet",
        ];
        Server::start(vec![
            Repository::new(
                "mini/bert",
                COMMIT,
                &model.map(|name| read(&tiny, name)),
                sha256,
            ),
            Repository::new(
                "datasets/nyu-mll/glue",
                pinned_glue(),
                &data.map(|name| read(&parquet, name)),
                sha256,
            ),
        ])
    }

    fn pinned_glue() -> &'static str {
        let mut pinned = hub::PINNED.iter();
        pinned
            .find(|(_, name, _)| *name == "nyu-mll/glue")
            .expect("it is pinned")
            .2
    }

    fn sha256(bytes: &[u8]) -> String {
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// One run, with its cache in the world's folder.
    fn command(world: &World, endpoint: &str, model: &str, data: &str) -> Command {
        let mut command = program();
        command
            .current_dir(world.folder.path())
            .env("HF_ENDPOINT", endpoint)
            .env("HF_HOME", world.path("cache"))
            .args([
                "--model", model, "--data", data, "--out", "out", "--epochs", "1",
            ])
            .args([
                "--batch-size",
                "4",
                "--max-length",
                "32",
                "--seeds",
                "1",
                "--arms",
                "baseline",
            ]);
        command
    }

    fn run(world: &World, endpoint: &str, model: &str, data: &str) -> Output {
        command(world, endpoint, model, data)
            .output()
            .expect("it starts")
    }

    #[test]
    fn a_model_and_sst2_from_the_hub_are_trained_with() {
        let (world, server) = (World::new(), server());
        let output = run(&world, &server.endpoint, "hf:mini/bert", "hf:sst2");
        let (text, log) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{log}");
        let glue = pinned_glue();
        assert!(
            text.contains(&format!("model    hf:mini/bert@{COMMIT}\n")),
            "{text}"
        );
        assert!(
            text.contains(&format!("data     hf:nyu-mll/glue@{glue}\n")),
            "{text}"
        );
        let downloads = log.lines().filter(|line| line.starts_with("downloaded "));
        assert_eq!(downloads.count(), 5, "{log}");

        let runs = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
        let record: serde_json::Value = serde_json::from_str(runs.trim()).expect("one record");
        let settings = &record["settings"];
        assert_eq!(settings["model"]["name"], format!("hf:mini/bert@{COMMIT}"));
        assert_eq!(
            (
                &settings["train"]["rows"],
                &settings["evaluation"]["dev"]["rows"]
            ),
            (&8.into(), &5.into())
        );

        // The same again, from the cache: the hub is asked only whether the branch has moved.
        server.take_requests();
        let again = run(&world, &server.endpoint, "hf:mini/bert", "hf:sst2");
        assert_eq!(again.stdout, output.stdout);
        assert_eq!(
            server.take_requests(),
            ["/api/models/mini/bert/revision/main"]
        );

        // And offline.
        let offline = run(&world, "http://127.0.0.1:1", "hf:mini/bert", "hf:sst2");
        assert_eq!(offline.stdout, output.stdout);
    }

    #[test]
    fn a_quiet_download_says_nothing() {
        let (world, server) = (World::new(), server());
        let output = command(&world, &server.endpoint, "hf:mini/bert", "hf:sst2")
            .arg("--quiet")
            .output()
            .expect("it starts");
        assert!(output.status.success() && world.path("cache").exists());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }

    #[test]
    fn an_interrupted_download_continues() {
        let (world, server) = (World::new(), server());
        server.break_off_after(100);
        let output = run(&world, &server.endpoint, "hf:mini/bert", "data");
        assert_error(
            &output,
            1,
            &["config.json stopped at 100 of", "the same command again"],
        );
        let output = run(&world, &server.endpoint, "hf:mini/bert", "data");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    #[test]
    fn offline_it_names_the_bundled_default() {
        let world = World::new();
        let endpoint = "http://127.0.0.1:1";
        let output = run(&world, endpoint, "hf:google-bert/bert-base-uncased", "data");
        assert_error(
            &output,
            1,
            &[
                "google-bert/bert-base-uncased@86b5e093",
                endpoint,
                "--model bundled and folders need no network",
            ],
        );
        let output = run(&world, endpoint, "model", "hf:sst2");
        assert_error(
            &output,
            1,
            &[
                "nyu-mll/glue@",
                endpoint,
                "--data bundled and folders need no network",
            ],
        );
        assert!(!world.path("out").exists(), "nothing was written");
    }

    #[test]
    fn a_repository_that_the_hub_lacks_is_named() {
        let (world, server) = (World::new(), server());
        let run = |model, data| run(&world, &server.endpoint, model, data);
        assert_error(
            &run("hf:mini/gpt", "data"),
            1,
            &["mini/gpt@main: no such model"],
        );
        assert_error(
            &run("hf:mini/bert@v2", "data"),
            1,
            &["mini/bert@v2", "no such revision"],
        );
        assert_error(
            &run("model", "hf:sst2@v2"),
            1,
            &["nyu-mll/glue@v2", "no such revision"],
        );
        assert_error(&run("hf:bert", "data"), 2, &["\"bert\"", "OWNER/NAME"]);
        assert_error(&run("hf:", "data"), 2, &["\"\"", "OWNER/NAME"]);
    }
}
