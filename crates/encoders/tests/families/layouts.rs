//! Every layout in which the hub has checkpoints loads the same values: with the model's prefix or without, with one head
//! or another or none, with old names, buffers, half precision and shards.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;

use crate::expected::LABELS;
use crate::family::{FAMILIES, Family};

type Tensors = BTreeMap<String, Raw>;

#[derive(Clone)]
struct Raw {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// A way to store a checkpoint.
#[derive(Clone, Debug)]
struct Form {
    has_prefix: bool,
    head: Heads,
    has_gamma: bool,
    has_buffers: bool,
    dtype: Dtype,
    is_sharded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Heads {
    Classifier,
    /// That of the family's pretraining with this number.
    Pretraining(usize),
    None,
}

/// Tensors of the heads of pretraining: with a decoder of its own, with one tied to the embeddings, and others.
fn pretraining(family: &Family) -> &'static [&'static [&'static str]] {
    match family.name {
        "bert" | "bert_mean" => &[
            &[
                "cls.predictions.bias",
                "cls.predictions.decoder.weight",
                "cls.predictions.decoder.bias",
                "cls.predictions.transform.dense.weight",
                "cls.predictions.transform.LayerNorm.weight",
                "cls.seq_relationship.weight",
            ],
            &[
                "cls.predictions.bias",
                "cls.predictions.transform.dense.bias",
            ],
        ],
        "roberta" | "xlm_roberta" => &[
            &[
                "lm_head.bias",
                "lm_head.dense.weight",
                "lm_head.layer_norm.weight",
                "lm_head.decoder.weight",
                "lm_head.decoder.bias",
                "roberta.pooler.dense.weight",
            ],
            &["lm_head.bias", "lm_head.dense.weight"],
        ],
        "electra" => &[
            &[
                "discriminator_predictions.dense.weight",
                "discriminator_predictions.dense_prediction.bias",
            ],
            &[
                "generator_predictions.LayerNorm.weight",
                "generator_predictions.dense.weight",
                "generator_lm_head.weight",
                "generator_lm_head.bias",
            ],
        ],
        "distilbert" => &[
            &[
                "vocab_transform.weight",
                "vocab_layer_norm.weight",
                "vocab_projector.weight",
                "vocab_projector.bias",
            ],
            &["vocab_transform.bias", "vocab_projector.bias"],
        ],
        _ => &[],
    }
}

impl Form {
    /// All that a family's checkpoints are stored in.
    fn all(family: &Family) -> Vec<Self> {
        let heads = (0..pretraining(family).len()).map(Heads::Pretraining);
        let heads = heads
            .chain([Heads::Classifier, Heads::None])
            .map(|head| (true, head));
        let mut forms = Vec::new();
        // transformers writes no prefix where there is no head.
        for (has_prefix, head) in heads.chain([(false, Heads::None)]) {
            for code in 0..8 {
                for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
                    forms.push(Self {
                        has_prefix,
                        head,
                        has_gamma: code & 1 != 0,
                        has_buffers: code & 2 != 0 && !pretraining(family).is_empty(),
                        dtype,
                        is_sharded: code & 4 != 0,
                    });
                }
            }
        }
        forms
    }

