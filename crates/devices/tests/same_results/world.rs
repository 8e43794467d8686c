//! Devices, the model and its batches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use encoders::{Classifier, EncoderInput, Layout, Snapshot};
use finetune::batch::{Batch, BatchTargets};
use finetune::trainer::Trainer;
use finetune::{FinetuneError, Session};
use study::{Arm, Precision, Recipe, StudyConfig};

/// A device for one test at a time: tests running side by side would share its memory and its queue.
pub(crate) struct Turn {
    pub(crate) device: Device,
    _turn: MutexGuard<'static, BTreeMap<String, Device>>,
}

/// Waits for the device and opens it.
#[track_caller]
pub(crate) fn turn(name: &str) -> Turn {
    static OPEN: Mutex<BTreeMap<String, Device>> = Mutex::new(BTreeMap::new());
    // A failure in another test says nothing about this one.
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !open.contains_key(name) {
        let parsed: devices::DeviceName = name.parse().expect("the name of a backend");
        match devices::open(&parsed, None) {
            Ok(device) => open.insert(name.to_owned(), device),
            Err(error) => panic!("this test needs the device, which is not there: {error}"),
        };
    }
    Turn {
        device: open[name].clone(),
        _turn: open,
    }
}

/// The tiny checkpoint of the encoders' tests: two layers of random values, dropout 0.1.
pub(crate) fn snapshot() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden/tiny/snapshot")
}

pub(crate) fn model(device: &Device) -> Classifier {
    let snapshot = Snapshot::open(snapshot()).expect("the snapshot opens");
    let loaded = snapshot.finetuned_classifier(2, device);
    loaded.expect("it loads").model
}

/// A trainer with dropout, before the first of ten steps.
pub(crate) fn trainer(device: &Device) -> Trainer {
    let recipe = Recipe {
        learning_rate: 1e-3,
        ..Recipe::default()
    };
    Trainer::new(model(device), &recipe, 10, 7, device).expect("a recipe in range")
}

const ROWS: usize = 4;
const LENGTH: usize = 11;

/// Rows of different lengths, the rest padding.
pub(crate) fn input(step: usize, device: &Device) -> EncoderInput {
    let (mut ids, mut types, mut mask) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..ROWS {
        let length = LENGTH - 2 * ((row + step) % ROWS);
        for column in 0..LENGTH {
            let is_token = column < length;
            let id = 5 + (37 * step + 101 * row + 13 * column) % 220;
            ids.push(if is_token { id as i64 } else { 0 });
            types.push(i64::from(is_token && column > length / 2));
            mask.push(is_token);
        }
    }
    let shape = [ROWS, LENGTH];
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(mask, shape), device);
    EncoderInput {
        input_ids: Tensor::<2, Int>::from_data(TensorData::new(ids, shape), device),
        rows: None,
        token_type_ids: Tensor::<2, Int>::from_data(TensorData::new(types, shape), device),
        layout: Layout::Padded(mask),
    }
}

pub(crate) fn batch(step: usize, device: &Device) -> Batch {
    let labels: Vec<i64> = (0..ROWS).map(|row| ((row + step) % 2) as i64).collect();
    Batch {
        input: input(step, device),
        targets: BatchTargets::Classes(Tensor::from_data(TensorData::new(labels, [ROWS]), device)),
        tokens: (0..ROWS).map(|row| LENGTH - 2 * row).sum(),
    }
}

/// Both arms, one seed each, on sentences whose words decide the label: six epochs of five steps. All batches have the shape of
/// [`input`], for which Burn's products are tuned anyway: each other shape takes it seconds.
pub(crate) fn study(
    folder: &Path,
    device: &Device,
    name: &str,
    precision: Precision,
) -> Result<Session, FinetuneError> {
    let words = ["a fine thing", "a sad thing", "so good", "so bad and long"];
    let rows = |count| {
        let mut text = "sentence\tlabel\n".to_owned();
        for row in 0..count {
            let rest = "x ".repeat(row % 5);
            text += &format!("{} {rest}\t{}\n", words[row % 4], (row + 1) % 2);
        }
        text
    };
    for (name, count) in [("train.tsv", 5 * ROWS), ("dev.tsv", ROWS)] {
        std::fs::write(folder.join(name), rows(count)).expect("a temporary folder");
    }
    let config = StudyConfig {
        arms: vec![Arm::BASELINE, Arm::NOISYTUNE],
        seeds: 1,
        recipe: Recipe {
            epochs: 6,
            batch_size: ROWS,
            learning_rate: 5e-3,
            max_length: LENGTH,
            pad_to_max_length: true,
            precision,
            ..Recipe::default()
        },
        ..StudyConfig::default()
    };
    let task = tasks::glue::sst2().in_folder(folder)?;
    Session::open(config, task, &snapshot(), device, name)
}
