//! Attention with relative positions and segments.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::config::XlNetConfig;
use crate::blocks::{
    Dropouts, Heads, LayerNorm, scores_at, scores_by_distance, split_heads, zero_bias,
};
use crate::groups::Groups;
use crate::input::{AttentionStates, EncoderInput, Layout, Tokens};

/// Attention whose scores are sums of three: of contents, of a distance, and of being in one segment or not.
#[derive(Module, Debug)]
pub(super) struct RelativeAttention {
    /// `[hidden, heads, d]`, as the others of one letter.
    q: Param<Tensor<3>>,
    k: Param<Tensor<3>>,
    v: Param<Tensor<3>>,
    /// From the heads back to the hidden states.
    o: Param<Tensor<3>>,
    /// Of the encoding of distances.
    r: Param<Tensor<3>>,
    /// What is added to a query for distances, `[heads, d]`.
    r_r_bias: Param<Tensor<2>>,
    /// For segments.
    r_s_bias: Param<Tensor<2>>,
    /// For contents.
    r_w_bias: Param<Tensor<2>>,
    /// Of the same segment and of another, `[2, heads, d]`.
    seg_embed: Param<Tensor<3>>,
    layer_norm: LayerNorm,
    #[module(skip)]
    heads: Heads,
    dropout: f64,
    /// Distances beyond it count as it; 0 without a limit.
    furthest: usize,
}

impl RelativeAttention {
    pub(super) fn new(config: &XlNetConfig, device: &Device) -> Self {
        let (hidden, heads) = (config.d_model, config.n_head);
        let d = hidden / heads;
        let normal = Initializer::Normal {
            mean: 0.0,
            std: config.initializer_range,
        };
        let projection = || normal.init([hidden, heads, d], device);
        let bias = || normal.init([heads, d], device);
        Self {
            q: projection(),
            k: projection(),
            v: projection(),
            o: projection(),
            r: projection(),
            r_r_bias: bias(),
            r_s_bias: bias(),
            r_w_bias: bias(),
            seg_embed: normal.init([2, heads, d], device),
            layer_norm: LayerNorm::new(hidden, config.layer_norm_eps, device),
            heads: Heads::new(heads, config.dropout),
            dropout: config.dropout,
            furthest: usize::try_from(config.clamp_len).unwrap_or(0),
        }
    }

    pub(super) fn forward(
        &self,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let layout = &input.layout;
        let hidden = hidden.cast(self.q.dtype());
        let [_, longest] = layout.extent();
        let distances = self.distances(longest, &hidden, dropouts);
        let groups = Groups::of(layout, &hidden.device());
        let AttentionStates {
            residual,
            queries,
            keys,
            values,
        } = layout.for_attention(tokens, hidden);
        let inputs = [
            projected(queries, &self.q),
            projected(keys, &self.k),
            projected(values, &self.v),
        ];
        let segments = segments(input, &groups, tokens);
        let bias = |group: usize, layout: &Layout, [query, key]: [Tensor<3>; 2]| {
            let [of_distances, query] = fused::branches(query);
            let scores = self.of_distances(of_distances, distances.clone(), layout, tokens);
            self.bias([query, key], scores, segments[group].clone())
        };
        let context = self
            .heads
            .attend_biased(inputs, bias, &groups, tokens, dropouts);
        let weight = matrix(&self.o).transpose();
        fused::linear_dropout_add_layer_norm(
            context,
            weight.clone(),
            zero_bias(&weight),
            residual,
            self.layer_norm.operand(),
            dropouts.next(self.dropout),
        )
    }

    /// The projected encodings of the distances `longest` to `1 - longest`, `[1, heads, 2 * longest, d]`.
    fn distances(&self, longest: usize, like: &Tensor<3>, dropouts: &mut Dropouts) -> Tensor<4> {
        let [_, _, hidden] = like.dims();
        let bound = match self.furthest {
            0 => f32::INFINITY,
            furthest => furthest as f32,
        };
        let frequencies = (0..hidden).step_by(2);
        // In single precision throughout, as transformers does it.
        let frequencies = frequencies.map(|i| 1.0 / 10_000_f32.powf(i as f32 / hidden as f32));
        let frequencies: Vec<f32> = frequencies.collect();
        let mut encodings = Vec::with_capacity(2 * longest * hidden);
        for row in 0..2 * longest {
            let distance = (longest as f32 - row as f32).clamp(-bound, bound);
            let angles = || frequencies.iter().map(|frequency| distance * frequency);
            encodings.extend(angles().map(f32::sin).chain(angles().map(f32::cos)));
        }
        let encodings = TensorData::new(encodings, [1, 2 * longest, hidden]);
        let encodings = Tensor::<3>::from_data(encodings, &like.device()).cast(like.dtype());
        let encodings = fused::dropout(encodings, dropouts.next(self.dropout));
        split_heads(projected(encodings, &self.r), self.heads.number())
    }

