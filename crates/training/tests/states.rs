//! A stepper's state that is not one is refused.

use std::fs;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::OptimizerRecord;
use burn::tensor::{DType, Device};
use burn_pack::{Bytes, Scalar, Tensor, Writer};
use training::{Counters, LossScale, STATE_FILES, StepperState};

fn layer() -> Linear {
    LinearConfig::new(3, 2).init(&Device::flex())
}

/// What is said of these parameters.
fn read(parameters: &[u8]) -> Result<(), String> {
    read_both(parameters, &none(), 0)
}

fn none() -> Vec<u8> {
    let none = OptimizerRecord::default().into_bytes();
    none.expect("a record").to_vec()
}

/// What is said of these parameters and moments after so many steps and two that were skipped.
fn read_both(parameters: &[u8], moments: &[u8], steps: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(STATE_FILES[0]), parameters).expect("it is written");
    fs::write(folder.path().join(STATE_FILES[1]), moments).expect("it is written");
    let counters = Counters {
        steps: steps + 2,
        skipped: 2,
        passes: steps + 2,
        loss_scale: LossScale::none(),
    };
    let state = StepperState::read(folder.path(), counters, layer());
    state.map(|_| ()).map_err(|error| error.reason)
}

fn whole() -> Vec<u8> {
    let record = layer().into_record();
    record.into_bytes().expect("a record").to_vec()
}

#[test]
fn a_description_longer_than_the_file_is_refused_before_memory_is_taken() {
    assert_eq!(read(&whole()), Ok(()));
    let mut long = whole();
    long[6..10].copy_from_slice(&100_000_000_u32.to_le_bytes());
    let expected = format!(
        "the header announces 100000000 bytes of description, the file has {}",
        long.len()
    );
    assert_eq!(read(&long), Err(expected));
    let expected = "9 bytes, the header alone needs 10".to_owned();
    assert_eq!(read(&long[..9]), Err(expected));
}

#[test]
fn whole_numbers_in_place_of_a_parameter_are_refused() {
    let numbers = include_bytes!("../../fuzz-targets/corpus/checkpoint-tensors/whole-numbers");
    let reason = read(numbers).expect_err("they are of another type");
    assert!(
        reason.ends_with("a tensor of another type than its parameter"),
        "{reason}"
    );
}

/// AdamW's state of a parameter, as Burn records it.
fn moments(id: Option<u64>, shape: [usize; 2], dtype: DType, [rank, time]: [Scalar; 2]) -> Vec<u8> {
    moments_under("momentum", id, shape, dtype, [rank, time])
}

fn moments_under(
    momentum: &str,
    id: Option<u64>,
    shape: [usize; 2],
    dtype: DType,
    [rank, time]: [Scalar; 2],
) -> Vec<u8> {
    let name = id.unwrap_or(1);
    let bytes = vec![0; shape.iter().product::<usize>() * dtype.size()];
    let tensor = |moment: &str| {
        let bytes = Bytes::from_bytes_vec(bytes.clone());
        Tensor::new(
            format!("{name}.{momentum}.{moment}"),
            dtype,
            shape,
            id,
            bytes,
        )
    };
    let writer = Writer::new(vec![tensor("moment_1"), tensor("moment_2")])
        .with_scalar(&format!("{name}.__rank"), rank)
        .with_scalar(&format!("{name}.{momentum}.time"), time);
    writer.into_bytes().expect("a record").to_vec()
}

#[test]
fn moments_of_another_run_or_step_or_shape_are_refused() {
    let layer = layer();
    let parameters = layer.clone().into_record().into_bytes().expect("a record");
    let weight = layer.weight.id.val();
    let number = Scalar::UInt;
    let said =
        |id, shape, dtype, scalars| read_both(&parameters, &moments(id, shape, dtype, scalars), 5);
    let own = Some(weight);
    assert_eq!(
        said(own, [3, 2], DType::F32, [number(2), number(5)]),
        Ok(())
    );
    let foreign = weight ^ 1;
    for (id, shape, dtype, scalars, expected) in [
        (
            Some(foreign),
            [3, 2],
            DType::F32,
            [number(2), number(5)],
            format!("a state of parameter {foreign}, which the model lacks"),
        ),
        (
            own,
            [3, 2],
            DType::F32,
            [number(2), number(4)],
            "a state after 4 steps, the model has taken 5".to_owned(),
        ),
        (
            own,
            [2, 3],
            DType::F32,
            [number(2), number(5)],
            format!("{weight}.momentum.moment_1 is [2, 3] of F32, its parameter [3, 2]"),
        ),
        (
            own,
            [3, 2],
            DType::I32,
            [number(2), number(5)],
            format!("{weight}.momentum.moment_1 is [3, 2] of I32, its parameter [3, 2]"),
        ),
        (
            own,
            [3, 2],
            DType::F32,
            [number(9), number(5)],
            format!("parameter {weight} has 2 dimensions, its state 9"),
        ),
        (
            own,
            [3, 2],
            DType::F32,
            [number(2), Scalar::Float(0.5)],
            format!("momentum.time of parameter {weight} is not a whole number"),
        ),
        (
            None,
            [3, 2],
            DType::F32,
            [number(2), number(5)],
            "a state of parameter 1, which the model lacks".to_owned(),
        ),
    ] {
        assert_eq!(said(id, shape, dtype, scalars), Err(expected));
    }
    let expected = "no state, the model has taken 5 steps".to_owned();
    assert_eq!(read_both(&parameters, &none(), 5), Err(expected));

    // As RecAdam keeps them.
    let name = "adamw.momentum";
    let within = |time| moments_under(name, own, [3, 2], DType::F32, [number(2), time]);
    for (time, expected) in [
        (number(5), Ok(())),
        (
            number(4),
            Err("a state after 4 steps, the model has taken 5".to_owned()),
        ),
        (
            Scalar::Float(0.5),
            Err(format!(
                "{name}.time of parameter {weight} is not a whole number"
            )),
        ),
    ] {
        assert_eq!(read_both(&parameters, &within(time), 5), expected);
    }
}
