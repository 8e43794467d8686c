//! The sequences of a batch in groups of similar length, each padded to its own longest.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::input::{Layout, Tokens};

/// Where the sequences of a batch go for operations that need them padded.
///
/// A padded batch is one group and stays as it is. The sequences of a packed batch are sorted into groups, so that
/// what grows with the square of the length is computed for hardly more than the real tokens.
pub(crate) struct Groups {
    /// The sequences of each group as a batch of its own.
    layouts: Vec<Layout>,
    /// `None` for a padded batch.
    order: Option<Order>,
}

/// How the rows of a packed batch are put into groups and back.
struct Order {
    /// For every place of the padded groups, its row: `[1, places]`; any for padding.
    rows: Tensor<2, Int>,
    /// For every row, its place: `[1, rows]`.
    places: Tensor<2, Int>,
    /// For every sequence of the groups, its number in the batch.
    sequences: Tensor<1, Int>,
    /// For every sequence of the batch, its number in the groups.
    numbers: Tensor<1, Int>,
}

/// A sequence begins a new group if it is shorter than this part of the group's longest. Fewer groups compute more
/// padding, more groups launch more operations.
const SIMILAR: f64 = 0.7;

impl Groups {
    pub(crate) fn of(layout: &Layout, device: &Device) -> Self {
        let Layout::Packed(packing) = layout else {
            return Self {
                layouts: vec![layout.clone()],
                order: None,
            };
        };
        let lengths = packing.lengths();
        let starts: Vec<usize> = packing.starts().collect();
        let mut sorted: Vec<usize> = (0..lengths.len()).collect();
        sorted.sort_by_key(|&sequence| std::cmp::Reverse(lengths[sequence]));
        let mut layouts = Vec::new();
        let mut rows = Vec::new();
        let mut places = vec![0; packing.rows()];
        // Sequences without tokens need no group of their own.
        let similar = |longest: &usize, other: &usize| {
            lengths[*other] == 0 || lengths[*other] as f64 >= SIMILAR * lengths[*longest] as f64
        };
        let mut rest = sorted.as_slice();
        while let Some(longest) = rest.first() {
            let end = rest.iter().position(|other| !similar(longest, other));
            let (group, others) = rest.split_at(end.unwrap_or(rest.len()));
            rest = others;
            for &sequence in group {
                let (start, length) = (starts[sequence], lengths[sequence]);
                let place = rows.len();
                rows.extend((0..lengths[*longest]).map(|i| match i < length {
                    true => (start + i) as i64,
                    false => 0,
                }));
                for i in 0..length {
                    places[start + i] = (place + i) as i64;
                }
            }
            layouts.push(Layout::of_lengths(group.iter().map(|&i| lengths[i])));
        }
        let mut numbers = vec![0; sorted.len()];
        for (number, &sequence) in sorted.iter().enumerate() {
            numbers[sequence] = number as i64;
        }
        let sequences: Vec<i64> = sorted.into_iter().map(|sequence| sequence as i64).collect();
        let line = |values: Vec<i64>| {
            let shape = [values.len()];
            Tensor::<1, Int>::from_data(TensorData::new(values, shape), device)
        };
        Self {
            layouts,
            order: Some(Order {
                rows: line(rows).unsqueeze(),
                places: line(places).unsqueeze(),
                sequences: line(sequences),
                numbers: line(numbers),
            }),
        }
    }

    /// The sequences of each group as a batch of its own.
    pub(crate) fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// The states of each group, `[sequences, longest, width]`; those of padding mean nothing.
    ///
    /// # Shapes
    /// - `states`: `[batch, length, width]`, or `[1, tokens, width]` where it is packed
    pub(crate) fn padded(&self, states: Tensor<3>) -> Vec<Tensor<3>> {
        let Some(order) = &self.order else {
            return vec![states];
        };
        let [_, rows, width] = states.dims();
        // As a table look-up, whose gradient the fused operation sums in parallel.
        let states = fused::embedding(states.reshape([rows, width]), order.rows.clone());
        self.split(states, |[sequences, longest]| [sequences, longest])
    }

