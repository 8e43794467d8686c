//! Mixout (Lee, Cho and Kang, ICLR 2020, arXiv:1909.11299).

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use encoders::{Classifier, EncoderError, Parameter, Role};
use fused::{Dropout, DropoutKey};

use super::{Companion, Start, Weights, stream_key};
use crate::error::FinetuneError;

/// In every training step, weights of the body's linear layers are replaced by the pretrained ones with probability p: all
/// those of an input of a layer together, or each on its own, which the authors call mixconnect. The result is corrected so
/// that its expectation is the current weight.
///
/// The authors' program (`bloodwass/mixout`, `mixout.py`) draws one mask over the inputs of a layer and repeats it for all
/// its outputs; its gradients lack the factor 1 / (1 - p) that the formula has, and here they have it. As there, only the
/// weights of linear layers are replaced, not biases, embeddings and LayerNorm. Unlike there, dropout stays as the recipe has
/// it, so that this is the only difference from the baseline. Where XLNet keeps a weight by its outputs, these take the place
/// of inputs. The default p = 0.7 is the authors'.
pub(super) fn companion(start: &Start<'_>, masks: Masks) -> Result<Companion, FinetuneError> {
    let key = stream_key(start.seed, masks.stream());
    let mut targets = Targets {
        sites: pretrained_weights(start)?,
        found: HashMap::new(),
    };
    start.model.visit(&mut targets);
    Ok(Companion {
        weights: Some(Box::new(Mixing {
            probability: start.number(masks.probability()),
            masks,
            seed: u64::from_le_bytes(key[..8].try_into().expect("8 bytes")),
            targets: targets.found,
        })),
        ..Companion::default()
    })
}

/// The weights of the pretrained linear layers, each with its index among them.
fn pretrained_weights(start: &Start<'_>) -> Result<HashMap<ParamId, u32>, FinetuneError> {
    const WHAT: &str = "weights of pretrained linear layers";
    let is_weight = |role| matches!(role, Role::Weight(_));
    let weights = start.model.parameters_of(WHAT, is_weight)?;
    let is_fresh = |weight: &Parameter| start.fresh.iter().any(|layer| weight.is_under(layer));
    let pretrained = weights.iter().filter(|weight| !is_fresh(weight));
    let sites: HashMap<_, _> = pretrained.map(|weight| weight.id).zip(0..).collect();
    match sites.is_empty() {
        true => Err(EncoderError::NoParameters { what: WHAT }.into()),
        false => Ok(sites),
    }
}

/// What shares a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masks {
    /// All weights of an input: Mixout.
    OfInputs,
    /// Nothing: mixconnect.
    OfWeights,
}

impl Masks {
    /// Mixconnect keeps the stream that it had when it was called Mixout.
    fn stream(self) -> &'static str {
        match self {
            Self::OfInputs => "mixout/2",
            Self::OfWeights => "mixout",
        }
    }

    fn probability(self) -> &'static str {
        match self {
            Self::OfInputs => "mixout.probability",
            Self::OfWeights => "mixconnect.probability",
        }
    }

    /// Mixes weights, `[inputs, outputs]`, with their targets.
    ///
    /// With a mask that is 0 with probability p and 1 / (1 - p) otherwise, which is dropout's,
    /// `target + mask (w - target)` is the target where the mask is 0, and elsewhere
    /// `(w - p target) / (1 - p)`: Lee et al., equation 8. Its derivative by w is the mask.
    fn mix<const D: usize>(
        self,
        weight: Tensor<D>,
        target: Tensor<D>,
        dropout: Option<Dropout>,
    ) -> Tensor<D> {
        let apart = weight - target.clone();
        target
            + match self {
                Self::OfWeights => fused::dropout(apart, dropout),
                Self::OfInputs => {
                    let mut shape = [1; D];
                    shape[0] = apart.dims()[0];
                    let mask = fused::dropout(Tensor::ones(shape, &apart.device()), dropout);
                    apart * mask
                }
            }
    }
}

/// The pretrained weights of a run.
struct Mixing {
    masks: Masks,
    probability: f64,
    seed: u64,
    targets: HashMap<ParamId, Target>,
}

/// A pretrained weight, flattened, and its index among them.
struct Target {
    values: Tensor<1>,
    site: u32,
}

impl Weights for Mixing {
    fn substitute(&self, model: &Classifier, step: usize) -> Classifier {
        let step = step as u64;
        model.clone().map(&mut Mixer { mixing: self, step })
    }
}

