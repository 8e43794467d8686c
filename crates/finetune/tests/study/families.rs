//! Every family trains: with noise and without, under every method, padded and packed.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use finetune::Session;
use finetune::progress::Progress;
use study::record::{NoiseSummary, RunRecord};
use study::{Arm, Batching, NoiseSelection, Precision, Recipe, StudyConfig};

use crate::setup::{config, sst2, write_data};

/// Every folder with a family's tiny checkpoint.
fn snapshots() -> Vec<PathBuf> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden");
    let folders = std::fs::read_dir(golden).expect("the goldens are there");
    let folders = folders.map(|folder| folder.expect("a folder").path());
    let mut snapshots: Vec<PathBuf> = folders
        .filter(|folder| folder.join("base.safetensors").exists())
        .map(|folder| folder.join("snapshot"))
        .collect();
    snapshots.sort();
    assert!(snapshots.len() >= 4, "{snapshots:?}");
    snapshots
}

#[derive(Default)]
struct Records(Vec<RunRecord>);

impl Progress for Records {
    fn run_finished(&mut self, record: &RunRecord) {
        self.0.push(record.clone());
    }
}

fn run(snapshot: &Path, config: StudyConfig) -> Vec<RunRecord> {
    let data = tempfile::tempdir().expect("a temporary folder");
    let out = tempfile::tempdir().expect("a temporary folder");
    write_data(data.path());
    let task = sst2(data.path());
    let study = Session::open(config, task, snapshot, &Device::flex(), "flex")
        .unwrap_or_else(|error| panic!("{}: {error}", snapshot.display()));
    let mut records = Records::default();
    study
        .run(out.path(), &mut records)
        .unwrap_or_else(|error| panic!("{}: {error}", snapshot.display()));
    records.0
}

#[test]
fn every_family_trains_in_every_arm() {
    for snapshot in snapshots() {
        let config = config(Arm::ALL, 1, 0.15);
        let recipe = Recipe {
            epochs: 1,
            max_length: 16,
            ..config.recipe.clone()
        };
        let records = run(&snapshot, StudyConfig { recipe, ..config });
        assert_eq!(records.len(), Arm::ALL.len(), "{}", snapshot.display());
        for record in &records {
            let what = format!("{}: {}", snapshot.display(), record.arm.name());
            assert_eq!(record.failed, None, "{what}");
            assert!(!record.changes.is_empty(), "{what}");
            let perturbed = record.noise.as_ref().map_or(0, |noise| noise.perturbed);
            assert_eq!(perturbed > 0, record.arm.has_noise(), "{what}");
        }
    }
}

#[test]
fn the_token_embeddings_alone_are_left_out_of_the_noise_if_that_is_asked_for() {
    const ARMS: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];
    for snapshot in snapshots() {
        let noise = |selection| -> NoiseSummary {
            let config = config(&ARMS, 1, 0.1);
            let recipe = Recipe {
                epochs: 1,
                max_length: 16,
                ..config.recipe.clone()
            };
            let config = StudyConfig {
                recipe,
                noise_selection: selection,
                ..config
            };
            let records = run(&snapshot, config);
            for record in &records {
                let recorded = match record.arm.has_noise() {
                    true => selection,
                    false => NoiseSelection::Everything,
                };
                assert_eq!(record.settings.noise_selection, recorded);
            }
            let mut noises = records.into_iter().filter_map(|record| record.noise);
            noises.next().expect("one arm has noise")
        };
        let everything = noise(NoiseSelection::Everything);
        let without = noise(NoiseSelection::ExceptTokenEmbeddings);
        let what = snapshot.display();
        assert_eq!(without.perturbed + 1, everything.perturbed, "{what}");
        let more = without.skipped.iter();
        let more: Vec<_> = more
            .filter(|skipped| !everything.skipped.contains(skipped))
            .collect();
        let [(path, reason)] = more[..] else {
            panic!("{what}: {more:?}");
        };
        let names = ["word_embedding", "tok_embeddings"];
        assert!(
            names.iter().any(|name| path.contains(name)),
            "{what}: {path}"
        );
        assert_eq!(reason, "not selected", "{what}");
    }
}

#[test]
fn every_family_trains_packed_in_half_precision_with_gradient_checkpointing() {
    for snapshot in snapshots() {
        let arms = ["baseline", "noisytune", "r3f-uniform", "smart"];
        let arms = arms.map(|name| Arm::named(name).expect("an arm"));
        let config = config(&arms, 1, 0.15);
        let recipe = Recipe {
            epochs: 1,
            max_length: 16,
            batching: Batching::Packed,
            precision: Precision::Bf16,
            gradient_checkpointing: true,
            ..config.recipe.clone()
        };
        for record in run(&snapshot, StudyConfig { recipe, ..config }) {
            let what = format!("{}: {}", snapshot.display(), record.arm.name());
            assert_eq!(record.failed, None, "{what}");
        }
    }
}
