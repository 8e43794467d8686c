//! A batch of token sequences, padded to the longest or laid end to end.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use fused::{Dropout, Packing, Rows};

use crate::tokenizer::Encoding;

/// A batch on a device.
///
/// # Shapes
/// - all tensors: `[batch, length]` if padded, `[1, tokens]` if packed
#[derive(Clone, Debug)]
pub struct EncoderInput {
    /// Token ids; padding holds the pad token.
    pub input_ids: Tensor<2, Int>,
    /// Where the embedding of each token is, if the model's table of token embeddings has only some of its rows.
    pub rows: Option<Tensor<2, Int>>,
    /// 0 for the first sentence of a pair, 1 for the second.
    pub token_type_ids: Tensor<2, Int>,
    /// Where the sequences are.
    pub layout: Layout,
}

/// How the sequences of a batch lie in its tensors.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // There is one per batch.
pub enum Layout {
    /// Each in a row of its own, padded on the right. The attention mask, `[batch, length]`, is true for real
    /// tokens.
    Padded(Tensor<2, Bool>),
    /// End to end in one row, without padding.
    Packed(Packing),
}

/// Which tokens a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// All of them.
    All,
    /// The first of each sequence, which attends to all of them.
    First,
    /// The last of each sequence, which attends to all of them.
    Last,
}

/// The states that a layer's attention starts from, once for each of their uses.
pub(crate) struct AttentionStates {
    /// Of some tokens: what the result of attention is added to.
    pub(crate) residual: Tensor<3>,
    /// Of some tokens.
    pub(crate) queries: Tensor<3>,
    /// Of all tokens.
    pub(crate) keys: Tensor<3>,
    /// Of all tokens.
    pub(crate) values: Tensor<3>,
}

impl EncoderInput {
    /// Pads on the right to the longest sequence of the batch, or to `least` tokens if that is more.
    pub fn padded<'a>(
        encodings: impl IntoIterator<Item = &'a Encoding>,
        pad_token_id: u32,
        least: usize,
        device: &Device,
    ) -> Self {
        let encodings: Vec<&Encoding> = encodings.into_iter().collect();
        let batch = encodings.len();
        let longest = encodings.iter().map(|e| e.ids.len()).max();
        let length = longest.unwrap_or(0).max(least);
        let mut ids = vec![i64::from(pad_token_id); batch * length];
        let mut types = vec![0_i64; batch * length];
        let mut mask = vec![false; batch * length];
        for (row, encoding) in encodings.iter().enumerate() {
            for (column, (id, kind)) in encoding.ids.iter().zip(&encoding.type_ids).enumerate() {
                let at = row * length + column;
                ids[at] = i64::from(*id);
                types[at] = i64::from(*kind);
                mask[at] = true;
            }
        }
        let shape = [batch, length];
        let mask = Tensor::from_data(TensorData::new(mask, shape), device);
        Self {
            input_ids: Tensor::from_data(TensorData::new(ids, shape), device),
            rows: None,
            token_type_ids: Tensor::from_data(TensorData::new(types, shape), device),
            layout: Layout::Padded(mask),
        }
    }

    /// Lays the sequences end to end, so that nothing is computed for padding.
    pub fn packed<'a>(encodings: impl IntoIterator<Item = &'a Encoding>, device: &Device) -> Self {
        let encodings: Vec<&Encoding> = encodings.into_iter().collect();
        let layout = Layout::of_lengths(encodings.iter().map(|e| e.ids.len()));
        let row = |part: fn(&Encoding) -> &[u32]| {
            let all = encodings.iter().flat_map(|encoding| part(encoding));
            let all: Vec<i64> = all.map(|&id| i64::from(id)).collect();
            let shape = [1, all.len()];
            Tensor::from_data(TensorData::new(all, shape), device)
        };
        Self {
            input_ids: row(|encoding| &encoding.ids),
            rows: None,
            token_type_ids: row(|encoding| &encoding.type_ids),
            layout,
        }
    }

    /// The rows of the table of token embeddings that the batch looks up, in the order of its tokens, padding included. Reads
    /// them from the device.
    ///
    /// # Panics
    /// When an id is below 0.
    pub fn looked_up(&self) -> Vec<usize> {
        let ids = self.input_ids.to_data().convert::<i64>();
        let ids = ids.iter::<i64>();
        let row = |id| {
            usize::try_from(id).unwrap_or_else(|_| panic!("token id {id}: expected 0 or more"))
        };
        ids.map(row).collect()
    }

    /// The batch for a model whose table of token embeddings has these rows alone.
    ///
    /// # Panics
    /// When the batch looks up another row.
    #[must_use]
    pub fn at_rows(self, rows: &Rows) -> Self {
        let place = |id| match rows.place(id) {
            Some(place) => place as i64,
            None => panic!("token id {id}: expected one of the table's rows"),
        };
        let places: Vec<i64> = self.looked_up().into_iter().map(place).collect();
        let places = TensorData::new(places, self.input_ids.dims());
        Self {
            rows: Some(Tensor::from_data(places, &self.input_ids.device())),
            ..self
        }
    }

    /// The batch for a model with the whole table of token embeddings.
    #[must_use]
    pub fn at_all_rows(self) -> Self {
        Self { rows: None, ..self }
    }

    /// What to look up in the table of token embeddings.
    pub(crate) fn words(&self) -> Tensor<2, Int> {
        self.rows.as_ref().unwrap_or(&self.input_ids).clone()
    }

    /// Converts the batch for a model that runs without autodiff.
    pub fn without_autodiff(self) -> Self {
        Self {
            input_ids: self.input_ids.without_autodiff(),
            rows: self.rows.map(Tensor::without_autodiff),
            token_type_ids: self.token_type_ids.without_autodiff(),
            layout: match self.layout {
                Layout::Padded(mask) => Layout::Padded(mask.without_autodiff()),
                packed @ Layout::Packed(_) => packed,
            },
        }
    }
}

