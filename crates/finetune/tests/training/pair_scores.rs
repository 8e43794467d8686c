//! Pairs with a score, trained on the squared error, compared with PyTorch and transformers: `tests/golden/pair_scores`.

use burn::tensor::{Device, Tensor, TensorData};
use encoders::{Dropouts, Snapshot};
use finetune::batch::{Batch, BatchTargets, Filling};
use finetune::trainer::Trainer;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::parameters;
use crate::pytorch::{compare_every_gradient, compare_every_update, compare_steps, recipe};
use crate::reference::{FILLINGS, batch, floats, golden, integers, json};

const STEPS: usize = 5;

/// Of each logit: they reach 1.3, and PyTorch's own f32 run differs from its f64 run by 7e-7 of their length.
const LOGIT: f32 = 1e-5;

fn trainer(expected: &Value) -> Trainer {
    let device = Device::flex();
    let snapshot = Snapshot::open(golden("pair_scores/snapshot")).expect("the snapshot opens");
    let loaded = snapshot.finetuned_classifier(1, &device).expect("it loads");
    let recipe = recipe(&expected["settings"]);
    Trainer::new(loaded.model, &recipe, STEPS, 0, &device)
        .expect("a recipe in range")
        .without_dropout()
}

fn pairs(file: &SafeTensors<'_>, step: usize, filling: Filling, device: &Device) -> Batch {
    let part = |name: &str| integers(file, &format!("step.{step}.{name}"));
    let (shape, ids) = part("input_ids");
    let (rows, scores) = floats(file, &format!("step.{step}.labels"));
    let scores = Tensor::from_data(TensorData::new(scores, [rows[0]]), device);
    batch(
        [shape[0], shape[1]],
        ids,
        part("token_type_ids").1,
        &part("attention_mask").1,
        BatchTargets::Scores(scores),
        filling,
        device,
    )
}

#[test]
fn logits_loss_gradients_and_five_steps_of_pairs_with_scores_match_pytorch() {
    FILLINGS.into_iter().for_each(compare);
}

fn compare(filling: Filling) {
    let bytes = std::fs::read(golden("pair_scores/expected.safetensors")).expect("golden");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let expected = json(&golden("pair_scores/expected.json"));
    let mut trainer = trainer(&expected);
    let start = parameters::values(&trainer.model());

    for step in 0..STEPS {
        let input = pairs(&file, step, filling, &Device::flex()).input;
        let ours = trainer.model().forward(input, &mut Dropouts::off());
        let (shape, theirs) = floats(&file, &format!("step.{step}.logits"));
        assert_eq!(ours.dims().to_vec(), shape);
        let ours: Vec<f32> = ours.into_data().try_to_vec().expect("f32 elements");
        for (row, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            let apart = (ours - theirs).abs();
            assert!(
                apart <= LOGIT,
                "logit {row} of step {step}: {ours} against {theirs}"
            );
        }
    }

    let batch = pairs(&file, 0, filling, trainer.device());
    let (loss, gradients) = trainer.gradients(vec![batch]);
    let gradients = parameters::gradients(&trainer.model(), &gradients);
    compare_every_gradient(&expected, &file, loss, &gradients);

    let (mut losses, mut rates, mut norms) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..STEPS {
        let batch = pairs(&file, step, filling, trainer.device());
        let step = trainer.step(vec![batch]).expect("a finite loss");
        losses.push(step.loss);
        rates.push(step.learning_rate);
        norms.push(step.gradient_norm);
    }
    compare_steps(&expected, &losses, &rates, &norms);
    let end = parameters::values(&trainer.model());
    compare_every_update(&expected, &file, &rates, &start, &end);
}
