//! The noise of a parameter depends on the seed, its path and its values, and on nothing else.

use burn::module::Module;
use burn::tensor::{Device, TensorData};
use noisytune_burn::{NoisyTuneConfig, Selection};

use crate::model::{One, floats, noised, noised_by, weights};

#[derive(Module, Debug)]
struct Forward {
    first: One<1>,
    second: One<1>,
}

#[derive(Module, Debug)]
struct Backward {
    second: One<1>,
    first: One<1>,
}

/// Large enough for several blocks, so that threads have something to share.
fn one() -> One<1> {
    One::new(TensorData::new(weights(50_001), [50_001]))
}

fn forward() -> Forward {
    Forward {
        first: one(),
        second: one(),
    }
}

#[test]
fn the_same_seed_gives_the_same_noise() {
    assert_eq!(floats(&noised(forward()).0), floats(&noised(forward()).0));
}

#[test]
fn another_seed_or_another_path_gives_other_noise() {
    let (model, _) = noised(forward());
    let (other, _) = noised_by(forward(), NoisyTuneConfig::new(0.15).with_seed(8));
    assert_ne!(model.first.data(), other.first.data());
    assert_ne!(model.first.data(), model.second.data());
}

#[test]
fn the_order_of_the_traversal_does_not_matter() {
    let (forward, _) = noised(forward());
    let (backward, _) = noised(Backward {
        second: one(),
        first: one(),
    });
    assert_eq!(forward.first.data(), backward.first.data());
    assert_eq!(forward.second.data(), backward.second.data());
}

#[test]
fn what_is_excluded_does_not_matter_to_the_rest() {
    let (all, _) = noised(forward());
    let selection = Selection::everything().except(["first"]);
    let mapper = NoisyTuneConfig::new(0.15)
        .with_seed(7)
        .with_selection(selection);
    let (some, _) = noised_by(forward(), mapper);
    assert_eq!(all.second.data(), some.second.data());
    assert_eq!(some.first.data(), one().data());
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let results = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let (model, report) = pool.install(|| noised(forward()));
        (floats(&model), report)
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[test]
fn autodiff_does_not_matter() {
    let (plain, _) = noised(forward());
    let (autodiff, _) = noised(forward().fork(&Device::flex()).train());
    assert_eq!(floats(&plain), floats(&autodiff));
}

#[test]
fn a_reused_mapper_gives_the_same_noise_again() {
    let mut mapper = NoisyTuneConfig::new(0.15).with_seed(7).init().unwrap();
    let first = forward().map(&mut mapper);
    let second = forward().map(&mut mapper);
    assert_eq!(floats(&first), floats(&second));
    let entries = &mapper.report().entries;
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[..2], entries[2..]);
}
