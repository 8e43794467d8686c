//! Every kernel against its default body on NaN, infinities, subnormal numbers and extreme magnitudes.
//!
//! Burn's primitives on flex follow IEEE 754 in all of these (each agrees with PyTorch on where NaN and infinities come
//! out), so a kernel that differs is wrong. A diverged model must not train on as if nothing had happened.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::{BoolTensorOps, IntTensorOps, ModuleOps};
use burn::tensor::{FloatDType, Shape, TensorData};

use super::storage;
use crate::adamw::{AdamW, AdamWBackend};
use crate::attention::AttentionBackend;
use crate::cross_entropy::CrossEntropyBackend;
use crate::dropout::DropoutBackend;
use crate::embedding::EmbeddingBackend;
use crate::geglu::GegluBackend;
use crate::gelu::GeluBackend;
use crate::key::{Dropout, DropoutKey};
use crate::layer_norm::LayerNormBackend;
use crate::linear::LinearBackend;
use crate::packing::{Packed, Packing};
use crate::plain_attention::Primitives;
use crate::{
    adamw, cross_entropy, dropout, embedding, geglu, gelu, layer_norm, linear, plain_attention,
};

/// A payload must not turn NaN into a number, and subnormal numbers must not be taken for 0 where that shows.
const SPECIAL: [f32; 13] = [
    f32::NAN,
    f32::from_bits(0x7fc0_0155),
    f32::from_bits(0xffff_ffff),
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN,
    1e20,
    -1e20,
    1e-20,
    f32::MIN_POSITIVE / 3.0,
    f32::from_bits(1),
    -f32::MIN_POSITIVE / 3.0,
];

/// What is finite is compared closely by other tests; here a large number may have multiplied GELU's slope, which is
/// absolutely exact to 3e-7 and may be small.
const TOLERANCE: f64 = 1e-4;

fn ordinary(seed: usize, count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 37 + seed * 101 + 11) % 89) as f32 / 44.0 - 1.0)
        .collect()
}

/// Where something special stands among ordinary numbers.
#[derive(Clone, Copy, Debug)]
struct Special {
    value: f32,
    input: usize,
    /// Everywhere if `None`.
    place: Option<usize>,
}

/// Calls `test` with each special value at some places of each input and, unless a sum of it would overflow or not
/// depending on the order, everywhere.
fn for_each_special(shapes: &[&[usize]], test: impl Fn(Special, &[FlexTensor])) {
    for (input, shape) in shapes.iter().enumerate() {
        let count: usize = shape.iter().product();
        // Vectors of 4 to 16 lanes and what is left of the last: first, inner and last elements.
        let mut places: Vec<Option<usize>> = [0, 3, count / 2, count.saturating_sub(2), count - 1]
            .map(|place| Some(place.min(count - 1)))
            .to_vec();
        places.dedup();
        places.push(None);
        for value in SPECIAL {
            for &place in &places {
                if place.is_none() && value.abs() == f32::MAX {
                    continue;
                }
                let tensors: Vec<FlexTensor> = shapes
                    .iter()
                    .enumerate()
                    .map(|(i, shape)| {
                        let mut values = ordinary(i, shape.iter().product());
                        match place {
                            _ if i != input => {}
                            Some(place) => values[place] = value,
                            None => values.fill(value),
                        }
                        storage::from_vec(values, Shape::from(shape.to_vec()))
                    })
                    .collect();
                let special = Special {
                    value,
                    input,
                    place,
                };
                test(special, &tensors);
            }
        }
    }
}

/// NaN for NaN, infinity for infinity, and numbers that are close.
fn assert_same(what: &str, special: Special, got: &FlexTensor, expected: &FlexTensor) {
    assert_same_except(what, special, got, expected, |_, _| false);
}

