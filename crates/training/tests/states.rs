//! A stepper's state that is not one is refused.

use std::fs;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::OptimizerRecord;
use burn::tensor::Device;
use training::{Counters, LossScale, STATE_FILES, StepperState};

fn layer() -> Linear {
    LinearConfig::new(3, 2).init(&Device::flex())
}

/// What is said of these parameters.
fn read(parameters: &[u8]) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let moments = OptimizerRecord::default().into_bytes().expect("a record");
    fs::write(folder.path().join(STATE_FILES[0]), parameters).expect("it is written");
    fs::write(folder.path().join(STATE_FILES[1]), &*moments).expect("it is written");
    let counters = Counters {
        steps: 0,
        skipped: 0,
        passes: 0,
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