impl Layout {
    /// Sequences of these lengths end to end.
    pub(crate) fn of_lengths(lengths: impl IntoIterator<Item = usize>) -> Self {
        Self::Packed(Packing::new(lengths).expect("ids in memory are counted"))
    }

    /// The position of each token in its sequence: `[1, length]` for all rows, or `[1, tokens]`.
    pub(crate) fn positions(&self, device: &Device) -> Tensor<2, Int> {
        match self {
            Self::Padded(mask) => {
                let [_, length] = mask.dims();
                Tensor::<1, Int>::arange(0..length as i64, device).unsqueeze()
            }
            Self::Packed(packing) => {
                let positions = packing.lengths().iter().flat_map(|&n| 0..n as i64);
                let positions: Vec<i64> = positions.collect();
                Tensor::from_data(TensorData::new(positions, [1, packing.rows()]), device)
            }
        }
    }

    /// The position of each token where the pad token has its own id as position and the others count from the next
    /// number: as `ids`, `[batch, length]` or `[1, tokens]`.
    pub(crate) fn positions_after(&self, pad: u32, ids: Tensor<2, Int>) -> Tensor<2, Int> {
        let device = ids.device();
        let is_token = ids.not_equal_elem(i64::from(pad)).int();
        let mut counted = is_token.clone().cumsum(1);
        if let Self::Packed(packing) = self {
            // Every sequence counts from its own start.
            let starts = packing.starts().zip(packing.lengths());
            let starts: Vec<i64> = starts
                .flat_map(|(start, &length)| std::iter::repeat_n(start as i64, length))
                .collect();
            let starts = TensorData::new(starts, [packing.rows()]);
            let starts = Tensor::<1, Int>::from_data(starts, &device);
            let before = (counted.clone() - is_token.clone()).select(1, starts);
            counted = counted - before;
        }
        counted * is_token + i64::from(pad)
    }

    /// The position of each of some tokens in its sequence, as of a padded batch: `[1, longest]`, `[1, 1]` or `[batch, 1]`.
    pub(crate) fn positions_of(&self, tokens: Tokens, device: &Device) -> Tensor<2, Int> {
        match tokens {
            Tokens::All => {
                let [_, longest] = self.extent();
                Tensor::<1, Int>::arange(0..longest as i64, device).unsqueeze()
            }
            Tokens::First => Tensor::zeros([1, 1], device),
            Tokens::Last => self.lengths(device) - 1,
        }
    }

    /// How many tokens each sequence has, `[batch, 1]`.
    fn lengths(&self, device: &Device) -> Tensor<2, Int> {
        match self {
            Self::Padded(mask) => mask.clone().int().sum_dim(1),
            Self::Packed(packing) => {
                let lengths: Vec<i64> = packing.lengths().iter().map(|&n| n as i64).collect();
                let batch = lengths.len();
                Tensor::from_data(TensorData::new(lengths, [batch, 1]), device)
            }
        }
    }

    /// The states of some tokens, or of all.
    pub(crate) fn of(&self, tokens: Tokens, hidden: Tensor<3>) -> Tensor<3> {
        match tokens {
            Tokens::All => hidden,
            Tokens::First => self.first(hidden),
            Tokens::Last => self.last(hidden),
        }
    }

    /// The states of all tokens as keys and values, and those of some, or of all, as queries and residual.
    pub(crate) fn for_attention(&self, tokens: Tokens, hidden: Tensor<3>) -> AttentionStates {
        let [residual, values, keys, queries] = match tokens {
            Tokens::All => fused::branches(hidden),
            Tokens::First | Tokens::Last => {
                let [some, values, keys] = fused::branches(hidden);
                let [residual, queries] = fused::branches(self.of(tokens, some));
                [residual, values, keys, queries]
            }
        };
        AttentionStates {
            residual,
            queries,
            keys,
            values,
        }
    }

