//! Noise for the tokens of a batch, drawn sequence by sequence.

use burn::tensor::{Tensor, TensorData};
use encoders::{EncoderInput, Layout};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A distribution around 0 with a scale of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    /// `U(-1, 1)`.
    Uniform,
    /// `N(0, 1)`.
    Normal,
}

/// Independent draws for every number of a token, in every batch.
pub(super) struct TokenNoise {
    pub(super) distribution: Distribution,
    /// What the draws are multiplied by.
    pub(super) scale: f64,
    /// Numbers of a token.
    pub(super) width: usize,
    pub(super) key: [u8; 32],
}

impl TokenNoise {
    /// The noise of a batch, the number `index` of the run: a shape as [`of_batch`] has it.
    pub(super) fn of(&self, input: &EncoderInput, index: usize) -> Tensor<3> {
        of_batch(input, self.width, self.key, index, |rng, values| {
            self.distribution.fill(rng, self.scale, values);
        })
    }
}

/// The noise of a batch: `[batch, length, width]`, or `[1, tokens, width]` where it is packed; zero on padding.
///
/// `fill` writes the noise of a sequence, token by token. Its generator is a function of the key, the number of the batch
/// in the run and the sequence's place in the batch, so the noise depends neither on the layout nor on other sequences.
pub(super) fn of_batch(
    input: &EncoderInput,
    width: usize,
    key: [u8; 32],
    index: usize,
    fill: impl Fn(&mut ChaCha8Rng, &mut [f32]) + Sync,
) -> Tensor<3> {
    let [rows, columns] = input.input_ids.dims();
    let mut values = vec![0.0; rows * columns * width];
    sequences(&mut values, &input.layout, columns, width)
        .into_par_iter()
        .enumerate()
        .for_each(|(row, values)| {
            let mut rng = ChaCha8Rng::from_seed(key);
            rng.set_stream((index as u64) << 32 | row as u64);
            fill(&mut rng, values);
        });
    let shape = [rows, columns, width];
    Tensor::from_data(TensorData::new(values, shape), &input.input_ids.device())
}

/// The values of each sequence's tokens, without those of padding, which is on the right.
fn sequences<'a>(
    values: &'a mut [f32],
    layout: &Layout,
    columns: usize,
    width: usize,
) -> Vec<&'a mut [f32]> {
    match layout {
        Layout::Padded(mask) => {
            let mask: Vec<bool> = mask.to_data().iter::<bool>().collect();
            let rows = values.chunks_mut((columns * width).max(1));
            rows.zip(mask.chunks(columns.max(1)))
                .map(|(row, mask)| {
                    let tokens = mask.iter().filter(|&&is_token| is_token).count();
                    &mut row[..tokens * width]
                })
                .collect()
        }
        Layout::Packed(packing) => {
            let mut rest = values;
            let mut part = |&tokens: &usize| {
                rest.split_off_mut(..tokens * width)
                    .expect("the lengths of a packing add up to its rows")
            };
            packing.lengths().iter().map(&mut part).collect()
        }
    }
}

impl Distribution {
    /// Fills with draws times `scale`, each rounded to f32 once.
    fn fill(self, rng: &mut ChaCha8Rng, scale: f64, values: &mut [f32]) {
        match self {
            Self::Uniform => {
                for value in values {
                    *value = (uniform(rng.next_u32()) * scale) as f32;
                }
            }
            Self::Normal => {
                for pair in values.chunks_mut(2) {
                    let draws = normal_pair(rng.next_u32(), rng.next_u32());
                    for (value, draw) in pair.iter_mut().zip(draws) {
                        *value = (draw * scale) as f32;
                    }
                }
            }
        }
    }
}

/// Maps a word to one of 2^24 values, each in the middle of its cell in (-1, 1): symmetric about 0, and exact.
pub(super) fn uniform(word: u32) -> f64 {
    (f64::from(word >> 8) + 0.5) / f64::from(1 << 23) - 1.0
}

/// Box–Muller on the midpoints of 2^32 cells.
///
/// `libm` and not the functions of `std`, whose last bits depend on the platform.
fn normal_pair(first: u32, second: u32) -> [f64; 2] {
    let unit = |word: u32| (f64::from(word) + 0.5) / 2f64.powi(32);
    let radius = libm::sqrt(-2.0 * libm::log(unit(first)));
    let (sin, cos) = libm::sincos(std::f64::consts::TAU * unit(second));
    [radius * cos, radius * sin]
}
