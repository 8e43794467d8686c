//! One transformer layer.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::activation::HiddenAct;
use super::attention::Attention;
use super::dropout::Dropouts;
use super::linear::Linear;
use super::output::Output;
use super::settings::Settings;
use crate::input::{Layout, Tokens};

/// Attention, then feed-forward, each with residual and normalisation after it.
#[derive(Module, Debug)]
pub struct Layer {
    /// Self-attention.
    pub attention: Attention,
    /// First half of the feed-forward block.
    pub intermediate: Intermediate,
    /// Second half of the feed-forward block.
    pub output: Output,
}

/// Projection to the feed-forward width and its activation.
#[derive(Module, Debug)]
pub struct Intermediate {
    /// `[hidden, intermediate]`.
    pub dense: Linear,
    #[module(skip)]
    activation: HiddenAct,
}

impl Layer {
    pub(crate) fn new(settings: &Settings, device: &Device) -> Self {
        Self {
            attention: Attention::new(settings, device),
            intermediate: Intermediate::new(settings, device),
            output: Output::new(settings.intermediate, settings, device),
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
        let [residual, attended] = fused::branches(attended);
        let wide = self.intermediate.forward(attended);
        self.output.forward(wide, residual, dropouts)
    }
}

impl Intermediate {
    pub(crate) fn new(settings: &Settings, device: &Device) -> Self {
        Self {
            dense: Linear::new(settings.hidden, settings.intermediate, device),
            activation: settings.activation,
        }
    }

    /// Projects and activates.
    ///
    /// # Shapes
    /// - `hidden`: `[..., hidden]`
    /// - output: `[..., intermediate]`
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.activation.after(&self.dense, hidden)
    }
}
