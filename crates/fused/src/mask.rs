//! Which places of a dropout mask the elements of a tensor take, and the mask itself from the reference ChaCha8
//! generator, for backends without a kernel of their own.

use burn::tensor::Shape;
use chacha8_lanes::{BLOCK_WORDS, LANES};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::key::{Dropout, DropoutKey};
use crate::packing::Packed;

/// Elements decided by a group of ChaCha blocks, two per word.
pub(crate) const GROUP: usize = 2 * chacha8_lanes::GROUP;

impl DropoutKey {
    /// The ChaCha key.
    pub(crate) fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.step.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.site.to_le_bytes());
        bytes
    }
}

/// Places of the mask that belong to one head of one sequence.
pub(crate) fn head_stride(queries: usize, keys: usize) -> usize {
    (queries * keys).next_multiple_of(GROUP)
}

/// The shape of a tensor and the place of each of its elements in the mask.
///
/// Each `[queries, keys]` of a `[sequences, heads, queries, keys]` takes the next places in row-major order, from a
/// multiple of [`GROUP`] on.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    shape: Shape,
    dims: [usize; 4],
    packing: Option<Packed>,
}

impl Places {
    /// Element `i` has place `i`.
    pub(crate) fn in_order(shape: Shape) -> Self {
        let dims = [1, 1, 1, shape.num_elements()];
        Self {
            shape,
            dims,
            packing: None,
        }
    }

    /// Attention's probabilities `[sequences, heads, queries, keys]`. With a packing, each sequence has its own number
    /// of queries and keys, and the elements beyond them have no place.
    pub(crate) fn of_heads(dims: [usize; 4], packing: Option<Packed>) -> Self {
        Self {
            shape: Shape::new(dims),
            dims,
            packing,
        }
    }

    /// The shape of the tensor.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The tensor as `[sequences, heads, queries, keys]`.
    #[cfg(feature = "cube")]
    pub(crate) fn dims(&self) -> [usize; 4] {
        self.dims
    }

    #[cfg(feature = "cube")]
    pub(crate) fn is_packed(&self) -> bool {
        self.packing.is_some()
    }

    /// The first place of each sequence and how many queries and keys it has.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = (usize, [usize; 2])> {
        let [sequences, heads, queries, keys] = self.dims;
        (0..sequences).scan(0, move |next, sequence| {
            let [queries, keys] = match &self.packing {
                None => [queries, keys],
                Some(packed) => packed.lengths(sequence),
            };
            let first = *next;
            *next += heads * head_stride(queries, keys);
            Some((first, [queries, keys]))
        })
    }
}

/// What the elements are multiplied by: 0 or the rescaling factor, and 0 for an element without a place.
pub(crate) fn values(dropout: &Dropout, places: &Places) -> Vec<f32> {
    let [_, heads, queries, keys] = places.dims;
    let mut values = vec![0.0; places.shape.num_elements()];
    let per_sequence = values.chunks_mut((heads * queries * keys).max(1));
    for (values, (first, [rows, columns])) in per_sequence.zip(places.sequences()) {
        let mut kept = vec![0.0; rows * columns];
        for (head, values) in values.chunks_mut(queries * keys).enumerate() {
            fill(
                dropout,
                first + head * head_stride(rows, columns),
                &mut kept,
            );
            let kept = kept.chunks_exact(columns.max(1));
            for (values, kept) in values.chunks_mut(keys).zip(kept) {
                values[..columns].copy_from_slice(kept);
            }
        }
    }
    values
}

/// Writes what elements `start..start + out.len()` are multiplied by: 0 or the rescaling factor.
pub(crate) fn fill(dropout: &Dropout, start: usize, out: &mut [f32]) {
    let mut rng = ChaCha8Rng::from_seed(dropout.key.bytes());
    let scale = dropout.scale();
    let mut done = 0;
    while done < out.len() {
        let (group, offset) = ((start + done) / GROUP, (start + done) % GROUP);
        rng.set_word_pos((group * LANES * BLOCK_WORDS) as u128);
        let mut words = [[0u32; BLOCK_WORDS]; LANES];
        for word in words.as_flattened_mut() {
            *word = rng.next_u32();
        }
        let count = (GROUP - offset).min(out.len() - done);
        for (value, element) in out[done..done + count].iter_mut().zip(offset..) {
            let (word, half, lane) = (element / 32, element / 16 % 2, element % LANES);
            let bits = (words[lane][word] >> (16 * half)) as u16;
            *value = if bits >= dropout.threshold {
                scale
            } else {
                0.0
            };
        }
        done += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask is that of `tests/golden/dropout_mask/generate.py`.
    #[test]
    fn the_mask_is_the_documented_one() {
        for line in include_str!("../tests/golden/dropout_mask/kept.txt").lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let number = |i: usize| fields[i].parse::<u64>().expect("a number");
            let dropout = Dropout {
                threshold: number(3) as u16,
                key: DropoutKey {
                    seed: number(0),
                    step: number(1),
                    site: number(2) as u32,
                },
            };
            let expected: Vec<f32> = fields[5]
                .chars()
                .map(|kept| if kept == '1' { dropout.scale() } else { 0.0 })
                .collect();
            let mut got = vec![f32::NAN; expected.len()];
            fill(&dropout, number(4) as usize, &mut got);
            assert_eq!(got, expected, "{line}");
        }
    }
}
