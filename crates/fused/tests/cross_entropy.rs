//! Cross-entropy against Burn's log-softmax, and where single precision ends.

mod reference;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use reference::{ROUNDING, assert_same, device, values};

fn targets(rows: usize, classes: usize) -> Tensor<1, Int> {
    // The first class, the last, and others, some more than once.
    let targets: Vec<i64> = (0..rows)
        .map(|row| (row * row * 7) % classes)
        .map(|t| t as i64)
        .collect();
    let mut targets = targets;
    targets[rows - 1] = classes as i64 - 1;
    Tensor::from_ints(targets.as_slice(), &device())
}

#[test]
fn cross_entropy_equals_burn_in_value_and_gradient() {
    for [rows, classes] in [[1, 1], [1, 2], [3, 7], [31, 64], [100, 1000], [65, 8192]] {
        assert_same::<1>(
            &format!("cross-entropy {rows}x{classes}"),
            |x| fused::cross_entropy(x.get(0), targets(rows, classes)),
            |x| {
                let indices = targets(rows, classes).reshape([rows, 1]);
                log_softmax(x.get::<2>(0), 1)
                    .gather(1, indices)
                    .mean()
                    .neg()
            },
            &[&[rows, classes]],
            ROUNDING,
        );
    }
    assert_same::<1>(
        "cross-entropy of a transposed slice",
        |x| fused::cross_entropy(x.get::<2>(0).slice([1..5, 2..9]).transpose(), targets(7, 4)),
        |x| {
            let x = x.get::<2>(0).slice([1..5, 2..9]).transpose();
            let indices = targets(7, 4).reshape([7, 1]);
            log_softmax(x, 1).gather(1, indices).mean().neg()
        },
        &[&[6, 10]],
        ROUNDING,
    );
}

#[test]
fn logits_that_are_used_elsewhere_stay_as_they_were() {
    let logits = reference::constant(1, [5, 9]);
    let before = values(logits.clone());
    let _ = fused::cross_entropy(logits.clone(), targets(5, 9));
    assert_eq!(values(logits), before);
}

#[test]
fn a_target_whose_probability_underflows_has_its_distance_as_loss() {
    let logits = Tensor::<2>::from_floats([[0.0, 1000.0, -300.0]], &device()).require_grad();
    let target = Tensor::<1, Int>::from_ints([2], &device());
    let loss = fused::cross_entropy(logits.clone(), target);
    let gradient = values(logits.grad(&loss.backward()).expect("a leaf"));
    assert_eq!(values(loss), [1300.0]);
    assert_eq!(gradient, [0.0, 1.0, -1.0]);
}

#[test]
fn a_logit_that_is_not_a_number_reaches_the_loss_and_the_gradient_of_its_row() {
    for place in 0..3 {
        let mut logits = [1.0, 2.0, 0.5];
        logits[place] = f32::NAN;
        let logits = Tensor::<2>::from_floats([logits, [0.0, 0.0, 0.0]], &device()).require_grad();
        let loss = fused::cross_entropy(logits.clone(), targets(2, 3));
        let gradient = values(logits.grad(&loss.backward()).expect("a leaf"));
        let loss = values(loss);
        assert!(loss[0].is_nan(), "{place}: {loss:?}");
        assert!(
            gradient[..3].iter().all(|x| x.is_nan()),
            "{place}: {gradient:?}"
        );
        assert!(
            gradient[3..].iter().all(|x| x.is_finite()),
            "{place}: {gradient:?}"
        );
    }
}

#[test]
#[should_panic(expected = "rows of logits and targets")]
fn as_many_targets_as_rows_are_needed() {
    fused::cross_entropy(reference::constant(1, [5, 9]), targets(4, 9));
}

#[test]
#[should_panic(expected = "expected less than 9")]
fn a_target_beyond_the_classes_is_refused() {
    fused::cross_entropy(reference::constant(1, [5, 9]), targets(5, 12));
}
