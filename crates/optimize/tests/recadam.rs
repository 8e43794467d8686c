//! RecAdam against the paper's formula: `tests/golden/recadam`.

use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use optimize::{AdamWConfig, RecAdam, RecAdamConfig};
use serde_json::Value;

/// Eight f32 steps against f64: a few roundings of parameters of size 1, whose change is near 1e-3.
const ABSOLUTE: f64 = 1e-6;

#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Model {
    body: Layer,
    head: Layer,
}

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/recadam/golden.json")).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().expect("an array").iter();
    numbers.map(|x| x.as_f64().expect("a number")).collect()
}

fn tensor<const D: usize>(value: &Value, shape: [usize; D]) -> Tensor<D> {
    let values: Vec<f32> = numbers(value).into_iter().map(|x| x as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn model(start: &Value) -> Model {
    let layer = |name: &str, shape: [usize; 2]| Layer {
        weight: Param::initialized(
            ParamId::new(),
            tensor(&start[format!("{name}.weight")], shape),
        ),
        bias: Param::initialized(
            ParamId::new(),
            tensor(&start[format!("{name}.bias")], [shape[1]]),
        ),
    };
    Model {
        body: layer("body", [5, 3]),
        head: layer("head", [3, 2]),
    }
    .train()
}

fn gradients(model: &Model, values: &Value) -> GradientsParams {
    let mut gradients = GradientsParams::new();
    for (name, layer, shape) in [("body", &model.body, [5, 3]), ("head", &model.head, [3, 2])] {
        let weight: Tensor<2> = tensor(&values[format!("{name}.weight")], shape);
        gradients.register(layer.weight.id, weight);
        let bias: Tensor<1> = tensor(&values[format!("{name}.bias")], [shape[1]]);
        gradients.register(layer.bias.id, bias);
    }
    gradients
}

fn config(golden: &Value) -> RecAdamConfig {
    let number = |name: &str| golden[name].as_f64().expect("a number");
    RecAdamConfig {
        adamw: AdamWConfig {
            betas: [0, 1].map(|i| golden["betas"][i].as_f64().expect("a number")),
            epsilon: number("epsilon"),
            weight_decay: number("weight_decay"),
        },
        pull: number("pull"),
        slope: number("slope"),
        midpoint: number("midpoint"),
    }
}

#[test]
fn the_annealing_is_the_sigmoid_of_the_paper() {
    let golden = golden();
    for (step, expected) in (1..).zip(numbers(&golden["annealing"])) {
        let ours = config(&golden).annealing(step);
        assert!(
            (ours - expected).abs() < 1e-12,
            "step {step}: {ours} {expected}"
        );
    }
}

#[test]
fn eight_steps_match_the_formula_in_body_and_head() {
    let golden = golden();
    let mut model = model(&golden["start"]);
    let mut optimizer = RecAdam::new(config(&golden), &["head".to_owned()]);
    let steps = golden["gradients"].as_array().expect("an array");
    for (rate, values) in numbers(&golden["learning_rates"]).into_iter().zip(steps) {
        // Half the gradients at twice the scale: the scale reaches the step.
        let mut halved = values.clone();
        for value in halved.as_object_mut().expect("an object").values_mut() {
            *value = numbers(value).iter().map(|x| x / 2.0).collect();
        }
        let gradients = gradients(&model, &halved);
        model = optimizer.step(rate, 2.0, model, gradients);
    }
    let compare = |name: &str, ours: TensorData| {
        let ours: Vec<f32> = ours.try_to_vec().expect("f32");
        let expected = numbers(&golden["end"][name]);
        assert_eq!(ours.len(), expected.len());
        for (ours, expected) in ours.into_iter().zip(expected) {
            let error = (f64::from(ours) - expected).abs();
            assert!(error < ABSOLUTE, "{name}: {ours} against {expected}");
        }
    };
    compare("body.weight", model.body.weight.val().into_data());
    compare("body.bias", model.body.bias.val().into_data());
    compare("head.weight", model.head.weight.val().into_data());
    compare("head.bias", model.head.bias.val().into_data());
}

#[test]
fn a_pull_that_would_overshoot_lands_on_the_start() {
    let golden = golden();
    let config = RecAdamConfig {
        pull: 1e9,
        midpoint: 1e6,
        ..config(&golden)
    };
    let mut model = model(&golden["start"]);
    let mut optimizer = RecAdam::new(config, &[]);
    for values in golden["gradients"].as_array().expect("an array") {
        let gradients = gradients(&model, values);
        model = optimizer.step(1e-3, 1.0, model, gradients);
    }
    let end: Vec<f32> = model.body.bias.val().into_data().try_to_vec().expect("f32");
    for (end, start) in end.iter().zip(numbers(&golden["start"]["body.bias"])) {
        assert_eq!(*end, start as f32);
    }
}