    /// The states of some tokens of each group, `[sequences, longest or 1, width]`.
    ///
    /// # Shapes
    /// - `states`: as for [`padded`](Self::padded), or `[batch, 1, width]`, `[1, batch, width]`
    pub(crate) fn of_tokens(&self, tokens: Tokens, states: Tensor<3>) -> Vec<Tensor<3>> {
        match (tokens, &self.order) {
            (Tokens::All, _) => self.padded(states),
            (Tokens::First | Tokens::Last, None) => vec![states],
            (Tokens::First | Tokens::Last, Some(order)) => {
                let states = states.select(1, order.sequences.clone());
                self.split(states, |[sequences, _]| [sequences, 1])
            }
        }
    }

    /// The inverse of [`of_tokens`](Self::of_tokens).
    pub(crate) fn joined(&self, tokens: Tokens, states: Vec<Tensor<3>>) -> Tensor<3> {
        let Some(order) = &self.order else {
            return Tensor::cat(states, 0);
        };
        let states = states.into_iter().map(|states| {
            let [sequences, longest, width] = states.dims();
            states.reshape([sequences * longest, width])
        });
        let states = Tensor::cat(states.collect(), 0);
        match tokens {
            Tokens::All => fused::embedding(states, order.places.clone()),
            Tokens::First | Tokens::Last => states.select(0, order.numbers.clone()).unsqueeze(),
        }
    }

    /// Cuts `[1, places, width]` into what each group has of it.
    fn split(&self, states: Tensor<3>, extent: fn([usize; 2]) -> [usize; 2]) -> Vec<Tensor<3>> {
        let [_, _, width] = states.dims();
        let mut start = 0;
        let part = |layout: &Layout| {
            let [sequences, length] = extent(layout.extent());
            let part = states.clone().narrow(1, start, sequences * length);
            start += sequences * length;
            part.reshape([sequences, length, width])
        };
        self.layouts.iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(rows: usize, device: &Device) -> Tensor<3> {
        Tensor::<1, Int>::arange(0..rows as i64, device)
            .float()
            .reshape([1, rows, 1])
    }

    fn values(states: Tensor<3>) -> Vec<f32> {
        states.into_data().try_to_vec().expect("floats")
    }

    #[test]
    fn sequences_of_similar_length_are_padded_together() {
        let device = Device::flex();
        let layout = Layout::of_lengths([2, 9, 0, 10, 2]);
        let groups = Groups::of(&layout, &device);
        let extents: Vec<_> = groups.layouts().iter().map(Layout::extent).collect();
        assert_eq!(extents, [[2, 10], [3, 2]]);
        let [long, short] =
            <[_; 2]>::try_from(groups.padded(states(23, &device))).expect("two groups");
        let long = values(long);
        assert_eq!(
            long[..10],
            [11., 12., 13., 14., 15., 16., 17., 18., 19., 20.]
        );
        assert_eq!(long[10..19], [2., 3., 4., 5., 6., 7., 8., 9., 10.]);
        // The sequence without tokens is all padding.
        assert_eq!(values(short), [0., 1., 21., 22., 0., 0.]);
    }

    #[test]
    fn what_was_put_into_groups_comes_back_in_order() {
        let device = Device::flex();
        let layout = Layout::of_lengths([2, 9, 1, 10, 2]);
        let groups = Groups::of(&layout, &device);
        for (tokens, rows) in [(Tokens::All, 24), (Tokens::First, 5), (Tokens::Last, 5)] {
            let before = states(rows, &device);
            let after = groups.joined(tokens, groups.of_tokens(tokens, before.clone()));
            assert_eq!(after.dims(), [1, rows, 1], "{tokens:?}");
            assert_eq!(values(after), values(before), "{tokens:?}");
        }
    }
}