/// [`assert_same`], except that `accepts` some elements of the kernel where the default body's is not finite.
fn assert_same_except(
    what: &str,
    special: Special,
    got: &FlexTensor,
    expected: &FlexTensor,
    accepts: impl Fn(usize, f32) -> bool,
) {
    let expected = storage::contiguous(expected.clone());
    let (got, expected) = (storage::elements(got), storage::elements(&expected));
    assert_eq!(got.len(), expected.len(), "{what}");
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let is_same = if expected.is_finite() {
            let (got, expected) = (f64::from(got), f64::from(expected));
            // What is everywhere makes differences of equal numbers, whose rounding is as large as they are.
            let is_close = (got - expected).abs() <= TOLERANCE * expected.abs().max(1.0);
            is_close || (special.place.is_none() && got.is_finite())
        } else {
            accepts(index, got)
                || (expected.is_nan() && got.is_nan())
                || got.to_bits() == expected.to_bits()
        };
        assert!(
            is_same,
            "{what} with {special:?}: element {index} is {got}, expected {expected}"
        );
    }
}

fn active() -> Dropout {
    let key = DropoutKey {
        seed: 1,
        step: 2,
        site: 3,
    };
    Dropout::new(0.4, key).expect("in range").expect("above 0")
}

#[test]
fn gelu_hides_nothing() {
    for_each_special(&[&[21], &[21]], |special, x| {
        let [x, grad] = [0, 1].map(|i| x[i].clone());
        let got = Flex::fused_gelu(x.clone());
        assert_same("gelu", special, &got, &gelu::plain::<Flex>(x.clone()));
        let got = Flex::fused_gelu_backward(x.clone(), grad.clone());
        let expected = gelu::plain_backward::<Flex>(x, grad);
        assert_same("gelu backward", special, &got, &expected);
    });
}

#[test]
fn geglu_hides_nothing() {
    for_each_special(&[&[3, 42], &[3, 21]], |special, x| {
        let [x, grad] = [0, 1].map(|i| x[i].clone());
        let got = Flex::fused_geglu(x.clone());
        assert_same("geglu", special, &got, &geglu::plain::<Flex>(x.clone()));
        let got = Flex::fused_geglu_backward(x.clone(), grad.clone());
        let expected = geglu::plain_backward::<Flex>(x, grad);
        assert_same("geglu backward", special, &got, &expected);
    });
}

#[test]
fn dropout_hides_nothing_that_it_drops() {
    for_each_special(&[&[600]], |special, x| {
        let got = Flex::fused_dropout(x[0].clone(), active());
        let expected = dropout::plain::<Flex>(x[0].clone(), active());
        assert_same("dropout", special, &got, &expected);
    });
}

#[test]
fn linear_hides_nothing() {
    let shapes: &[&[usize]] = &[&[5, 11], &[11, 19], &[19], &[5, 19]];
    for_each_special(shapes, |special, x| {
        let [x, weight, bias, grad] = [0, 1, 2, 3].map(|i| x[i].clone());
        let got = Flex::fused_linear(x.clone(), weight.clone(), bias.clone());
        let affine = Flex::linear(x.clone(), weight.clone(), Some(bias.clone()));
        assert_same("linear", special, &got, &affine);

        let (got, activated) =
            Flex::fused_linear_gelu_parts(x.clone(), weight.clone(), bias.clone());
        assert_same("linear of linear_gelu", special, &got, &affine);
        let expected = gelu::plain::<Flex>(affine);
        assert_same("linear_gelu", special, &activated, &expected);

        let got = Flex::fused_linear_x_backward(weight.clone(), grad.clone());
        let expected = Flex::linear_x_backward(weight, grad.clone());
        assert_same("linear: gradient of x", special, &got, &expected);
        let (weight, bias) = Flex::fused_linear_parameters_backward(x.clone(), grad.clone());
        let expected = linear::plain_parameters_backward::<Flex>(x, grad);
        assert_same("linear: gradient of weight", special, &weight, &expected.0);
        assert_same("linear: gradient of bias", special, &bias, &expected.1);
    });
}

