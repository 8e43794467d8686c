//! A step whose numbers are not finite fails, and says where the largest gradient was.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use optimize::{AdamW, AdamWConfig};
use training::{BatchGradients, Diverged, LossScale, Pass, Stepper, Taken};

/// Two parameters under a path each.
#[derive(Module, Debug)]
struct Pair {
    first: Vector,
    second: Vector,
}

#[derive(Module, Debug)]
struct Vector {
    weight: Param<Tensor<1>>,
}

impl Pair {
    fn new(device: &Device) -> Self {
        let vector = |values: [f32; 2]| Vector {
            weight: Param::from_tensor(Tensor::from_floats(values, device)),
        };
        Self {
            first: vector([1.0, 2.0]),
            second: vector([3.0, 4.0]),
        }
    }
}

/// The loss of a step, and the gradients of the two parameters.
struct Given {
    loss: f32,
    first: [f32; 2],
    second: [f32; 2],
}

impl BatchGradients<Pair, ()> for Given {
    fn examples(&self, _: &()) -> usize {
        1
    }

    fn gradients(&mut self, model: &Pair, _: (), pass: Pass) -> (Tensor<1>, GradientsParams) {
        let times = |vector: &Vector, gradient: [f32; 2]| {
            let weight = vector.weight.val();
            let gradient = Tensor::<1>::from_floats(gradient, &weight.device());
            (weight * gradient).sum()
        };
        let sum = times(&model.first, self.first) + times(&model.second, self.second);
        let gradients = GradientsParams::from_grads((sum * pass.scale).backward(), model);
        (Tensor::from_floats([self.loss], &Device::flex()), gradients)
    }
}

fn stepper(loss_scale: LossScale) -> Stepper<Pair, AdamW> {
    let config = AdamWConfig {
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weight_decay: 0.0,
    };
    let optimizer = AdamW::new(config).expect("the settings are in range");
    let model = Pair::new(&Device::flex());
    Stepper::new(model, optimizer, |_| 1e-3, 1.0, loss_scale).expect("a norm above 0")
}

fn step(stepper: &mut Stepper<Pair, AdamW>, mut given: Given) -> Result<Taken, Diverged> {
    stepper.step(vec![()], &mut given)
}

/// The values of both parameters.
fn values(stepper: &mut Stepper<Pair, AdamW>) -> Vec<f32> {
    let model = stepper.model().clone();
    let both = Tensor::cat(vec![model.first.weight.val(), model.second.weight.val()], 0);
    both.into_data().try_into_vec().expect("f32")
}

#[test]
fn the_parameter_with_the_largest_gradient_is_named() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    for (loss, first, second, what, path) in [
        (nan, [1.0, 1.0], [2.0, 0.0], "loss", "second.weight"),
        (nan, [1.0, 2.0], [2.0, 0.0], "loss", "first.weight"),
        (inf, [1.0, 2.0], [0.0, nan], "loss", "second.weight"),
        (1.0, [inf, 0.0], [9.0, 9.0], "gradient norm", "first.weight"),
        (
            1.0,
            [inf, 0.0],
            [0.0, nan],
            "gradient norm",
            "second.weight",
        ),
        (1.0, [nan, 0.0], [0.0, nan], "gradient norm", "first.weight"),
        // Finite, but not their squares.
        (
            1.0,
            [1e30, 0.0],
            [3e30, 0.0],
            "gradient norm",
            "second.weight",
        ),
    ] {
        let mut stepper = stepper(LossScale::none());
        let given = Given {
            loss,
            first,
            second,
        };
        let diverged = step(&mut stepper, given).expect_err("it diverges");
        let largest = diverged.largest.expect("there are gradients");
        assert_eq!(
            (diverged.what, diverged.step, largest.path.as_str()),
            (what, 0, path)
        );
        assert_eq!(values(&mut stepper), [1.0, 2.0, 3.0, 4.0]);
    }
}

#[test]
fn a_loss_scale_that_no_halving_helps_names_it_too_without_the_scale() {
    let mut stepper = stepper(LossScale::dynamic());
    let given = |second| Given {
        loss: 1.0,
        first: [1e-3, 0.0],
        second,
    };
    let taken = step(&mut stepper, given([1.0, 0.0])).expect("it is finite");
    assert!(!taken.is_skipped);
    let (skipped, diverged) = (0..)
        .find_map(
            |skipped| match step(&mut stepper, given([0.0, f32::INFINITY])) {
                Ok(taken) => {
                    assert!(taken.is_skipped);
                    None
                }
                Err(diverged) => Some((skipped, diverged)),
            },
        )
        .expect("it ends");
    assert_eq!(
        (skipped, diverged.what, diverged.step),
        (32, "gradient norm", 33)
    );
    let largest = diverged.largest.expect("there are gradients");
    assert_eq!(largest.path, "second.weight");
    // A loss that is not finite, with a scale that the norm does not contain.
    let given = Given {
        loss: f32::NAN,
        first: [3.0, 4.0],
        second: [0.0, 0.0],
    };
    let largest = step(&mut stepper, given).expect_err("it diverges").largest;
    let largest = largest.expect("there are gradients");
    assert_eq!((largest.path.as_str(), largest.norm), ("first.weight", 5.0));
}
