//! Disentangled attention: scores of contents, and of contents and distances.

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::config::DebertaV2Config;
use crate::blocks::{
    Dropouts, Heads, Linear, scores_at, scores_by_distance, scores_of_pairs, split_heads,
};
use crate::groups::Groups;
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

/// The distances within the longest sequence as keys and as queries, `[1, heads, rows, d]`.
#[derive(Clone)]
struct Tables {
    /// The row of the embeddings that is their first.
    first: usize,
    /// `None` where the distances have no score as keys.
    keys: Option<Tensor<4>>,
    /// `None` where they have none as queries.
    queries: Option<Tensor<4>>,
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
        [queries, keys, values]: [Tensor<3>; 3],
        distances: Option<Tensor<2>>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let Terms { c2p, p2c, .. } = self.terms;
        // One for the contents, and one for each term of distances.
        let terms = f64::from(1 + u8::from(c2p) + u8::from(p2c));
        let query = self.query_proj.forward(queries) / terms.sqrt();
        let key = self.key_proj.forward(keys);
        let inputs = [query, key, self.value_proj.forward(values)];
        let distances = distances.filter(|_| c2p || p2c).map(|distances| {
            let distances = fused::dropout(distances, dropouts.next(self.dropout));
            self.query_proj.adopt(distances.unsqueeze::<3>())
        });
        let Some(distances) = distances else {
            return self.heads.attend(inputs, layout, tokens, dropouts);
        };
        let groups = Groups::of(layout, &distances.device());
        let tables = self.tables(distances, layout);
        let bias = |_, _: &Layout, states| self.bias(states, tables.clone(), terms);
        self.heads
            .attend_biased(inputs, bias, &groups, tokens, dropouts)
    }

    /// The keys and the queries of the distances within the longest sequence, each `[1, heads, rows, d]`.
    fn tables(&self, distances: Tensor<3>, layout: &Layout) -> Tables {
        let [_, longest] = layout.extent();
        let reached = self.terms.buckets.reached(longest);
        let first = *reached.start();
        let distances = distances.narrow(1, first, reached.end() + 1 - first);
        let table = |own: &Option<Linear>, of_tokens: &Linear| {
            let projection = own.as_ref().unwrap_or(of_tokens);
            split_heads(projection.forward(distances.clone()), self.heads.number())
        };
        let Terms { c2p, p2c, .. } = self.terms;
        Tables {
            first,
            keys: c2p.then(|| table(&self.pos_key_proj, &self.key_proj)),
            queries: p2c.then(|| table(&self.pos_query_proj, &self.query_proj)),
        }
    }

    /// The scores of distances, `[batch, heads, queries, keys]`, with the factor of all scores.
    fn bias(&self, states: [Tensor<3>; 2], tables: Tables, terms: f64) -> Tensor<4> {
        let heads = self.heads.number();
        let buckets = self.terms.buckets;
        let [query, key] = states.map(|x| split_heads(x, heads));
        let ([_, _, queries, d], [_, _, keys, _]) = (query.dims(), key.dims());
        let device = query.device();
        let first = tables.first as i64;
        let scores = |x, table: Tensor<4>, row: &dyn Fn(i64) -> usize| {
            // The tokens of `x` are the keys, or all queries. Entry `k` is what lies `keys - k` before them.
            let rows = (0..2 * keys as i64).map(|k| row(keys as i64 - k) as i64 - first);
            let [_, _, most, _] = table.dims();
            // The first is beyond reach, and nobody's.
            let rows: Vec<i64> = rows.map(|row| row.clamp(0, most as i64 - 1)).collect();
            let rows = TensorData::new(rows, [2 * keys]);
            let table = table.select(2, Tensor::<1, Int>::from_data(rows, &device));
            scores_by_distance(x, table)
        };
        // The queries already have the factor of the terms.
        let c2p = tables.keys.map(|table| match queries == keys {
            true => scores(query, table, &|distance| buckets.row(distance)),
            // The first token sees every other at its position.
            false => {
                let places = (0..keys as i64).map(|j| buckets.row(-j) as i64 - first);
                let places = TensorData::new(places.collect::<Vec<_>>(), [1, 1, 1, keys]);
                scores_at(query, table, Tensor::from_data(places, &device))
            }
        });
        let p2c = tables.queries.map(|table| {
            let scores = match queries == keys {
                true => scores(key, table, &|distance| buckets.mirrored(distance)),
                // Every token sees the first at its own position.
                false => {
                    let rows = (0..keys as i64).map(|j| buckets.mirrored(j) as i64 - first);
                    let rows = TensorData::new(rows.collect::<Vec<_>>(), [keys]);
                    scores_of_pairs(key, table.select(2, Tensor::from_data(rows, &device)))
                }
            };
            scores.transpose() / terms.sqrt()
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
    /// The row of the embeddings for what lies `distance` before a token.
    fn row(self, distance: i64) -> usize {
        self.clamped(self.bucket(distance))
    }

    /// The row for a token, seen from what lies `distance` before it.
    fn mirrored(self, distance: i64) -> usize {
        self.clamped(-self.bucket(distance))
    }

    /// The rows between those for the furthest that `tokens` tokens see of each other to either side.
    fn reached(self, tokens: usize) -> RangeInclusive<usize> {
        let furthest = tokens as i64 - 1;
        self.row(-furthest)..=self.row(furthest)
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
