//! Steps of AdamW on the tiny checkpoint of every family, compared with PyTorch's: `encoders/tests/golden/<family>`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use encoders::{EncoderInput, Encoding, Snapshot};
use finetune::batch::{Batch, BatchTargets};
use finetune::trainer::Trainer;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;
use study::Recipe;

use crate::closeness::distance;
use crate::pytorch::{LOSS, UPDATE, assert_close, recipe};
use crate::reference::{json, numbers};
use crate::steady::{only, steady};

const LABELS: usize = 3;
const STEPS: usize = 5;

fn golden(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../encoders/tests/golden")
        .join(family)
}

/// Every folder with a family's golden.
fn families() -> Vec<String> {
    let folders = std::fs::read_dir(golden("")).expect("the goldens are there");
    let names = folders.map(|folder| folder.expect("a folder").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let mut families: Vec<String> = names
        .filter(|name| golden(name).join("base.safetensors").exists())
        .collect();
    families.sort();
    assert!(families.len() >= 4, "{families:?}");
    families
}

fn encodings(expected: &Value) -> Vec<Encoding> {
    let texts = expected["texts"].as_array().expect("texts");
    let ids = |value: &Value| numbers(value).into_iter().map(|id| id as u32).collect();
    let texts = texts.iter().map(|text| Encoding {
        ids: ids(&text["ids"]),
        type_ids: ids(&text["type_ids"]),
    });
    texts.collect()
}

/// The batch of a step: the labels move on by one in every step.
fn batch(expected: &Value, step: usize, is_packed: bool, pad: u32, device: &Device) -> Batch {
    let encodings = encodings(expected);
    let labels = numbers(&expected["labels"]).into_iter();
    let labels: Vec<i64> = labels
        .map(|label| ((label as usize + step) % LABELS) as i64)
        .collect();
    let count = labels.len();
    Batch {
        input: match is_packed {
            true => EncoderInput::packed(&encodings, device),
            false => EncoderInput::padded(&encodings, pad, 0, device),
        },
        targets: BatchTargets::Classes(Tensor::from_data(TensorData::new(labels, [count]), device)),
        tokens: encodings.iter().map(|encoding| encoding.ids.len()).sum(),
    }
}

/// The elements of every parameter by its module path, in the module's order.
fn values<M: Module>(module: &M) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = Values::default();
    module.visit(&mut visitor);
    visitor.found
}

#[derive(Default)]
struct Values {
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Values {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data().try_to_vec().expect("f32 elements");
        self.found.insert(self.path.join("."), data);
    }
}

/// What the golden holds of every parameter under transformers' names and a prefix, by module paths; zeros where it
/// holds nothing.
fn theirs(family: &str, file: &SafeTensors<'_>, prefix: &str) -> BTreeMap<String, Vec<f32>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = golden(family).join("snapshot/config.json");
    std::fs::copy(config, folder.path().join("config.json")).expect("a file");
    let tensors = file.tensors();
    let parameters = tensors.iter().filter_map(|(name, view)| {
        let name = name.strip_prefix("final.")?;
        let found = file.tensor(&format!("{prefix}{name}"));
        let zeros = vec![0; view.data().len()];
        let bytes = found.map_or(zeros, |found| found.data().to_vec());
        Some((name, view.shape().to_vec(), bytes))
    });
    let parameters: Vec<_> = parameters.collect();
    let views = parameters.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
        (name, view.expect("a tensor of the golden"))
    });
    let bytes = safetensors::serialize(views, None).expect("tensors");
    std::fs::write(folder.path().join("model.safetensors"), bytes).expect("a file");
    let snapshot = Snapshot::open(folder.path()).expect("it opens");
    let loaded = snapshot.finetuned_classifier(LABELS, &Device::flex());
    values(&loaded.expect("it loads").model)
}

fn trainer(family: &str, recipe: &Recipe) -> (Trainer, u32) {
    let device = Device::flex();
    let snapshot = Snapshot::open(golden(family).join("snapshot")).expect("it opens");
    let loaded = snapshot.finetuned_classifier(LABELS, &device);
    let trainer = Trainer::new(loaded.expect("it loads").model, recipe, STEPS, 0, &device);
    let trainer = trainer.expect("a recipe in range").without_dropout();
    (trainer, snapshot.config().pad_token_id())
}

#[test]
fn five_steps_of_every_family_match_pytorch_in_both_layouts() {
    for family in families() {
        let bytes = std::fs::read(golden(&family).join("expected.safetensors")).expect("golden");
        let file = SafeTensors::deserialize(&bytes).expect("safetensors");
        let expected = json(&golden(&family).join("expected.json"));
        let [ends, slopes] = ["final.", "gradient."].map(|prefix| theirs(&family, &file, prefix));
        for is_packed in [false, true] {
            let (mut trainer, pad) = trainer(&family, &recipe(&expected["settings"]));
            assert!(trainer.is_deferring(), "{family}");
            let start = values(&trainer.model());
            let (mut losses, mut norms) = (Vec::new(), Vec::new());
            for step in 0..STEPS {
                let batch = batch(&expected, step, is_packed, pad, trainer.device());
                let step = trainer.step(vec![batch]).expect("a finite loss");
                losses.push(step.loss);
                norms.push(step.gradient_norm);
            }
            for (what, ours) in [("losses", losses), ("gradient_norms", norms)] {
                for (step, (ours, theirs)) in ours.iter().zip(numbers(&expected[what])).enumerate()
                {
                    let what = format!("{family}: {what}, step {step}");
                    assert_close(&what, *ours, theirs, LOSS);
                }
            }
            let end = values(&trainer.model());
            assert_eq!(end.len(), ends.len());
            let (mut compared, mut elements) = (0, 0);
            for (path, ours) in &end {
                let (start, theirs, slope) = (&start[path], &ends[path], &slopes[path]);
                let kept = steady(slope);
                let [ours, theirs, start] = only(&kept, [ours, theirs, start]);
                elements += end[path].len();
                compared += kept.len();
                // Without a gradient, as XLNet's `mask_emb`.
                if start == theirs {
                    assert_eq!(ours, start, "{family}: {path}");
                    continue;
                }
                let error = distance(&ours, &theirs, |i| start[i]);
                assert!(error <= UPDATE, "{family}: update of {path}: {error:e}");
            }
            assert!(
                compared * 100 > elements * 95,
                "{family}: {compared} of {elements}"
            );
        }
    }
}
