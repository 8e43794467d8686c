//! Which sequences form a batch, and the tensors of a batch.

use burn::tensor::{Device, Int, Tensor, TensorData};
use encoders::{EncoderInput, Encoding};
use rand::seq::SliceRandom;

use crate::draws::{Purpose, generator};
use crate::error::PretrainError;
use crate::masking::mask;
use crate::recipe::Recipe;
use crate::sequences::Sequences;
use crate::vocabulary::{CLS, PAD, SEP, Vocabulary};

/// How many batches have their sequences sorted by length together: little padding, and the order stays random.
const POOL: usize = 50;

/// The epoch that keys the masks of the held-out sequences.
const HELD_OUT: u64 = u64::MAX;

/// Masked sequences on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What the model sees.
    pub input: EncoderInput,
    /// Where it predicts, `[count]`: `row * length + column`.
    pub places: Tensor<1, Int>,
    /// The right tokens there, `[count]`.
    pub targets: Tensor<1, Int>,
    /// Real tokens, including special ones.
    pub tokens: usize,
}

/// The positions of the sequences in each batch, epoch after epoch.
///
/// Every batch is full: an epoch leaves out the sequences that do not fill one.
#[derive(Clone, Debug)]
pub struct Batches {
    lengths: Vec<usize>,
    batch_size: usize,
    seed: u64,
    epoch: Option<(u64, Vec<usize>)>,
}

impl Batches {
    /// Prepares batches of `recipe.batch_size` sequences.
    ///
    /// # Errors
    /// [`PretrainError::Setting`], or [`PretrainError::TooLittle`] if the sequences do not fill a batch.
    pub fn new(sequences: &Sequences, recipe: &Recipe) -> Result<Self, PretrainError> {
        recipe.validate()?;
        if sequences.len() < recipe.batch_size {
            return Err(PretrainError::TooLittle {
                what: format!("{} sequences", sequences.len()),
                place: "an epoch".to_owned(),
                least: recipe.batch_size.to_string(),
            });
        }
        Ok(Self {
            lengths: sequences.lengths(),
            batch_size: recipe.batch_size,
            seed: recipe.seed,
            epoch: None,
        })
    }

    /// Batches per epoch, at least 1.
    pub fn per_epoch(&self) -> usize {
        self.lengths.len() / self.batch_size
    }

    /// The epoch of a step and the positions of its sequences; a function of the step alone.
    pub fn of_step(&mut self, step: usize) -> (u64, &[usize]) {
        let epoch = (step / self.per_epoch()) as u64;
        let within = step % self.per_epoch();
        if self
            .epoch
            .as_ref()
            .is_none_or(|(present, _)| *present != epoch)
        {
            self.epoch = Some((epoch, self.order(epoch)));
        }
        let order = self.epoch.as_ref().map_or(&[][..], |(_, order)| order);
        let start = within * self.batch_size;
        (epoch, &order[start..start + self.batch_size])
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        let mut rng = generator(self.seed, Purpose::Order, epoch, 0);
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        order.shuffle(&mut rng);
        order.truncate(self.per_epoch() * self.batch_size);
        for pool in order.chunks_mut(POOL * self.batch_size) {
            pool.sort_by_key(|&position| self.lengths[position]);
        }
        let mut batches: Vec<&[usize]> = order.chunks(self.batch_size).collect();
        batches.shuffle(&mut rng);
        batches.concat()
    }
}

impl Batch {
    /// Masks the sequences at `positions` for this epoch, and pads them to the longest.
    ///
    /// # Panics
    /// If a position is not below the number of sequences.
    pub fn masked(
        sequences: &Sequences,
        positions: &[usize],
        epoch: u64,
        vocabulary: &Vocabulary,
        recipe: &Recipe,
        device: &Device,
    ) -> Self {
        let masked: Vec<_> = positions
            .iter()
            .map(|&position| {
                let ids = sequences.get(position);
                mask(ids, vocabulary, recipe, epoch, position as u64)
            })
            .collect();
        let encodings: Vec<Encoding> = masked
            .iter()
            .map(|masked| {
                let ids = [&[CLS], masked.ids.as_slice(), &[SEP]].concat();
                let type_ids = vec![0; ids.len()];
                Encoding { ids, type_ids }
            })
            .collect();
        let input = EncoderInput::padded(&encodings, PAD, 0, device);
        let [_, length] = input.input_ids.dims();
        let places: Vec<i64> = masked
            .iter()
            .enumerate()
            // Shifted by one: [CLS] comes first.
            .flat_map(|(row, masked)| {
                masked
                    .places
                    .iter()
                    .map(move |place| row * length + place + 1)
            })
            .map(|place| place as i64)
            .collect();
        let targets: Vec<i64> = masked
            .iter()
            .flat_map(|masked| masked.targets.iter().map(|&id| i64::from(id)))
            .collect();
        let flat = |values: Vec<i64>| {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), device)
        };
        Self {
            input,
            places: flat(places),
            targets: flat(targets),
            tokens: encodings.iter().map(|encoding| encoding.ids.len()).sum(),
        }
    }

    /// A batch of held-out sequences, whose masks never change.
    pub(crate) fn held_out(
        sequences: &Sequences,
        positions: &[usize],
        vocabulary: &Vocabulary,
        recipe: &Recipe,
        device: &Device,
    ) -> Self {
        Self::masked(sequences, positions, HELD_OUT, vocabulary, recipe, device)
    }
}
