//! A layer of ModernBERT: normalisation before attention and before a gated feed-forward block.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::config::{AttentionKind, ModernBertConfig};
use crate::blocks::{Dropouts, Heads, HiddenAct, LayerNorm, Linear};
use crate::groups::Groups;
use crate::input::{Layout, Tokens};

/// Keeps a token from those beyond its window. Not minus infinity, for the sake of rows of padding.
const OUT_OF_REACH: f32 = -1e30;

/// A layer.
#[derive(Module, Debug)]
pub(super) struct ModernBertLayer {
    /// The first layer has none: the embeddings are normalised.
    attn_norm: Option<LayerNorm>,
    attn: ModernBertAttention,
    mlp_norm: LayerNorm,
    mlp: ModernBertMlp,
}

#[derive(Module, Debug)]
struct ModernBertAttention {
    /// Query, key and value in one product, `[hidden, 3 * hidden]`.
    wqkv: Linear,
    wo: Linear,
    #[module(skip)]
    heads: Heads,
    #[module(skip)]
    rotary: Rotary,
    #[module(skip)]
    window: Option<usize>,
    dropout: f64,
}

/// `wo(dropout(activation(x) * gate))`, where `wi` gives `x` and `gate` side by side.
#[derive(Module, Debug)]
struct ModernBertMlp {
    wi: Linear,
    wo: Linear,
    #[module(skip)]
    activation: HiddenAct,
    dropout: f64,
}

/// Rotary positions (Su et al., 2021, arXiv:2104.09864).
#[derive(Clone, Copy, Debug)]
struct Rotary {
    theta: f32,
    heads: usize,
}

impl ModernBertLayer {
    pub(super) fn new(config: &ModernBertConfig, index: usize, device: &Device) -> Self {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let norm = || LayerNorm::with_shift(config.norm_bias, hidden, config.norm_eps, device);
        let of_attention =
            |outputs| Linear::with_bias(config.attention_bias, hidden, outputs, device);
        let of_mlp = |from, to| Linear::with_bias(config.mlp_bias, from, to, device);
        let kind = config.attention_of(index);
        Self {
            attn_norm: (index > 0).then(norm),
            attn: ModernBertAttention {
                wqkv: of_attention(3 * hidden),
                wo: of_attention(hidden),
                heads: Heads::new(config.num_attention_heads, config.attention_dropout),
                rotary: Rotary {
                    theta: config.theta(kind) as f32,
                    heads: config.num_attention_heads,
                },
                window: match kind {
                    AttentionKind::FullAttention => None,
                    AttentionKind::SlidingAttention => Some(config.local_attention / 2),
                },
                dropout: config.attention_dropout,
            },
            mlp_norm: norm(),
            mlp: ModernBertMlp {
                wi: of_mlp(hidden, 2 * inner),
                wo: of_mlp(inner, hidden),
                activation: config.hidden_activation,
                dropout: config.mlp_dropout,
            },
        }
    }

    pub(super) fn forward(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let [residual, hidden] = fused::branches(hidden);
        let normalised = match &self.attn_norm {
            Some(norm) => norm.forward(hidden),
            None => hidden,
        };
        let attended = self.attn.forward(normalised, layout, tokens, dropouts);
        let residual = layout.of(tokens, residual);
        let hidden = attended.cast(residual.dtype()) + residual;
        let [residual, hidden] = fused::branches(hidden);
        let wide = self.mlp.forward(self.mlp_norm.forward(hidden), dropouts);
        wide.cast(residual.dtype()) + residual
    }
}