#[test]
fn layer_norm_hides_nothing() {
    let shapes: &[&[usize]] = &[&[3, 21], &[21], &[21], &[3, 21], &[3, 21]];
    for_each_special(shapes, |special, x| {
        let [x, gamma, beta, grad, residual] = [0, 1, 2, 3, 4].map(|i| x[i].clone());
        let epsilon = 1e-12;
        let got = Flex::fused_layer_norm(x.clone(), gamma.clone(), beta.clone(), epsilon);
        let expected = layer_norm::plain::<Flex>(x.clone(), gamma.clone(), beta.clone(), epsilon);
        assert_same("layer norm", special, &got, &expected);

        let all = (x.clone(), gamma.clone(), grad.clone());
        let got = Flex::fused_layer_norm_backward(all.0, all.1, all.2, epsilon);
        let expected = layer_norm::plain_backward::<Flex>(x.clone(), gamma.clone(), grad, epsilon);
        assert_same("layer norm: gradient of x", special, &got.0, &expected.0);
        assert_same(
            "layer norm: gradient of gamma",
            special,
            &got.1,
            &expected.1,
        );
        assert_same("layer norm: gradient of beta", special, &got.2, &expected.2);

        let all = (x.clone(), residual.clone(), gamma.clone(), beta.clone());
        let dropout = Some(active());
        let (sum, got) =
            Flex::fused_dropout_add_layer_norm_parts(all.0, all.1, all.2, all.3, epsilon, dropout);
        let dropped = dropout::plain::<Flex>(x, active());
        let expected =
            <Flex as burn::backend::ops::FloatTensorOps<Flex>>::float_add(dropped, residual);
        assert_same("sum of the residual block", special, &sum, &expected);
        let expected = layer_norm::plain::<Flex>(expected, gamma, beta, epsilon);
        assert_same("residual block", special, &got, &expected);
    });
}

fn integers(values: &[i64], shape: [usize; 2]) -> FlexTensor {
    Flex::int_from_data(TensorData::new(values.to_vec(), shape), &Default::default())
}

#[test]
fn embedding_hides_nothing() {
    let indices = || integers(&[0, 4, 1, 1, 6, 0], [2, 3]);
    for_each_special(&[&[7, 11], &[2, 3, 11]], |special, x| {
        let [weight, grad] = [0, 1].map(|i| x[i].clone());
        let got = Flex::fused_embedding(weight.clone(), indices());
        let expected = Flex::embedding(weight.clone(), indices());
        assert_same("embedding", special, &got, &expected);
        let got = Flex::fused_embedding_backward(weight.clone(), indices(), grad.clone());
        let expected = embedding::plain_backward::<Flex>(weight, indices(), grad);
        assert_same("embedding backward", special, &got, &expected);
    });
}

#[test]
fn cross_entropy_hides_nothing() {
    let targets = || {
        let targets = integers(&[0, 20, 3], [3, 1]);
        Flex::int_reshape(targets, Shape::new([3]))
    };
    for_each_special(&[&[3, 21], &[1]], |special, x| {
        let [logits, grad] = [0, 1].map(|i| x[i].clone());
        let (loss, probabilities) = Flex::fused_cross_entropy_parts(logits.clone(), targets());
        let expected = cross_entropy::plain::<Flex>(logits, targets());
        assert_same("cross-entropy", special, &loss, &expected.0);
        assert_same("probabilities", special, &probabilities, &expected.1);
        let single = FloatDType::F32;
        let all = (probabilities, targets(), grad.clone());
        let got = Flex::fused_cross_entropy_backward(all.0, all.1, all.2, single);
        let expected = cross_entropy::plain_backward::<Flex>(expected.1, targets(), grad, single);
        assert_same("cross-entropy backward", special, &got, &expected);
    });
}

#[test]
fn adamw_and_the_squared_norm_hide_nothing() {
    let step = AdamW {
        learning_rate: 1e-3,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        time: 3,
        gradient_scale: 0.5,
    };
    let shape: &[usize] = &[21];
    for gradient_scale in [0.5, 0.0, f64::NAN] {
        let step = AdamW {
            gradient_scale,
            ..step
        };
        for_each_special(&[shape; 4], |special, x| {
            let [parameter, gradient, first, second] = [0, 1, 2, 3].map(|i| x[i].clone());
            let all = [&parameter, &gradient, &first, &second].map(Clone::clone);
            let [a, b, c, d] = all;
            let got = Flex::fused_adamw(a, b, c, d, step);
            let expected = adamw::plain::<Flex>(parameter, gradient.clone(), first, second, step);
            assert_same("adamw: parameter", special, &got.0, &expected.0);
            assert_same("adamw: first moment", special, &got.1, &expected.1);
            assert_same("adamw: second moment", special, &got.2, &expected.2);
            let got = Flex::fused_squared_norm(gradient.clone());
            let expected = adamw::plain_squared_norm::<Flex>(gradient);
            assert_same("squared norm", special, &got, &expected);
        });
    }
}

