//! Shapes that do not fit together are refused before any kernel reads memory.

mod reference;

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Bool, Tensor};
use fused::{AdamW, Norm, adamw_step};
use reference::{constant, device};

/// Fails unless `call` panics with a message that starts with the name of the operation.
#[track_caller]
fn refused<T>(operation: &str, call: impl FnOnce() -> T) {
    let panic = catch_unwind(AssertUnwindSafe(call))
        .err()
        .expect("accepted");
    let message = panic.downcast_ref::<String>().expect("a formatted message");
    assert!(message.contains(operation), "{message}");
}

#[test]
fn misfits_are_refused() {
    let matrix = |rows, columns| constant::<2>(1, [rows, columns]);
    let vector = |count| constant::<1>(1, [count]);
    refused("linear: x", || {
        fused::linear(matrix(2, 3), matrix(4, 5), vector(5))
    });
    refused("linear: bias", || {
        fused::linear(matrix(2, 4), matrix(4, 5), vector(4))
    });
    refused("linear: x", || {
        fused::linear_gelu(matrix(2, 3), matrix(4, 5), vector(5))
    });
    refused("geglu: x", || fused::geglu(matrix(2, 3)));
    refused("parts: x", || fused::parts::<2, 2>(matrix(2, 3)));
    refused("parts: x", || fused::parts::<0, 2>(matrix(2, 3)));
    refused("rotary: x", || {
        let x = constant::<3>(1, [2, 3, 8]);
        fused::rotary(x, matrix(2, 2), matrix(2, 2), 2)
    });
    refused("rotary: x", || {
        let x = constant::<3>(1, [2, 3, 8]);
        fused::rotary(x, matrix(3, 2), matrix(3, 2), 3)
    });
    refused("rotary: x", || {
        let x = constant::<3>(1, [2, 3, 8]);
        fused::rotary(x, matrix(3, 2), matrix(3, 1), 2)
    });
    refused("layer_norm: gamma", || {
        fused::layer_norm(matrix(2, 3), vector(4), vector(3), 1e-5)
    });
    refused("layer_norm: beta", || {
        fused::layer_norm(matrix(2, 3), vector(3), vector(1), 1e-5)
    });
    let norm = |width| Norm {
        gamma: vector(width),
        beta: vector(3),
        epsilon: 1e-5,
    };
    let end = |x, weight, bias, residual, norm| {
        fused::linear_dropout_add_layer_norm(x, weight, bias, residual, norm, None)
    };
    refused("layer_norm: x and residual", || {
        end(matrix(2, 5), matrix(5, 3), vector(3), matrix(1, 3), norm(3))
    });
    refused("layer_norm: gamma", || {
        end(matrix(2, 5), matrix(5, 3), vector(3), matrix(2, 3), norm(2))
    });
    refused("linear: x", || {
        end(matrix(2, 4), matrix(5, 3), vector(3), matrix(2, 3), norm(3))
    });
    refused("linear: bias", || {
        end(matrix(2, 5), matrix(5, 3), vector(1), matrix(2, 3), norm(3))
    });

    let x = |batch, sequence, width| constant::<3>(1, [batch, sequence, width]);
    let attention = |query: [usize; 3], key: [usize; 3], value: [usize; 3], heads| {
        let [query, key, value] = [query, key, value].map(|[b, s, w]| x(b, s, w));
        fused::attention(query, key, value, heads, None, None)
    };
    let same = [2, 3, 4];
    refused("attention: query", || attention([1, 3, 4], same, same, 2));
    refused("attention: query", || attention([2, 3, 8], same, same, 2));
    refused("attention: value", || attention(same, same, [2, 2, 4], 2));
    refused("attention width", || attention(same, same, same, 3));
    refused("attention width", || attention(same, same, same, 0));
    refused("attention: key_mask", || {
        let mask = Tensor::<2, Bool>::ones([2, 4], &device());
        fused::attention(x(2, 3, 4), x(2, 3, 4), x(2, 3, 4), 2, Some(mask), None)
    });

    let step = AdamW {
        learning_rate: 1e-3,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        time: 1,
        gradient_scale: 1.0,
    };
    refused("adamw_step", || {
        adamw_step(vector(3).inner(), vector(2).inner(), None, step)
    });
}

#[test]
fn an_epsilon_that_makes_no_sense_is_refused() {
    for epsilon in [-1e-5, f64::NAN, f64::INFINITY] {
        let [x, gamma] = [[2, 3], [1, 3]].map(|shape| constant::<2>(1, shape));
        let gamma = gamma.reshape([3]);
        refused("layer_norm: epsilon", || {
            fused::layer_norm(x.clone(), gamma.clone(), gamma.clone(), epsilon)
        });
        refused("layer_norm: epsilon", || {
            let norm = Norm {
                gamma: gamma.clone(),
                beta: gamma.clone(),
                epsilon,
            };
            let weight = constant(2, [3, 3]);
            fused::linear_dropout_add_layer_norm(x.clone(), weight, gamma, x, norm, None)
        });
    }
}