    /// The scores of queries and distances, `[batch, heads, queries, longest]`; `distances` may reach beyond the longest.
    fn of_distances(
        &self,
        query: Tensor<3>,
        distances: Tensor<4>,
        layout: &Layout,
        tokens: Tokens,
    ) -> Tensor<4> {
        let query = self.with(&self.r_r_bias, query);
        let [_, longest] = layout.extent();
        let [_, _, rows, _] = distances.dims();
        let distances = distances.narrow(2, rows / 2 - longest, 2 * longest);
        match tokens {
            Tokens::All => scores_by_distance(query, distances),
            Tokens::First | Tokens::Last => {
                let places = places(layout, tokens, &query.device());
                scores_at(query, distances, places)
            }
        }
    }

    /// Queries with something added, `[batch, heads, queries, d]`.
    fn with(&self, bias: &Param<Tensor<2>>, query: Tensor<3>) -> Tensor<4> {
        // `[heads, d]` as what is added to states side by side.
        let bias = bias.val().flatten::<1>(0, 1).unsqueeze();
        split_heads(query + bias, self.heads.number())
    }

    /// What is added to the scores of queries and keys, `[batch, heads, queries, longest]`, with the factor of all
    /// scores.
    fn bias(
        &self,
        [query, key]: [Tensor<3>; 2],
        of_distances: Tensor<4>,
        segments: Tensor<4>,
    ) -> Tensor<4> {
        let heads = self.heads.number();
        let table = self.seg_embed.val().permute([1, 2, 0]).unsqueeze::<4>();
        let scores = self.with(&self.r_s_bias, query).matmul(table);
        let [same, other] = [0, 1].map(|segment| scores.clone().narrow(3, segment, 1));
        let of_segments = same.clone() + (other - same) * segments;

        // The same for every query.
        let [_, d] = self.r_w_bias.dims();
        let bias = self.r_w_bias.val().reshape([1, heads, d, 1]);
        let of_contents = split_heads(key, heads).matmul(bias).transpose();
        (of_distances + of_segments + of_contents) / (d as f64).sqrt()
    }
}

/// `[hidden, heads, d]` as `[hidden, heads * d]`.
fn matrix(weight: &Param<Tensor<3>>) -> Tensor<2> {
    weight.val().flatten(1, 2)
}

fn projected(x: Tensor<3>, weight: &Param<Tensor<3>>) -> Tensor<3> {
    let weight = matrix(weight);
    let bias = zero_bias(&weight);
    fused::linear(x, weight, bias)
}

/// Where the encodings of distances have that of each query and key, `[batch or 1, 1, queries, longest]`.
fn places(layout: &Layout, tokens: Tokens, device: &Device) -> Tensor<4, Int> {
    let [_, longest] = layout.extent();
    let here = layout.positions_of(tokens, device);
    let [batch, queries] = here.dims();
    let there = layout.positions_of(Tokens::All, device);
    let there = there.reshape([1, 1, 1, longest]) + longest as i64;
    there - here.reshape([batch, 1, queries, 1])
}

/// 1 where a query and a key are of different segments, `[batch, 1, queries, longest]` for each group.
fn segments(input: &EncoderInput, groups: &Groups, tokens: Tokens) -> Vec<Tensor<4>> {
    let [rows, columns] = input.token_type_ids.dims();
    let kinds = input.token_type_ids.clone().float();
    let kinds = kinds.reshape([rows, columns, 1]);
    let of_queries = groups.of_tokens(tokens, input.layout.of(tokens, kinds.clone()));
    let of_keys = groups.padded(kinds);
    let segments = of_queries.into_iter().zip(of_keys);
    let segments = segments.map(|(across, along)| {
        let ([batch, queries, _], [_, longest, _]) = (across.dims(), along.dims());
        let shape = [batch, queries, longest];
        let across = across.expand(shape);
        let along = along.swap_dims(1, 2).expand(shape);
        across.not_equal(along).float().unsqueeze_dim(1)
    });
    segments.collect()
}
