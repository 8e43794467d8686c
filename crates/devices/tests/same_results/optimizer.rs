//! The norm over many gradients and the steps of many parameters.

use burn::tensor::{Device, Tensor, TensorData};
use fused::{AdamW, AdamWSteps, Moments, SquaredNorm};

use crate::world::turn;

/// More parameters than a kernel takes at once; elements that fill no unit, cube or round of all cubes, no element at all, and
/// several ranks.
const SIZES: [usize; 12] = [1, 3, 255, 256, 257, 0, 1000, 7, 4096, 70_001, 2, 300_000];
const PARAMETERS: usize = 140;

/// Of the norm and of parameters and moments, relative where they are above 1: sums in another order, and a root and a division
/// that GPUs round less well, three times.
const ROUNDING: f64 = 3e-6;

fn numbers(salt: usize, count: usize) -> Vec<f32> {
    let number = |i: usize| ((i * 7919 + salt * 104_729 + i * i * 31) % 2003) as f32 / 1001.5 - 1.0;
    (0..count).map(number).collect()
}

fn size(parameter: usize) -> usize {
    // The large ones only once.
    let sizes = if parameter < SIZES.len() {
        SIZES.len()
    } else {
        9
    };
    SIZES[parameter % sizes]
}

fn row(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

fn gradient(parameter: usize, step: usize, device: &Device) -> Tensor<1> {
    row(
        numbers(1000 * (step + 1) + parameter, size(parameter)),
        device,
    )
}

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32 elements")
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[track_caller]
fn assert_close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (&ours, &theirs)) in ours.iter().zip(theirs).enumerate() {
        let (ours, theirs) = (f64::from(ours), f64::from(theirs));
        let is_same = ours == theirs || ours.is_nan() && theirs.is_nan();
        assert!(
            is_same || (ours - theirs).abs() <= ROUNDING * theirs.abs().max(1.0),
            "{what}, element {at}: {ours:e}, expected {theirs:e}"
        );
    }
}

fn squared_norm(device: &Device, change: impl Fn(usize, Vec<f32>) -> Vec<f32>) -> Vec<f32> {
    let mut sum = SquaredNorm::default();
    for parameter in 0..PARAMETERS {
        let values = change(parameter, numbers(parameter, size(parameter)));
        let values = row(values, device);
        match size(parameter) {
            // A view whose rows are not one after the other.
            count if count > 0 && count % 4 == 0 => {
                sum.add(values.reshape([4, count / 4]).transpose());
            }
            _ => sum.add(values),
        }
    }
    read(sum.total().expect("there are gradients"))
}

/// As [`ROUNDING`], for ndarray: it adds 300,000 squares one after the other in f32, which was 1.5e-5 off.
const ROUNDING_ONE_BY_ONE: f64 = 5e-5;

pub(crate) fn the_norm_of_all_gradients_is_the_same(name: &str) {
    let turn = turn(name);
    let ours = squared_norm(&turn.device, |_, values| values);
    let theirs = squared_norm(&Device::flex(), |_, values| values);
    let apart = (ours[0] / theirs[0] - 1.0).abs();
    println!("norm: {apart:.1e}");
    let rounding = match name {
        "ndarray" => ROUNDING_ONE_BY_ONE,
        _ => ROUNDING,
    };
    assert!(f64::from(apart) <= rounding, "{ours:?} against {theirs:?}");
    let again = squared_norm(&turn.device, |_, values| values);
    assert_eq!(bits(&again), bits(&ours));
    // One element more or less is seen wherever it is.
    for (parameter, element) in [(0, 0), (4, 256), (9, 70_000), (139, size(139) - 1)] {
        let with = squared_norm(&turn.device, |of, mut values| {
            if of == parameter {
                values[element] += 1e4;
            }
            values
        });
        let grown = with[0] - ours[0];
        assert!((grown / 1e8 - 1.0).abs() < 1e-3, "{parameter}: {grown}");
    }
    assert!(SquaredNorm::default().total().is_none());
    let mut nothing = SquaredNorm::default();
    nothing.add(row(Vec::new(), &turn.device));
    assert_eq!(read(nothing.total().expect("a gradient")), [0.0]);
}

pub(crate) fn gradients_that_are_not_finite_are_seen_in_the_norm(name: &str) {
    let turn = turn(name);
    for (value, parameter) in [
        (f32::NAN, 0),
        (f32::INFINITY, 9),
        (f32::NEG_INFINITY, 139),
        (3e38, 76),
    ] {
        let change = |of, mut values: Vec<f32>| {
            if of == parameter {
                *values.last_mut().expect("not empty") = value;
            }
            values
        };
        let ours = squared_norm(&turn.device, change);
        let theirs = squared_norm(&Device::flex(), change);
        assert_eq!(ours[0].is_nan(), theirs[0].is_nan(), "{value}");
        assert_eq!(
            ours[0] == f32::INFINITY,
            theirs[0] == f32::INFINITY,
            "{value}"
        );
        assert!(!ours[0].is_finite(), "{value}");
    }
}

