//! Layer normalisation, alone and at the end of a residual block, with the affine map and the dropout before it.

use burn::tensor::{Device, Tensor, TensorData};
use fused::{Dropout, DropoutKey, Norm};

use crate::values::{assert_close, leaf, read};
use crate::world::turn;

/// Rows and width: fewer and more than the units of a cube, than the rows that one takes in the backward pass, and than the cubes
/// that a device lines up in one dimension.
const SIZES: [[usize; 2]; 7] = [
    [1, 2],
    [3, 5],
    [17, 33],
    [65, 16],
    [300, 384],
    [7, 1000],
    // Of so many narrower rows, some are so nearly constant that rounding is what is normalised.
    [70_000, 16],
];
/// Width of what is projected at the end of a residual block.
const INPUTS: usize = 8;
const EPSILON: f64 = 1e-12;
/// Relative where the numbers are above 1: single precision, sums of some hundred terms of order 1 in two orders.
const ROUNDING: f64 = 1e-4;

fn dropout() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 11,
        step: 1 << 40,
        site: 2,
    };
    Dropout::new(0.1, key).expect("a probability")
}

/// The result and the gradients of all inputs, of a residual block or of a layer norm alone.
fn block(
    [rows, width]: [usize; 2],
    dropout: Option<Option<Dropout>>,
    change: impl Fn(Tensor<2>) -> Tensor<2>,
    device: &Device,
) -> Vec<Vec<f32>> {
    let device = &device.clone().autodiff();
    let inputs = if dropout.is_some() { INPUTS } else { width };
    let x = leaf(1, [rows, inputs], device);
    let (weight, bias) = (leaf(5, [inputs, width], device), leaf(6, [width], device));
    let residual = leaf(2, [rows, width], device);
    let [gamma, beta] = [3, 4].map(|salt| leaf(salt, [width], device));
    let changed = change(x.clone());
    let result = match dropout {
        Some(dropout) => {
            let norm = Norm {
                gamma: gamma.clone(),
                beta: beta.clone(),
                epsilon: EPSILON,
            };
            let (weight, bias) = (weight.clone(), bias.clone());
            fused::linear_dropout_add_layer_norm(
                changed,
                weight,
                bias,
                residual.clone(),
                norm,
                dropout,
            )
        }
        None => fused::layer_norm(changed, gamma.clone(), beta.clone(), EPSILON),
    };
    let upstream = leaf::<2>(99, result.dims(), device).detach();
    let gradients = (result.clone() * upstream).sum().backward();
    let mut all = vec![read(result)];
    all.push(read(x.grad(&gradients).expect("x takes part")));
    all.extend(residual.grad(&gradients).map(read));
    all.extend(weight.grad(&gradients).map(read));
    all.extend(bias.grad(&gradients).map(read));
    for parameter in [gamma, beta] {
        all.push(read(parameter.grad(&gradients).expect("it takes part")));
    }
    all
}

pub(crate) fn layer_norm_is_the_same_in_value_and_gradients(name: &str) {
    let turn = turn(name);
    for size in SIZES {
        for dropout in [None, Some(None), Some(dropout())] {
            let on = |device: &Device| block(size, dropout, |x| x, device);
            let ours = on(&turn.device);
            assert_close(&format!("{size:?}"), ROUNDING, &ours, &on(&Device::flex()));
            assert!(ours == on(&turn.device), "{size:?}: the same bits again");
        }
    }
}

pub(crate) fn rows_that_are_not_finite_stay_so_and_alone(name: &str) {
    let turn = turn(name);
    let [rows, width] = [40, 24];
    let on = |device: &Device| {
        let change = |x: Tensor<2>| {
            let mut values = vec![0.0; rows * INPUTS];
            values[3 * INPUTS + 5] = f32::NAN;
            values[20 * INPUTS] = f32::INFINITY;
            let change = TensorData::new(values, [rows, INPUTS]);
            x.clone() + Tensor::from_data(change, &x.device())
        };
        block([rows, width], Some(None), change, device)
    };
    let ours = on(&turn.device);
    assert_close("not finite", ROUNDING, &ours, &on(&Device::flex()));
    for (row, values) in ours[0].chunks(width).enumerate() {
        let is_changed = row == 3 || row == 20;
        assert!(values.iter().all(|x| x.is_nan() == is_changed), "row {row}");
    }
}
