//! Casts of many tensors at once are those of each, and so are their gradients.

mod reference;

use burn::tensor::{FloatDType, Tensor};
use fused::{Casted, Casts};
use reference::{constant, leaf, values};

/// More than are cast back together.
const TENSORS: u64 = 70;

fn shape(number: u64) -> [usize; 2] {
    [1 + number as usize % 3, 1 + number as usize * 7 % 11]
}

fn next<const D: usize>(casted: &mut Casted) -> Tensor<D> {
    casted.hand_back().expect("another tensor")
}

#[test]
fn casts_and_their_gradients_are_those_of_each() {
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let results = |together: bool| {
            let matrices: Vec<Tensor<2>> = (0..TENSORS).map(|i| leaf(i, shape(i))).collect();
            let vector = leaf::<1>(TENSORS, [5]);
            let mut casts = Casts::default();
            casts.add(vector.clone());
            matrices.iter().for_each(|x| casts.add(x.clone()));
            let mut casted = casts.take(dtype);
            let cast: Vec<Tensor<2>> = match together {
                true => {
                    assert_eq!(values(next::<1>(&mut casted)), values(vector.cast(dtype)));
                    let cast = matrices.iter().map(|_| next(&mut casted)).collect();
                    assert!(casted.hand_back::<1>().is_none(), "no more than were added");
                    cast
                }
                false => matrices.iter().map(|x| x.clone().cast(dtype)).collect(),
            };
            // Used in another order, twice each, and every fifth not at all.
            let used = cast.iter().enumerate().rev().filter(|(i, _)| i % 5 != 0);
            let losses = used.map(|(i, x)| {
                let factor = constant::<2>(100 + i as u64, x.dims()).cast(dtype);
                let square = x.clone() * x.clone();
                (square * factor).sum().cast(FloatDType::F32)
            });
            let gradients = losses.reduce(|a, b| a + b).expect("some").backward();
            let gradients = matrices.iter().map(|x| x.grad(&gradients).map(values));
            let cast = cast.iter().map(|x| {
                assert_eq!(FloatDType::from(x.dtype()), dtype);
                values(x.clone())
            });
            (cast.collect::<Vec<_>>(), gradients.collect::<Vec<_>>())
        };
        let (cast, gradients) = results(true);
        let (expected, of_each) = results(false);
        assert_eq!(cast, expected, "{dtype:?}");
        assert!(gradients[5].is_none() && gradients[6].is_some());
        assert_eq!(gradients, of_each, "{dtype:?}");
    }
}

#[test]
fn tensors_of_several_types_and_constants_are_cast_too() {
    let single = leaf::<2>(1, [3, 4]);
    let fixed = constant::<2>(2, [3, 4]);
    let half = leaf::<2>(3, [3, 4]);
    let mut casts = Casts::default();
    casts.add(single.clone());
    casts.add(fixed.clone());
    casts.add(half.clone().cast(FloatDType::F16));
    let mut casted = casts.take(FloatDType::BF16);
    let all: [Tensor<2>; 3] = std::array::from_fn(|_| next(&mut casted));
    let [of_single, of_fixed, of_half] = all;
    assert_eq!(
        values(of_fixed.clone()),
        values(fixed.clone().cast(FloatDType::BF16))
    );
    let product = of_single * of_fixed * of_half;
    let gradients = product.sum().cast(FloatDType::F32).backward();

    let each = [
        single.clone(),
        fixed.clone(),
        half.clone().cast(FloatDType::F16),
    ];
    let [of_single, of_fixed, of_half] = each.map(|x| x.cast(FloatDType::BF16));
    let expected = (of_single * of_fixed * of_half).sum();
    let expected = expected.cast(FloatDType::F32).backward();
    for leaf in [&single, &half] {
        let [ours, theirs] =
            [&gradients, &expected].map(|all| values(leaf.grad(all).expect("a leaf")));
        assert_eq!(ours, theirs);
    }
    assert!(fixed.grad(&gradients).is_none());
}

#[test]
fn nothing_is_cast_to_nothing() {
    assert!(
        Casts::default()
            .take(FloatDType::F16)
            .hand_back::<1>()
            .is_none()
    );
}
