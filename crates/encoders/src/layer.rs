//! One transformer layer.

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use crate::attention::BertAttention;
use crate::config::{BertConfig, HiddenAct};
use crate::dropout::Dropouts;
use crate::input::{Layout, Tokens};
use crate::linear::Linear;
use crate::output::BertOutput;

/// Attention, then feed-forward, each with residual and normalisation after it.
#[derive(Module, Debug)]
pub struct BertLayer {
    /// Self-attention.
    pub attention: BertAttention,
    /// First half of the feed-forward block.
    pub intermediate: BertIntermediate,
    /// Second half of the feed-forward block.
    pub output: BertOutput,
}

/// Projection to the feed-forward width and its activation.
#[derive(Module, Debug)]
pub struct BertIntermediate {
    /// `[hidden, intermediate]`.
    pub dense: Linear,
    #[module(skip)]
    activation: HiddenAct,
}

impl BertLayer {
    pub(crate) fn new(config: &BertConfig, device: &Device) -> Self {
        Self {
            attention: BertAttention::new(config, device),
            intermediate: BertIntermediate {
                dense: Linear::new(config.hidden_size, config.intermediate_size, device),
                activation: config.hidden_act,
            },
            output: BertOutput::new(config.intermediate_size, config, device),
        }
    }

    /// Transforms the hidden states.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - output: the same, or of the first tokens `[batch, 1, hidden]`, `[1, batch, hidden]`
    pub fn forward(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let hidden = self.intermediate.dense.adopt(hidden);
        let attended = self.attention.forward(hidden, layout, tokens, dropouts);
        let wide = self.intermediate.forward(attended.clone());
        self.output.forward(wide, attended, dropouts)
    }
}

impl BertIntermediate {
    /// Projects and activates.
    ///
    /// # Shapes
    /// - `hidden`: `[..., hidden]`
    /// - output: `[..., intermediate]`
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        match self.activation {
            HiddenAct::Gelu => self.dense.forward_gelu(hidden),
            HiddenAct::Relu => activation::relu(self.dense.forward(hidden)),
        }
    }
}
