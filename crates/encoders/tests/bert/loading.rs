//! Checkpoints of every naming and element type, and the layers they may leave out.

use burn::tensor::Device;
use encoders::{Classifier, Dropouts, Snapshot};
use safetensors::Dtype;

use crate::closeness::{assert_close, values};
use crate::golden::Tensors;
use crate::hidden_states::{ROUNDING, batch, pooled};
use crate::masked_lm::named;
use crate::tiny::{self, Copy, HEAD_SEED, LABELS, RawTensor};

const POOLER: &str = "bert.pooler.dense";
const HEAD: &str = "classifier";

fn last_hidden_state(model: &Classifier) -> Vec<f32> {
    let output = model.forward_with_hidden_states(batch(), &mut Dropouts::off());
    values(output.hidden_states.into_iter().next_back().unwrap())
}

/// The body's weights are the same in every variant, bit for bit.
#[track_caller]
fn assert_same_body(snapshot: &Snapshot, fresh: &[&str]) {
    let model = tiny::with_fresh(snapshot, fresh);
    let whole = tiny::classifier(&tiny::snapshot());
    assert_eq!(last_hidden_state(&model), last_hidden_state(&whole));
    let expected = Tensors::read("tiny/expected.safetensors").f32("hidden_states.2");
    assert_close(
        "last hidden state",
        &last_hidden_state(&model),
        &expected,
        &ROUNDING,
    );
    assert_eq!(pooled(model) == pooled(whole), !fresh.contains(&POOLER));
}

#[test]
fn a_checkpoint_without_the_bert_prefix_loads() {
    assert_same_body(&Copy::of_variant("base_model").open(), &[HEAD]);
}

#[test]
fn a_pretraining_checkpoint_with_gamma_and_beta_loads() {
    assert_same_body(&Copy::of_variant("old_names").open(), &[HEAD]);
}

#[test]
fn a_checkpoint_without_pooler_loads() {
    assert_same_body(&Copy::of_variant("masked_lm").open(), &[POOLER, HEAD]);
}

#[test]
fn unprefixed_gamma_and_beta_load() {
    let copy = Copy::of_variant("base_model");
    let tensors = copy
        .tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let name = name
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta");
            (name, tensor)
        })
        .collect();
    copy.write_tensors(&tensors);
    assert_same_body(&copy.open(), &[HEAD]);
}

#[test]
fn the_configuration_knows_the_number_of_parameters() {
    let snapshot = tiny::snapshot();
    let model = tiny::classifier(&snapshot);
    let parameters = named(&model, None).into_iter();
    let of_body = parameters.filter(|(name, _)| !name.starts_with(HEAD));
    let elements: usize = of_body.map(|(_, values)| values.len()).sum();
    assert_eq!(elements, snapshot.config().num_params());
}

#[test]
fn every_float_type_is_computed_in_f32() {
    // The upper half of an f32 is a bf16, and every f32 is an f64: both loads are exact.
    let convert = |dtype, bytes: fn([u8; 4]) -> Vec<u8>| {
        let copy = Copy::new();
        let tensors = copy
            .tensors()
            .into_iter()
            .map(|(name, tensor)| {
                let (elements, _) = tensor.bytes.as_chunks::<4>();
                let bytes = elements.iter().copied().flat_map(bytes).collect();
                let shape = tensor.shape;
                (
                    name,
                    RawTensor {
                        dtype,
                        shape,
                        bytes,
                    },
                )
            })
            .collect();
        copy.write_tensors(&tensors);
        let model = tiny::classifier(&copy.open());
        // Reading them as f32 fails for any other type.
        named(&model, None);
        values(model.forward(batch(), &mut Dropouts::off()))
    };
    let full = convert(Dtype::F32, |x| x.to_vec());
    let half = convert(Dtype::F32, |x| vec![0, 0, x[2], x[3]]);
    assert_ne!(full, half);
    assert_eq!(half, convert(Dtype::BF16, |x| x[2..].to_vec()));
    let double = |x| f64::from(f32::from_le_bytes(x)).to_le_bytes().to_vec();
    assert_eq!(full, convert(Dtype::F64, double));
}