/// Reads the values of the weights.
struct Targets {
    sites: HashMap<ParamId, u32>,
    found: HashMap<ParamId, Target>,
}

impl ModuleVisitor for Targets {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(&site) = self.sites.get(&param.id) {
            let values = param.val().detach().autodiff().flatten(0, D - 1);
            self.found.insert(param.id, Target { values, site });
        }
    }
}

struct Mixer<'a> {
    mixing: &'a Mixing,
    step: u64,
}

impl ModuleMapper for Mixer<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(target) = self.mixing.targets.get(&param.id) else {
            return param;
        };
        let key = DropoutKey {
            seed: self.mixing.seed,
            step: self.step,
            site: target.site,
        };
        let dropout = Dropout::new(self.mixing.probability, key).expect("it was checked");
        // Not a leaf: the gradient passes on to the weight it is made from.
        let (id, weight, mapper) = param.consume();
        let values = target.values.clone().reshape(weight.dims());
        Param::from_mapped_value(id, self.mixing.masks.mix(weight, values, dropout), mapper)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn targets_are_the_weights_of_pretrained_linear_layers_in_the_order_of_the_module() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../encoders/tests/golden/tiny/snapshot");
        let snapshot = encoders::Snapshot::open(folder).expect("the snapshot opens");
        let loaded = snapshot
            .classifier(2, 0, &Device::flex())
            .expect("it loads");
        let recipe = study::Recipe::default();
        let start = |fresh| Start {
            model: &loaded.model,
            fresh,
            recipe: &recipe,
            hyperparameters: const { &std::collections::BTreeMap::new() },
            steps: 1,
            seed: 0,
        };
        let fresh = loaded.not_pretrained();
        let sites = pretrained_weights(&start(&fresh)).expect("there are some");
        let mut expected = loaded.model.parameters();
        expected.retain(|parameter| {
            let path = &parameter.path;
            path.ends_with(".weight") && !path.contains("embeddings") && path != "classifier.weight"
        });
        assert_eq!(sites.len(), 2 * 6 + 1);
        assert_eq!(expected.len(), sites.len());
        for (site, parameter) in (0..).zip(&expected) {
            assert_eq!(sites.get(&parameter.id), Some(&site), "{}", parameter.path);
        }

        let all = ["bert".to_owned()];
        let error = pretrained_weights(&start(&all)).expect_err("nothing is pretrained");
        assert_eq!(
            error.to_string(),
            "the model has no weights of pretrained linear layers"
        );
    }

    /// One product and two sums in f32 against f64, of numbers near 1.
    const ROUNDING: f32 = 2e-6;

    #[test]
    fn weights_and_gradients_match_the_formula_of_the_paper() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/mixout/golden.json"))
                .expect("JSON");
        let [rows, columns] =
            [0, 1].map(|i| golden["shape"][i].as_u64().expect("a number") as usize);
        let device = Device::flex().autodiff();
        let tensor = |name: &str| -> Tensor<2> {
            let values: Vec<f32> = serde_json::from_value(golden[name].clone()).expect("numbers");
            Tensor::from_data(TensorData::new(values, [rows, columns]), &device)
        };
        let number = |name: &str| golden[name].as_u64().expect("a number");
        let dropout = Dropout::new(
            golden["probability"].as_f64().expect("a number"),
            DropoutKey {
                seed: number("seed"),
                step: number("step"),
                site: number("site") as u32,
            },
        );
        let weight = tensor("weight").require_grad();
        let dropout = dropout.expect("in range");
        let compare = |ours: TensorData, name: &str| {
            let expected: Vec<f32> = serde_json::from_value(golden[name].clone()).expect("numbers");
            let ours: Vec<f32> = ours.try_to_vec().expect("f32");
            assert_eq!(ours.len(), expected.len());
            for (ours, expected) in ours.iter().zip(&expected) {
                let bound = ROUNDING * expected.abs().max(1.0);
                assert!(
                    (ours - expected).abs() <= bound,
                    "{name}: {ours} against {expected}"
                );
            }
        };
        for (masks, name) in [
            (Masks::OfWeights, "mixconnect"),
            (Masks::OfInputs, "mixout"),
        ] {
            let mixed = masks.mix(weight.clone(), tensor("target"), dropout);
            let loss = (mixed.clone() * tensor("upstream")).sum();
            let gradient = weight.grad(&loss.backward()).expect("a gradient");
            compare(mixed.into_data(), &format!("{name}.mixed"));
            compare(gradient.into_data(), &format!("{name}.gradient"));
        }
    }
}
