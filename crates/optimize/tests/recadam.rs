//! RecAdam against the paper's formula: `tests/golden/recadam`.

use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use optimize::{AdamW, AdamWConfig, RecAdam, RecAdamConfig};
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
        largest_pull: f64::INFINITY,
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
    let mut optimizer = RecAdam::new(config(&golden), &["head".to_owned()]).expect("in range");
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

/// Path components are any text a module's author chose; a regular expression would read some of it.
#[test]
fn fresh_paths_are_taken_literally() {
    let golden = golden();
    let config = config(&golden);
    for path in [
        "head[0", "head(1", "a.*", "^|$", r"\", "heads", "hea", "h.ad", "",
    ] {
        let end = |fresh: &[String]| {
            let mut optimizer = RecAdam::new(config, fresh).expect("in range");
            let values = &golden["gradients"].as_array().expect("an array")[0];
            let model = model(&golden["start"]);
            let gradients = gradients(&model, values);
            let model = optimizer.step(0.1, 1.0, model, gradients);
            let weight = model.head.weight.val().into_data();
            weight.try_to_vec::<f32>().expect("f32")
        };
        // None of them is the head's.
        assert_eq!(end(&[path.to_owned()]), end(&[]), "{path}");
        assert_ne!(end(&["head".to_owned()]), end(&[]));
    }
}

#[test]
fn constants_that_make_no_sense_are_refused() {
    let good = config(&golden());
    let adamw = good.adamw;
    let with = |adamw| RecAdamConfig { adamw, ..good };
    for (config, message) in [
        (
            with(AdamWConfig {
                betas: [0.9, 1.0],
                ..adamw
            }),
            "beta 1: expected 0 to below 1",
        ),
        (
            with(AdamWConfig {
                epsilon: 0.0,
                ..adamw
            }),
            "epsilon 0: expected a number above 0",
        ),
        (
            with(AdamWConfig {
                weight_decay: f64::NAN,
                ..adamw
            }),
            "weight decay NaN: expected a number from 0",
        ),
        (
            RecAdamConfig { pull: -1.0, ..good },
            "pull -1: expected a number from 0",
        ),
        (
            RecAdamConfig {
                slope: f64::INFINITY,
                ..good
            },
            "slope inf: expected a number from 0",
        ),
        (
            RecAdamConfig {
                midpoint: f64::NAN,
                ..good
            },
            "midpoint NaN: expected a number",
        ),
    ] {
        let error = RecAdam::new(config, &[]).err().expect("out of range");
        assert_eq!(error.to_string(), message);
        if config.adamw != adamw {
            let error = AdamW::new(config.adamw).err().expect("out of range");
            assert_eq!(error.to_string(), message);
        }
    }
}

#[test]
fn a_bounded_pull_that_would_overshoot_lands_on_the_start() {
    let golden = golden();
    let config = RecAdamConfig {
        pull: 1e9,
        midpoint: 1e6,
        largest_pull: 1.0,
        ..config(&golden)
    };
    let mut model = model(&golden["start"]);
    let mut optimizer = RecAdam::new(config, &[]).expect("in range");
    for values in golden["gradients"].as_array().expect("an array") {
        let gradients = gradients(&model, values);
        model = optimizer.step(1e-3, 1.0, model, gradients);
    }
    let end: Vec<f32> = model.body.bias.val().into_data().try_to_vec().expect("f32");
    for (end, start) in end.iter().zip(numbers(&golden["start"]["body.bias"])) {
        assert_eq!(*end, start as f32);
    }
}