#[test]
fn a_fresh_head_is_normal_with_initializer_range_and_zero_bias() {
    let labels = 500;
    let head = |seed| {
        let copy = Copy::of_variant("base_model");
        let loaded = copy.open().classifier(labels, seed, &Device::flex());
        let mut parameters = named(&loaded.unwrap().model, None);
        ["weight", "bias"].map(|name| parameters.remove(&format!("{HEAD}.{name}")).unwrap())
    };
    let [weight, bias] = head(1);
    assert_eq!(weight, head(1)[0]);
    assert_ne!(weight, head(2)[0]);
    assert_eq!(bias, vec![0.0; labels]);

    let n = weight.len() as f64;
    assert_eq!(weight.len(), labels * 24);
    let mean = weight.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let deviation = (weight
        .iter()
        .map(|x| (f64::from(*x) - mean).powi(2))
        .sum::<f64>()
        / n)
        .sqrt();
    // Four standard errors: 0.02 / sqrt(n) of the mean, 0.02 / sqrt(2 n) of the deviation.
    let error = 4.0 * 0.02 / n.sqrt();
    assert!(mean.abs() < error, "{mean}");
    assert!(
        (deviation - 0.02).abs() < error / 2.0_f64.sqrt(),
        "{deviation}"
    );
}

#[test]
fn a_fresh_pooler_does_not_repeat_the_draws_of_the_head() {
    let copy = Copy::of_variant("masked_lm");
    let loaded = copy.open().classifier(24, HEAD_SEED, &Device::flex());
    let parameters = named(&loaded.unwrap().model, None);
    assert_ne!(
        parameters["classifier.weight"],
        parameters["bert.pooler.dense.weight"]
    );
}

#[test]
fn a_fresh_pooler_is_drawn_as_if_the_checkpoint_had_none() {
    let lacking = Copy::of_variant("masked_lm");
    let whole = tiny::snapshot().with_fresh_pooler().unwrap();
    let load = |snapshot: &Snapshot, seed| {
        let loaded = snapshot.classifier(LABELS, seed, &Device::flex()).unwrap();
        assert_eq!(loaded.fresh, [POOLER, HEAD]);
        (named(&loaded.model, None), loaded.notes)
    };
    let (drawn, notes) = load(&whole, HEAD_SEED);
    assert_eq!(drawn, load(&lacking.open(), HEAD_SEED).0);
    assert_ne!(drawn, load(&whole, HEAD_SEED + 1).0);
    let note = "the checkpoint's pooler is left aside: `bert.pooler.dense.bias`, `bert.pooler.dense.weight`";
    assert!(notes.contains(&note.to_owned()), "{notes:?}");
    let checked = whole.classifier_notes(LABELS, &Device::flex()).unwrap();
    assert!(checked.contains(&note.to_owned()), "{checked:?}");
}

#[test]
fn a_pooler_without_biases_is_said_to_look_untrained() {
    let copy = Copy::new();
    let mut tensors = copy.tensors();
    let notes = |copy: &Copy| {
        let notes = copy.open().classifier_notes(LABELS, &Device::flex());
        let about = |note: &String| note.contains("untrained");
        notes.unwrap().into_iter().filter(about).collect::<Vec<_>>()
    };
    assert!(notes(&copy).is_empty());
    let bias = tensors.get_mut("bert.pooler.dense.bias").unwrap();
    let last = bias.bytes.len() - 4;
    bias.bytes[..last].fill(0);
    copy.write_tensors(&tensors);
    assert!(notes(&copy).is_empty());
    tensors
        .get_mut("bert.pooler.dense.bias")
        .unwrap()
        .bytes
        .fill(0);
    copy.write_tensors(&tensors);
    assert_eq!(
        notes(&copy),
        [
            "the checkpoint's pooler looks untrained: `bert.pooler.dense.bias` is exactly 0; a fresh one (`--fresh pooler`) would be drawn from the seed, like the head, and not perturbed; `--classifier-pooling mean` would read the mean of all tokens"
        ]
    );
    let fresh = copy.open().with_fresh_pooler().unwrap();
    let of_fresh = fresh.classifier_notes(LABELS, &Device::flex()).unwrap();
    assert!(
        of_fresh.iter().all(|note| !note.contains("untrained")),
        "{of_fresh:?}"
    );
}

#[test]
fn the_head_takes_the_labels_asked_for_where_the_checkpoint_has_none() {
    let copy = Copy::of_variant("base_model");
    for labels in [1, LABELS, 3] {
        let loaded = copy.open().classifier(labels, HEAD_SEED, &Device::flex());
        let logits = loaded.unwrap().model.forward(batch(), &mut Dropouts::off());
        assert_eq!(logits.dims(), [5, labels]);
    }
}