fn numbers_of_step(weight_decay: f64, step: usize) -> AdamW {
    AdamW {
        learning_rate: 1e-2,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay,
        time: step as u32 + 1,
        gradient_scale: 0.25,
    }
}

/// Parameters and moments after some steps. Every third parameter decays; `shared` ones have another owner.
fn steps(
    device: &Device,
    count: usize,
    shared: bool,
    change: impl Fn(usize, usize, Tensor<1>) -> Tensor<1>,
) -> Vec<Vec<f32>> {
    let of = |parameter| row(numbers(parameter, size(parameter)), device);
    let mut parameters: Vec<(Tensor<1>, Option<Moments<1>>)> = (0..PARAMETERS)
        .map(|parameter| (of(parameter), None))
        .collect();
    let starts: Vec<Tensor<1>> = match shared {
        true => parameters.iter().map(|(start, _)| start.clone()).collect(),
        false => Vec::new(),
    };
    for step in 0..count {
        let mut together = AdamWSteps::default();
        for (place, (parameter, moments)) in parameters.drain(..).enumerate() {
            let numbers = numbers_of_step(if place % 3 == 0 { 0.1 } else { 0.0 }, step);
            let gradient = change(place, step, gradient(place, step, device));
            let added = together.add(parameter, gradient, moments, numbers);
            added.expect("numbers in range");
        }
        let mut stepped = together.take();
        while let Some((parameter, moments)) = stepped.hand_back() {
            parameters.push((parameter, Some(moments)));
        }
    }
    for (place, start) in starts.into_iter().enumerate() {
        assert_eq!(read(start), numbers(place, size(place)), "its other owner");
    }
    let read_all = |(parameter, moments): (Tensor<1>, Option<Moments<1>>)| {
        let moments = moments.expect("after a step");
        [parameter, moments.first, moments.second].map(read)
    };
    parameters.into_iter().flat_map(read_all).collect()
}

pub(crate) fn steps_of_all_parameters_are_the_same(name: &str) {
    let turn = turn(name);
    let as_it_is = |_, _, gradient| gradient;
    let ours = steps(&turn.device, 3, true, as_it_is);
    let theirs = steps(&Device::flex(), 3, false, as_it_is);
    assert_eq!((ours.len(), theirs.len()), (3 * PARAMETERS, 3 * PARAMETERS));
    for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_close(&format!("tensor {place}"), ours, theirs);
    }
    let again = steps(&turn.device, 3, false, as_it_is);
    assert!(again.iter().zip(&ours).all(|(a, b)| bits(a) == bits(b)));
}

/// Widths whose rows CUDA and ROCm lay out apart, so that a copy of the parameter is not what its owner's is.
pub(crate) fn matrices_that_others_own_take_their_step_too(name: &str) {
    const ROWS: usize = 7;
    let turn = turn(name);
    let moved = |device: &Device| {
        let matrix = |salt, width| {
            let values = TensorData::new(numbers(salt, ROWS * width), [ROWS * width]);
            Tensor::<1>::from_data(values, device).reshape([ROWS, width])
        };
        let mut together = AdamWSteps::default();
        let mut owners = Vec::new();
        for width in [2, 3, 312] {
            let parameter: Tensor<2> = matrix(width, width);
            owners.push(parameter.clone());
            let step = numbers_of_step(0.1, 0);
            let added = together.add(parameter, matrix(1000 + width, width), None, step);
            added.expect("numbers in range");
        }
        let mut stepped = together.take();
        let mut values = Vec::new();
        while let Some((parameter, _)) = stepped.hand_back::<2>() {
            values.push(read(parameter));
        }
        for owner in owners {
            let [_, width] = owner.dims();
            assert_eq!(read(owner), numbers(width, ROWS * width), "its other owner");
        }
        values
    };
    let (ours, theirs) = (moved(&turn.device), moved(&Device::flex()));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_close("a matrix", ours, theirs);
    }
    assert_eq!(ours.len(), 3);
}

pub(crate) fn gradients_that_are_not_finite_reach_their_elements_alone(name: &str) {
    let turn = turn(name);
    let change = |place: usize, step, gradient: Tensor<1>| match (place, step) {
        (8 | 20, 1) => {
            let values = numbers(place, size(place)).into_iter().enumerate();
            let values = values.map(|(at, x)| match at % 1000 {
                5 => f32::NAN,
                6 => f32::INFINITY,
                _ => x,
            });
            row(values.collect(), &gradient.device())
        }
        _ => gradient,
    };
    let ours = steps(&turn.device, 2, false, change);
    let theirs = steps(&Device::flex(), 2, false, change);
    for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_close(&format!("tensor {place}"), ours, theirs);
    }
    assert_eq!(ours[3 * 8].iter().filter(|x| x.is_nan()).count(), 10);
}
