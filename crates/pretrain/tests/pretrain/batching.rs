//! Batches of a run: their sequences and their tensors.

use burn::tensor::{Device, Int, Tensor};
use encoders::Layout;
use pretrain::{Batch, Batches, PretrainError, Recipe, Run, Sequences};

use crate::setup::{Folder, recipe, run_in, vocabulary};

fn ints<const D: usize>(tensor: Tensor<D, Int>) -> Vec<i64> {
    tensor.into_data().iter::<i64>().collect()
}

#[test]
fn every_sequence_comes_at_most_once_per_epoch_and_every_batch_is_full() {
    let folder = Folder::new();
    let run = Run::open(run_in(folder.path()), &Device::flex()).expect("a run");
    let mut batches = Batches::new(run.sequences(), &recipe()).expect("enough sequences");
    let count = run.sequences().len();
    assert_eq!(batches.per_epoch(), count / 4);
    let mut orders = Vec::new();
    for epoch in 0..2 {
        let mut seen = Vec::new();
        for within in 0..count / 4 {
            let (found, positions) = batches.of_step(epoch * (count / 4) + within);
            assert_eq!(found, epoch as u64);
            assert_eq!(positions.len(), 4);
            seen.extend_from_slice(positions);
        }
        orders.push(seen.clone());
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count / 4 * 4);
    }
    assert_ne!(orders[0], orders[1]);
    // Whatever was asked for before.
    let again = Batches::new(run.sequences(), &recipe())
        .expect("enough sequences")
        .of_step(count / 4 + 1)
        .1
        .to_vec();
    assert_eq!(again, orders[1][4..8]);
}

#[test]
fn special_tokens_stand_around_every_sequence_and_are_never_predicted() {
    let folder = Folder::new();
    let run = Run::open(run_in(folder.path()), &Device::flex()).expect("a run");
    let (sequences, recipe) = (run.sequences(), recipe());
    let positions: Vec<usize> = (0..8).collect();
    let batch = Batch::masked(
        sequences,
        &positions,
        0,
        &vocabulary(),
        &recipe,
        &Device::flex(),
    );
    let [rows, length] = batch.input.input_ids.dims();
    let longest = positions.iter().map(|&p| sequences.get(p).len()).max();
    assert_eq!(
        (rows, Some(length)),
        (8, longest.map(|longest| longest + 2))
    );
    let ids = ints(batch.input.input_ids);
    let Layout::Padded(mask) = batch.input.layout else {
        panic!("{:?}", batch.input.layout);
    };
    let mask: Vec<bool> = mask.into_data().iter::<bool>().collect();
    let mut real = 0;
    for row in 0..rows {
        let sequence = sequences.get(row);
        let ids = &ids[row * length..(row + 1) * length];
        assert_eq!((ids[0], ids[sequence.len() + 1]), (2, 3), "[CLS] and [SEP]");
        assert!(ids[sequence.len() + 2..].iter().all(|&id| id == 0), "[PAD]");
        for (column, &is_real) in mask[row * length..(row + 1) * length].iter().enumerate() {
            assert_eq!(is_real, column < sequence.len() + 2);
            real += usize::from(is_real);
        }
    }
    assert_eq!(batch.tokens, real);
    let (places, targets) = (ints(batch.places), ints(batch.targets));
    assert_eq!(places.len(), targets.len());
    for (&place, &target) in places.iter().zip(&targets) {
        let (row, column) = (place as usize / length, place as usize % length);
        assert!((1..=sequences.get(row).len()).contains(&column), "{column}");
        assert_eq!(i64::from(sequences.get(row)[column - 1]), target);
    }
}

#[test]
fn batches_that_cannot_be_filled_are_refused() {
    let folder = Folder::new();
    let run = Run::open(run_in(folder.path()), &Device::flex()).expect("a run");
    let refused = |sequences: &Sequences, batch_size| {
        let recipe = Recipe {
            batch_size,
            ..recipe()
        };
        Batches::new(sequences, &recipe).expect_err("no batch")
    };
    assert!(matches!(
        refused(run.sequences(), 0),
        PretrainError::Setting { .. }
    ));
    let error = refused(&Sequences::default(), 4).to_string();
    assert_eq!(error, "0 sequences in an epoch, accepted is at least 4");
    let error = refused(run.sequences(), 10_000);
    assert!(matches!(error, PretrainError::TooLittle { .. }), "{error}");
}