    /// The states of the first token of each sequence: `[batch, 1, hidden]` from `[batch, length, hidden]`,
    /// `[1, batch, hidden]` from `[1, tokens, hidden]`.
    pub(crate) fn first(&self, hidden: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Padded(_) => hidden.narrow(1, 0, 1),
            Self::Packed(packing) => {
                let starts: Vec<i64> = packing.starts().map(|start| start as i64).collect();
                let count = starts.len();
                let starts = TensorData::new(starts, [count]);
                let starts = Tensor::<1, Int>::from_data(starts, &hidden.device());
                hidden.select(1, starts)
            }
        }
    }

    /// How many sequences there are, and how long the longest is.
    pub(crate) fn extent(&self) -> [usize; 2] {
        match self {
            Self::Padded(mask) => mask.dims(),
            Self::Packed(packing) => {
                let longest = packing.lengths().iter().copied().max();
                [packing.lengths().len(), longest.unwrap_or(0)]
            }
        }
    }

    /// The attention mask as of a padded batch, `[batch, longest]`.
    pub(crate) fn mask(&self, device: &Device) -> Tensor<2, Bool> {
        match self {
            Self::Padded(mask) => mask.clone(),
            Self::Packed(packing) => {
                let [batch, longest] = self.extent();
                let lengths = packing.lengths().iter();
                let mask = lengths.flat_map(|&length| (0..longest).map(move |i| i < length));
                let mask = TensorData::new(mask.collect::<Vec<bool>>(), [batch, longest]);
                Tensor::from_data(mask, device)
            }
        }
    }

    /// States as of a padded batch, `[batch, longest, width]`; those of padding mean nothing.
    pub(crate) fn padded(&self, states: Tensor<3>) -> Tensor<3> {
        let Self::Packed(packing) = self else {
            return states;
        };
        let [batch, longest] = self.extent();
        let [_, rows, width] = states.dims();
        let sequences = packing.starts().zip(packing.lengths());
        let places: Vec<i64> = sequences
            .flat_map(|(start, &length)| {
                (0..longest).map(move |i| if i < length { start + i } else { 0 } as i64)
            })
            .collect();
        let places = TensorData::new(places, [batch, longest]);
        let places = Tensor::from_data(places, &states.device());
        // As a table look-up, whose gradient the fused operation sums in parallel.
        fused::embedding(states.reshape([rows, width]), places)
    }

    /// The mean of each sequence's states, `[batch, hidden]`.
    pub(crate) fn mean(&self, states: Tensor<3>) -> Tensor<2> {
        let mask = self.mask(&states.device()).unsqueeze_dim::<3>(2);
        let states = self.padded(states);
        let tokens = mask.clone().float().sum_dim(1).cast(states.dtype());
        let [batch, longest, width] = states.dims();
        let padding = mask.bool_not().expand([batch, longest, width]);
        let sum = states.mask_fill(padding, 0.0).sum_dim(1);
        (sum / tokens).flatten(0, 1)
    }

    /// The states of the last token of each sequence, as [`first`](Self::first) gives those of the first.
    pub(crate) fn last(&self, states: Tensor<3>) -> Tensor<3> {
        let [rows, columns, width] = states.dims();
        let device = states.device();
        let places = match self {
            Self::Padded(_) => {
                let starts = Tensor::<1, Int>::arange(0..rows as i64, &device) * columns as i64;
                starts.unsqueeze_dim(1) + self.lengths(&device) - 1
            }
            Self::Packed(packing) => {
                let ends = packing.starts().zip(packing.lengths());
                let ends: Vec<i64> = ends.map(|(start, &n)| (start + n) as i64 - 1).collect();
                let count = ends.len();
                Tensor::from_data(TensorData::new(ends, [1, count]), &device)
            }
        };
        fused::embedding(states.reshape([rows * columns, width]), places)
    }

    /// Lets the queries of each sequence attend to all of its tokens.
    pub(crate) fn attend(
        &self,
        tokens: Tokens,
        [query, key, value]: [Tensor<3>; 3],
        heads: usize,
        dropout: Option<Dropout>,
    ) -> Tensor<3> {
        match self {
            Self::Padded(mask) => {
                fused::attention(query, key, value, heads, Some(mask.clone()), dropout)
            }
            Self::Packed(keys) => {
                let queries = match tokens {
                    Tokens::All => keys.clone(),
                    Tokens::First | Tokens::Last => Packing::new(keys.lengths().iter().map(|_| 1))
                        .expect("as many as sequences"),
                };
                let packings = [queries, keys.clone()];
                fused::packed_attention(query, key, value, heads, packings, dropout)
            }
        }
    }
}