const HEADS: usize = 2;
const WIDTH: usize = 8;
const KEYS: usize = 11;

/// Compares values and gradients, which may be less infected by padding than those of the default body:
///
/// - The default body multiplies what stands in the padding by 0, which makes NaN of what is not finite. The kernel
///   leaves padding at the end out of its products and gives it no gradient.
/// - The default body pads packed sequences, so that infinity in one meets such zeros. The kernel has none; it may say
///   infinity for NaN, but not a number.
///
/// Nowhere is the kernel not finite where the default body is.
fn compare_attention(what: &str, kept: &[bool], packing: Option<Packed>, shapes: &[&[usize]; 4]) {
    let mask = || {
        let mask = TensorData::new(kept.to_vec(), [shapes[1][0], shapes[1][1]]);
        Flex::bool_from_data(mask, &Default::default())
    };
    for dropout in [None, Some(active())] {
        for_each_special(shapes, |special, x| {
            let [query, key, value, grad] = [0, 1, 2, 3].map(|i| x[i].clone());
            let is_padding = |index: usize| !kept[index / WIDTH];
            let is_key_or_value = [1, 2].contains(&special.input);
            let is_in_padding = is_key_or_value && special.place.is_some_and(is_padding);
            let meets_zeros = packing.is_some()
                || (is_key_or_value && special.place.is_none() && kept.contains(&false));
            // Its product with a value of padding overflows.
            let is_in_padding = is_in_padding
                || (special.input == 3 && special.value.abs() == f32::MAX && kept.contains(&false));
            let accepts = |_, got: f32| is_in_padding || (meets_zeros && !got.is_finite());
            let of_key = |index, got| is_padding(index) || accepts(index, got);

            let all = (query.clone(), key.clone(), value.clone(), packing.clone());
            let got = Flex::fused_attention(all.0, all.1, all.2, mask(), all.3, HEADS, dropout);
            let all = (query.clone(), key.clone(), value.clone(), packing.clone());
            let expected = plain_attention::plain::<Flex, Primitives>(
                all.0,
                all.1,
                all.2,
                mask(),
                all.3,
                HEADS,
                dropout,
            );
            assert_same_except(what, special, &got, &expected, accepts);

            let all = (query.clone(), key.clone(), value.clone(), packing.clone());
            let got = Flex::fused_attention_backward(
                all.0,
                all.1,
                all.2,
                mask(),
                all.3,
                grad.clone(),
                HEADS,
                dropout,
            );
            let expected = plain_attention::plain_backward::<Flex, Primitives>(
                query,
                key,
                value,
                mask(),
                packing.clone(),
                grad,
                HEADS,
                dropout,
            );
            let name = format!("{what}: gradient of query");
            assert_same_except(&name, special, &got.0, &expected.0, accepts);
            let name = format!("{what}: gradient of key");
            assert_same_except(&name, special, &got.1, &expected.1, of_key);
            let name = format!("{what}: gradient of value");
            assert_same_except(&name, special, &got.2, &expected.2, of_key);
        });
    }
}

#[test]
fn attention_hides_nothing() {
    let (query, key): (&[usize], &[usize]) = (&[2, 3, WIDTH], &[2, KEYS, WIDTH]);
    let shapes = &[query, key, key, query];
    let kept = |is_kept: fn(usize) -> bool| -> Vec<bool> { (0..2 * KEYS).map(is_kept).collect() };
    compare_attention("attention", &kept(|_| true), None, shapes);
    let trailing = kept(|i| i % KEYS < 7 + i / KEYS);
    compare_attention("attention with padding", &trailing, None, shapes);
    let holes = kept(|i| i % 3 != 0);
    compare_attention("attention with holes", &holes, None, shapes);
}

#[test]
fn packed_attention_hides_nothing_and_leaks_nothing_into_other_sequences() {
    let packing = |lengths: [usize; 3]| Packing::new(lengths).expect("few rows");
    let packed = Packed {
        queries: packing([3, 1, 2]),
        keys: packing([7, 1, 3]),
    };
    let (query, key): (&[usize], &[usize]) = (&[1, 6, WIDTH], &[1, KEYS, WIDTH]);
    let shapes = &[query, key, key, query];
    compare_attention("packed attention", &[true; KEYS], Some(packed), shapes);
}
