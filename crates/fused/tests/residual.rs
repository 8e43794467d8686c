//! The end of a residual block against its formula in Burn's operations.

mod reference;

use burn::tensor::Tensor;
use fused::{Dropout, DropoutKey, Norm, linear_dropout_add_layer_norm};
use reference::{Leaves, ROUNDING, assert_same, constant, leaf, values};

const EPSILON: f64 = 1e-12;
/// Rows, inputs and width.
const SIZES: [[usize; 3]; 6] = [
    [1, 3, 2],
    [3, 4, 5],
    [17, 8, 33],
    [65, 31, 16],
    [100, 96, 384],
    [7, 20, 1000],
];

fn active() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 11,
        step: 0,
        site: 2,
    };
    Dropout::new(0.1, key).expect("in range")
}

/// Of inputs in the order of the operation's arguments.
fn fused_end<const D: usize>(
    x: &Leaves,
    view: impl Fn(Tensor<D>) -> Tensor<D>,
    dropout: Option<Dropout>,
) -> Tensor<D> {
    let norm = Norm {
        gamma: x.get(4),
        beta: x.get(5),
        epsilon: EPSILON,
    };
    let [a, residual] = [x.get(0), x.get(3)].map(view);
    linear_dropout_add_layer_norm(a, x.get(1), x.get(2), residual, norm, dropout)
}

fn formula<const D: usize>(
    x: &Leaves,
    view: impl Fn(Tensor<D>) -> Tensor<D>,
    dropout: Option<Dropout>,
) -> Tensor<D> {
    let [a, residual] = [x.get(0), x.get(3)].map(view);
    let projected = fused::linear(a, x.get(1), x.get(2));
    let sum = fused::dropout(projected, dropout) + residual;
    reference::layer_norm(sum, x.get(4), x.get(5), EPSILON)
}

#[test]
fn the_end_of_a_block_equals_the_formula_in_value_and_gradients() {
    for dropout in [None, active()] {
        for [rows, inputs, width] in SIZES {
            assert_same::<2>(
                &format!("{rows}x{inputs}x{width} {dropout:?}"),
                |x| fused_end(x, |a| a, dropout),
                |x| formula(x, |a| a, dropout),
                &[
                    &[rows, inputs],
                    &[inputs, width],
                    &[width],
                    &[rows, width],
                    &[width],
                    &[width],
                ],
                5.0 * ROUNDING,
            );
        }
    }
}

#[test]
fn views_give_what_their_copies_give() {
    let view = |x: Tensor<3>| x.slice([0..2, 1..4, 2..11]).swap_dims(0, 1);
    assert_same::<3>(
        "views",
        |x| fused_end(x, view, active()),
        |x| formula(x, view, active()),
        &[&[2, 5, 12], &[9, 9], &[9], &[2, 5, 12], &[9], &[9]],
        5.0 * ROUNDING,
    );
}

#[test]
fn without_trained_parameters_the_others_have_the_same_gradients() {
    let gradients = |parameters: [Tensor<1>; 3], weight: Tensor<2>| {
        let (x, residual) = (leaf::<2>(1, [3, 4]), leaf(2, [3, 5]));
        let [bias, gamma, beta] = parameters;
        let norm = Norm {
            gamma,
            beta,
            epsilon: EPSILON,
        };
        let y = linear_dropout_add_layer_norm(
            x.clone(),
            weight,
            bias,
            residual.clone(),
            norm,
            active(),
        );
        let grads = (y * constant(3, [3, 5])).sum().backward();
        [x, residual].map(|x| values(x.grad(&grads).expect("a leaf")))
    };
    let trained = gradients([5, 6, 7].map(|seed| leaf(seed, [5])), leaf(4, [4, 5]));
    let frozen = gradients(
        [5, 6, 7].map(|seed| constant(seed, [5])),
        constant(4, [4, 5]),
    );
    assert_eq!(trained, frozen);
}
