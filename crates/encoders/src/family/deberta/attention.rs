//! Disentangled attention: scores of contents, and of contents and distances.

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::config::DebertaV2Config;
use crate::blocks::{Dropouts, Heads, Linear, scores_at, split_heads};
use crate::input::{Layout, Tokens};

/// Query, key and value projections, and those of the embeddings of distances.
#[derive(Module, Debug)]
pub(super) struct DisentangledSelfAttention {
    pub(super) query_proj: Linear,
    key_proj: Linear,
    value_proj: Linear,
    /// `None` where the distances have no score as keys, or share `key_proj`.
    pos_key_proj: Option<Linear>,
    /// `None` where the distances have no score as queries, or share `query_proj`.
    pos_query_proj: Option<Linear>,
    #[module(skip)]
    heads: Heads,
    #[module(skip)]
    terms: Terms,
    /// Of the embeddings of distances.
    dropout: f64,
}

/// What the scores are made of.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// The query of a token with the key of a distance.
    c2p: bool,
    /// The key of a token with the query of a distance.
    p2c: bool,
    buckets: Buckets,
}

/// Distances up to a span, or in logarithmic buckets.
#[derive(Clone, Copy, Debug)]
struct Buckets {
    /// Rows of the embeddings of distances to either side.
    span: i64,
    /// The number of buckets, if they are logarithmic.
    number: Option<i64>,
    /// The distance that the last bucket ends with.
    furthest: i64,
}

impl DisentangledSelfAttention {
    pub(super) fn new(config: &DebertaV2Config, device: &Device) -> Self {
        let projection = || Linear::new(config.hidden_size, config.hidden_size, device);
        let terms = Terms {
            c2p: config.has_c2p(),
            p2c: config.has_p2c(),
            buckets: Buckets {
                span: config.span() as i64,
                number: config.buckets().map(|number| number as i64),
                furthest: config.furthest() as i64,
            },
        };
        let is_own = config.relative_attention && !config.share_att_key;
        Self {
            query_proj: projection(),
            key_proj: projection(),
            value_proj: projection(),
            pos_key_proj: (is_own && terms.c2p).then(projection),
            pos_query_proj: (is_own && terms.p2c).then(projection),
            heads: Heads::new(
                config.num_attention_heads,
                config.attention_probs_dropout_prob,
            ),
            terms,
            dropout: config.hidden_dropout_prob,
        }
    }

    pub(super) fn forward(
        &self,
        [queries, hidden]: [Tensor<3>; 2],
        distances: Option<Tensor<2>>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let Terms { c2p, p2c, .. } = self.terms;
        // One for the contents, and one for each term of distances.
        let terms = f64::from(1 + u8::from(c2p) + u8::from(p2c));
        let query = self.query_proj.forward(queries) / terms.sqrt();
        let key = self.key_proj.forward(hidden.clone());
        let inputs = [query, key, self.value_proj.forward(hidden)];
        let distances = distances.filter(|_| c2p || p2c).map(|distances| {
            let distances = fused::dropout(distances, dropouts.next(self.dropout));
            self.query_proj.adopt(distances.unsqueeze::<3>())
        });
        let Some(distances) = distances else {
            return self.heads.attend(inputs, layout, tokens, dropouts);
        };
        let bias = |query: &Tensor<3>, key: &Tensor<3>| self.bias(query, key, distances, terms);
        self.heads
            .attend_biased(inputs, bias, layout, tokens, dropouts)
    }

    /// The scores of distances, `[batch, heads, queries, keys]`, with the factor of all scores.
    fn bias(
        &self,
        query: &Tensor<3>,
        key: &Tensor<3>,
        distances: Tensor<3>,
        terms: f64,
    ) -> Tensor<4> {
        let heads = self.heads.number();
        let buckets = self.terms.buckets;
        let [query, key] = [query, key].map(|x| split_heads(x.clone(), heads));
        let ([_, _, queries, d], [_, _, keys, _]) = (query.dims(), key.dims());
        // Of the distances, only those within the longest sequence.
        let reached = buckets.reached(queries, keys);
        let first = *reached.start();
        let distances = distances.narrow(1, first, reached.end() + 1 - first);
        let device = distances.device();
        let places = |rows: usize, columns: usize, row: &dyn Fn(usize, usize) -> usize| {
            let places = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
            let places: Vec<i64> = places.map(|(i, j)| (row(i, j) - first) as i64).collect();
            let places = TensorData::new(places, [1, 1, rows, columns]);
            Tensor::<4, Int>::from_data(places, &device)
        };
        let table = |projection: &Linear| split_heads(projection.forward(distances.clone()), heads);
        let c2p = self.terms.c2p.then(|| {
            let table = table(self.pos_key_proj.as_ref().unwrap_or(&self.key_proj));
            // The queries already have the factor of the terms.
            let places = places(queries, keys, &|i, j| buckets.row(i, j));
            scores_at(query, table, places)
        });
        let p2c = self.terms.p2c.then(|| {
            let table = table(self.pos_query_proj.as_ref().unwrap_or(&self.query_proj));
            let places = places(keys, queries, &|j, i| buckets.mirrored(j, i));
            scores_at(key, table, places).transpose() / terms.sqrt()
        });
        let sum = match (c2p, p2c) {
            (Some(c2p), Some(p2c)) => c2p + p2c,
            (Some(term), None) | (None, Some(term)) => term,
            (None, None) => unreachable!("the caller asks only where there is a term"),
        };
        sum / (d as f64).sqrt()
    }
}

impl Buckets {
    /// The row of the embeddings for what lies at `there`, seen from `here`.
    fn row(self, here: usize, there: usize) -> usize {
        self.clamped(self.bucket(here as i64 - there as i64))
    }

    /// The row for what lies at `here`, seen from `there`.
    fn mirrored(self, here: usize, there: usize) -> usize {
        self.clamped(-self.bucket(here as i64 - there as i64))
    }

    /// The rows between those for the furthest that `queries` tokens see of `keys` tokens to either side.
    fn reached(self, queries: usize, keys: usize) -> RangeInclusive<usize> {
        self.row(0, keys - 1)..=self.row(queries - 1, 0)
    }

    fn clamped(self, bucket: i64) -> usize {
        (bucket + self.span).clamp(0, 2 * self.span - 1) as usize
    }

    /// transformers' `make_log_bucket_position`, in single precision as there.
    fn bucket(self, distance: i64) -> i64 {
        let Some(number) = self.number else {
            return distance;
        };
        let middle = number / 2;
        let far = if distance.abs() < middle {
            middle - 1
        } else {
            distance.abs()
        };
        if far <= middle {
            return distance;
        }
        let logarithm = |x: f32| (x / middle as f32).ln();
        let part = logarithm(far as f32) / logarithm((self.furthest - 1) as f32);
        let bucket = (part * (middle - 1) as f32).ceil() + middle as f32;
        bucket as i64 * distance.signum()
    }
}
