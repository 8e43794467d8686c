//! The masked language model against transformers': `golden/masked_lm`.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor};
use encoders::{
    BertConfig, BertForMaskedLM, Dropouts, EncoderError, EncoderInput, Layout, TensorProblem,
};

use crate::closeness::{Tolerance, assert_close, values};
use crate::golden::Tensors;
use crate::hidden_states::{ROUNDING, batch};
use crate::tiny::{self, Copy};

/// Gradients are sums over the batch of products through two layers, there and back.
const GRADIENT: Tolerance = Tolerance {
    relative: 1e-5,
    element: 1e-5,
};

fn expected() -> Tensors {
    Tensors::read("masked_lm/expected.safetensors")
}

fn model() -> BertForMaskedLM {
    let copy = Copy::of_variant("masked_lm");
    copy.open().masked_lm(&Device::flex()).unwrap()
}

fn indices(name: &str, device: &Device) -> Tensor<1, Int> {
    Tensor::from_ints(expected().i64(name).as_slice(), device)
}

/// On the autodiff device.
fn traced(input: EncoderInput) -> EncoderInput {
    let device = Device::flex().autodiff();
    EncoderInput {
        input_ids: input.input_ids.to_device(&device),
        rows: None,
        token_type_ids: input.token_type_ids.to_device(&device),
        layout: match input.layout {
            Layout::Padded(mask) => Layout::Padded(mask.to_device(&device)),
            packed => packed,
        },
    }
}

/// Collects every parameter, or its gradient, by transformers' name and in PyTorch's layout.
struct Named<'a> {
    gradients: Option<&'a Gradients>,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

/// The values of all parameters, or the gradients of those that have one.
pub(crate) fn named<M: Module>(
    module: &M,
    gradients: Option<&Gradients>,
) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = Named {
        gradients,
        path: Vec::new(),
        found: BTreeMap::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

impl ModuleVisitor for Named<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let name = path
            .replace(".self_attention.", ".self.")
            .replace("layer_norm.gamma", "LayerNorm.weight")
            .replace("layer_norm.beta", "LayerNorm.bias");
        let found = match self.gradients {
            None => Some(values(param.val())),
            Some(gradients) => param.val().grad(gradients).map(values),
        };
        let Some(found) = found else {
            return;
        };
        let shape = param.dims();
        let is_linear = D == 2 && !path.contains("embeddings");
        let found = match is_linear {
            false => found,
            // Burn keeps the weight of a linear layer transposed.
            true => {
                let (inputs, outputs) = (shape[0], shape[1]);
                let places = (0..outputs).flat_map(|o| (0..inputs).map(move |i| i * outputs + o));
                places.map(|place| found[place]).collect()
            }
        };
        assert!(self.found.insert(name, found).is_none(), "{path}: twice");
    }
}

#[test]
fn logits_at_the_places_are_those_of_transformers() {
    let expected = expected();
    let places = indices("places", &Device::flex());
    let logits = model().forward(batch(), places, &mut Dropouts::off());
    assert_eq!(logits.dims()[0], 14);
    assert_close(
        "logits",
        &values(logits),
        &expected.f32("logits"),
        &ROUNDING,
    );
}

#[test]
fn the_loss_and_every_gradient_are_those_of_pytorch() {
    let expected = expected();
    let device = Device::flex().autodiff();
    let model = model().train();
    let logits = model.forward(
        traced(batch()),
        indices("places", &device),
        &mut Dropouts::off(),
    );
    let loss = fused::cross_entropy(logits, indices("targets", &device));
    let gradients = loss.backward();
    assert_close(
        "loss",
        &values(loss.inner()),
        &expected.f32("loss"),
        &ROUNDING,
    );

    let gradients = named(&model, Some(&gradients));
    assert_eq!(gradients.len(), 42, "every parameter has a gradient");
    for (name, ours) in &gradients {
        let theirs = expected.f32(&format!("gradient.{name}"));
        if name.ends_with("self.key.bias") {
            // Softmax does not see a shift of all keys: the true gradient is 0.
            assert!(ours.iter().all(|g| g.abs() < 1e-6), "{name}: {ours:?}");
            continue;
        }
        assert_close(name, ours, &theirs, &GRADIENT);
    }
}

#[test]
fn a_missing_part_of_the_decoder_is_named() {
    let copy = Copy::of_variant("masked_lm");
    let tensors = copy.tensors();
    for name in tensors.keys().filter(|name| name.starts_with("cls.")) {
        let mut fewer = tensors.clone();
        fewer.remove(name);
        copy.write_tensors(&fewer);
        match copy.open().masked_lm(&Device::flex()).unwrap_err() {
            EncoderError::Tensors { problems, .. } => {
                let missing = TensorProblem::Missing {
                    name: name.clone(),
                    expected: tensors[name].shape.clone(),
                };
                assert_eq!(problems, [missing]);
            }
            other => panic!("{other}"),
        }
    }
}

fn fresh(config: &BertConfig, seed: u64) -> BTreeMap<String, Vec<f32>> {
    let model = BertForMaskedLM::fresh(config, seed, &Device::flex()).unwrap();
    named(&model, None)
}

#[test]
fn a_fresh_model_has_the_initial_values_of_bert() {
    let config = tiny::config();
    for (name, values) in fresh(&config, 5) {
        if name.ends_with("LayerNorm.weight") {
            assert!(values.iter().all(|&x| x == 1.0), "{name}");
        } else if name.ends_with("bias") {
            assert!(values.iter().all(|&x| x == 0.0), "{name}");
        } else {
            let count = values.len() as f64;
            let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
            let square = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / count;
            // Five standard errors of either.
            let bound = 5.0 * 0.02 / count.sqrt();
            assert!(mean.abs() < bound, "{name}: mean {mean}");
            assert!((square.sqrt() - 0.02).abs() < bound, "{name}: {square}");
        }
    }
}

#[test]
fn fresh_values_depend_on_seed_and_path_alone() {
    let config = tiny::config();
    let (one, same, other) = (fresh(&config, 5), fresh(&config, 5), fresh(&config, 6));
    assert_eq!(one, same);
    let weights: Vec<&String> = one
        .keys()
        .filter(|name| name.ends_with("weight") && !name.contains("LayerNorm"))
        .collect();
    for name in &weights {
        assert_ne!(one[*name], other[*name], "{name}");
    }
    // A deeper encoder has the same first layers.
    let deeper = fresh(
        &BertConfig {
            num_hidden_layers: 3,
            ..config
        },
        5,
    );
    for (name, values) in &one {
        assert_eq!(&deeper[name], values, "{name}");
    }
    let first = |name: &str| one[name][..8].to_vec();
    assert_ne!(
        first("bert.encoder.layer.0.attention.self.query.weight"),
        first("bert.encoder.layer.0.attention.self.key.weight")
    );
}

#[test]
fn a_config_that_cannot_run_is_refused() {
    let config = BertConfig {
        num_attention_heads: 5,
        ..tiny::config()
    };
    let error = BertForMaskedLM::fresh(&config, 0, &Device::flex()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "num_attention_heads is 5, accepted is a divisor of hidden_size 24"
    );
}