    fn store(
        &self,
        family: &Family,
        values: &BTreeMap<String, (Vec<usize>, Vec<u8>)>,
        folder: &Path,
    ) {
        let prefix = format!("{}.", family.words.split('.').next().unwrap());
        let mut tensors = Tensors::new();
        for (name, (shape, bytes)) in values {
            let is_head = !name.starts_with(&prefix);
            if is_head && self.head != Heads::Classifier {
                continue;
            }
            let floats = bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b));
            let bytes = floats.flat_map(|x| match self.dtype {
                Dtype::F16 => f16::from_f32(x).to_le_bytes().to_vec(),
                Dtype::BF16 => bf16::from_f32(x).to_le_bytes().to_vec(),
                _ => x.to_le_bytes().to_vec(),
            });
            let raw = Raw {
                dtype: self.dtype,
                shape: shape.clone(),
                bytes: bytes.collect(),
            };
            tensors.insert(self.name(name, &prefix), raw);
        }
        let zeros = |dtype: Dtype, count: usize| Raw {
            dtype,
            shape: vec![count],
            bytes: vec![0; count * dtype.bitsize() / 8],
        };
        if let Heads::Pretraining(number) = self.head {
            for name in pretraining(family)[number] {
                tensors.insert(self.name(name, &prefix), zeros(self.dtype, 3));
            }
        }
        if self.has_buffers {
            let name = format!("{prefix}embeddings.position_ids");
            tensors.insert(self.name(&name, &prefix), zeros(Dtype::I64, 5));
        }
        self.write(&tensors, folder);
    }

    fn name(&self, name: &str, prefix: &str) -> String {
        let name = match self.has_prefix {
            true => name,
            false => name.strip_prefix(prefix).unwrap(),
        };
        let is_norm = name.contains("LayerNorm.") || name.contains("layer_norm.");
        match self.has_gamma && is_norm {
            true => name.replace(".weight", ".gamma").replace(".bias", ".beta"),
            false => name.to_owned(),
        }
    }

    fn write(&self, tensors: &Tensors, folder: &Path) {
        let _ = fs::remove_file(folder.join("model.safetensors"));
        let files: &[&str] = match self.is_sharded {
            true => &[
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
            ],
            false => &["model.safetensors"],
        };
        let mut weight_map = BTreeMap::new();
        for (number, file) in files.iter().enumerate() {
            let part = tensors
                .iter()
                .enumerate()
                .filter(|(index, _)| index % files.len() == number);
            let views = part.map(|(_, (name, raw))| {
                weight_map.insert(name.clone(), *file);
                let view = TensorView::new(raw.dtype, raw.shape.clone(), &raw.bytes);
                (name.clone(), view.unwrap())
            });
            fs::write(
                folder.join(file),
                safetensors::serialize(views, None).unwrap(),
            )
            .unwrap();
        }
        if self.is_sharded {
            let index = json!({ "metadata": {}, "weight_map": weight_map });
            fs::write(
                folder.join("model.safetensors.index.json"),
                index.to_string(),
            )
            .unwrap();
        }
    }

    /// What is loaded of a value.
    fn rounded(&self, x: f32) -> f32 {
        match self.dtype {
            Dtype::F16 => f16::from_f32(x).to_f32(),
            Dtype::BF16 => bf16::from_f32(x).to_f32(),
            _ => x,
        }
    }
}

#[test]
fn every_layout_of_a_checkpoint_loads_the_same_values() {
    for family in FAMILIES {
        let values = family.copy().tensors();
        let whole = family.named(&family.model(), None);
        let forms = Form::all(family);
        let least = if pretraining(family).is_empty() {
            72
        } else {
            120
        };
        assert_eq!(forms.len(), least, "{}", family.name);
        for form in forms {
            let what = format!("{}: {form:?}", family.name);
            let copy = family.copy();
            form.store(family, &values, copy.path());
            let snapshot = copy.open();
            let loaded = match form.head {
                Heads::Classifier => snapshot.finetuned_classifier(LABELS, &Device::flex()),
                _ => snapshot.classifier(LABELS, 1, &Device::flex()),
            };
            let loaded = loaded.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(loaded.notes.is_empty(), "{what}: {:?}", loaded.notes);
            let is_fresh = form.head != Heads::Classifier;
            assert_eq!(
                loaded.fresh.is_empty(),
                !is_fresh,
                "{what}: {:?}",
                loaded.fresh
            );
            let prefix = family.words.split('.').next().unwrap();
            let fresh: Vec<String> = loaded
                .fresh
                .iter()
                .map(|layer| format!("{layer}."))
                .collect();
            let of_body = |layer: &String| layer.starts_with(&format!("{prefix}."));
            assert!(!fresh.iter().any(of_body), "{what}: {fresh:?}");
            for (name, found) in family.named(&loaded.model, None) {
                if fresh.iter().any(|layer| name.starts_with(layer)) {
                    continue;
                }
                let expected: Vec<f32> = whole[&name].iter().map(|x| form.rounded(*x)).collect();
                assert_eq!(found, expected, "{what}: {name}");
            }
        }
    }
}