impl ModernBertAttention {
    fn forward(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let device = hidden.device();
        let [query, key, value] = self.projected(self.wqkv.adopt(hidden), layout, tokens);
        let tables = self.rotary.tables(layout, &key);
        let query = match tokens {
            // At position 0 there is nothing to turn.
            Tokens::First => query,
            Tokens::All | Tokens::Last => layout.of(tokens, self.rotary.turned(query, &tables)),
        };
        let key = self.rotary.turned(key, &tables);
        let inputs = [query, key, value];
        let [_, longest] = layout.extent();
        let context = match self.window {
            // Everything is within reach of everything.
            Some(window) if window + 1 < longest => {
                let bias = |_, layout: &Layout, _| beyond(window, tokens, layout, &device);
                let groups = Groups::of(layout, &device);
                self.heads
                    .attend_biased(inputs, bias, &groups, tokens, dropouts)
            }
            _ => self.heads.attend(inputs, layout, tokens, dropouts),
        };
        let output = self.wo.forward(context);
        fused::dropout(output, dropouts.next(self.dropout))
    }

    /// Queries, keys and values, each `[.., hidden]`, before they are turned: of all tokens, but the queries of the first
    /// alone where a layer computes only these.
    fn projected(&self, hidden: Tensor<3>, layout: &Layout, tokens: Tokens) -> [Tensor<3>; 3] {
        let [_, _, width] = hidden.dims();
        match tokens {
            Tokens::First => {
                let [some, hidden] = fused::branches(hidden);
                let query = self.wqkv.forward_columns(layout.first(some), 0..width);
                let others = self.wqkv.forward_columns(hidden, width..3 * width);
                let [key, value] = fused::parts(others);
                [query, key, value]
            }
            // The position of the last token differs from sequence to sequence, so its query is taken when it is turned.
            Tokens::All | Tokens::Last => fused::parts(self.wqkv.forward(hidden)),
        }
    }
}

/// A bias that keeps tokens from those further away than `window`: `[batch or 1, 1, queries, longest]`.
fn beyond(window: usize, tokens: Tokens, layout: &Layout, device: &Device) -> Tensor<4> {
    let [_, longest] = layout.extent();
    let here = layout.positions_of(tokens, device);
    let [batch, queries] = here.dims();
    let there = layout.positions_of(Tokens::All, device);
    let there = there.reshape([1, 1, 1, longest]);
    let distance = (there - here.reshape([batch, 1, queries, 1])).abs();
    let bias = Tensor::zeros([batch, 1, queries, longest], device);
    bias.mask_fill(distance.greater_elem(window as i64), OUT_OF_REACH)
}

impl Rotary {
    /// Cosines and sines of the angles of each token, `[length or tokens, d / 2]`.
    fn tables(self, layout: &Layout, keys: &Tensor<3>) -> [Tensor<2>; 2] {
        let [_, _, width] = keys.dims();
        let d = width / self.heads;
        let device = keys.device();
        let [_, longest] = layout.extent();
        // In single precision throughout, as transformers does it.
        let frequencies = (0..d / 2).map(|i| 1.0 / self.theta.powf((2 * i) as f32 / d as f32));
        let frequencies: Vec<f32> = frequencies.collect();
        let angles = (0..longest).flat_map(|p| frequencies.iter().map(move |f| p as f32 * f));
        let angles: Vec<f32> = angles.collect();
        let positions = layout.positions(&device).flatten::<1>(0, 1);
        [f32::cos, f32::sin].map(|of| {
            let table: Vec<f32> = angles.iter().map(|&angle| of(angle)).collect();
            let table = TensorData::new(table, [longest, d / 2]);
            Tensor::<2>::from_data(table, &device).select(0, positions.clone())
        })
    }

    /// Turns each half of a head's elements against the other.
    fn turned(self, x: Tensor<3>, [cos, sin]: &[Tensor<2>; 2]) -> Tensor<3> {
        fused::rotary(x, cos.clone(), sin.clone(), self.heads)
    }
}

impl ModernBertMlp {
    fn forward(&self, x: Tensor<3>, dropouts: &mut Dropouts) -> Tensor<3> {
        let wide = self.wi.forward(self.wi.adopt(x));
        let gated = self.activation.gated(wide);
        self.wo
            .forward(fused::dropout(gated, dropouts.next(self.dropout)))
    }
}
