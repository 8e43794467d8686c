//! A study that takes seconds: the tiny checkpoint on a dozen words.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use finetune::Session;
use study::{Arm, Recipe, StudyConfig};
use tasks::Task;

/// The tiny checkpoint, which the encoder's tests share.
pub(crate) fn snapshot() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden/tiny/snapshot")
}

/// Writes SST-2 files in which a single word decides the label.
pub(crate) fn write_data(folder: &Path) {
    let words = [
        ("a fine thing", 1),
        ("a sad thing", 0),
        ("so good", 1),
        ("so bad and so long", 0),
        ("good fun", 1),
        ("no fun at all", 0),
    ];
    for (name, rows) in [("train.tsv", 24), ("dev.tsv", 10)] {
        let mut text = "sentence\tlabel\n".to_owned();
        for row in 0..rows {
            let (sentence, label) = words[row % words.len()];
            let _ = writeln!(text, "{sentence} {}\t{label}", "x".repeat(row % 5 + 1));
        }
        std::fs::write(folder.join(name), text).expect("a temporary folder");
    }
}

/// Two epochs of three steps per run.
pub(crate) fn config(arms: &[Arm], seeds: usize, lambda: f64) -> StudyConfig {
    StudyConfig {
        arms: arms.to_vec(),
        seeds,
        first_seed: 3,
        lambda,
        // At this learning rate, RecAdam's own would diverge.
        hyperparameters: [("recadam.pull".to_owned(), 100.0)].into(),
        recipe: Recipe {
            epochs: 2,
            batch_size: 8,
            learning_rate: 1e-3,
            max_length: 32,
            ..Recipe::default()
        },
        ..StudyConfig::default()
    }
}

/// SST-2 with the files in this folder.
pub(crate) fn sst2(folder: &Path) -> Task {
    let task = tasks::glue::sst2().in_folder(folder);
    task.expect("a task of the table")
}

/// Opens the study on data that [`write_data`] wrote.
pub(crate) fn open(config: StudyConfig, data: &Path) -> Session {
    Session::open(config, sst2(data), &snapshot(), &Device::flex(), "flex")
        .expect("the study opens")
}
