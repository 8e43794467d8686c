//! The stack of layers.

use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::layer::BertLayer;

/// `num_hidden_layers` transformer layers, one after the other.
#[derive(Module, Debug)]
pub struct BertEncoder {
    /// First to last.
    pub layer: Vec<BertLayer>,
}

impl BertEncoder {
    pub(crate) fn new(config: &BertConfig, device: &Device) -> Self {
        Self {
            layer: (0..config.num_hidden_layers)
                .map(|_| BertLayer::new(config, device))
                .collect(),
        }
    }

    /// Runs every layer and hands each result to `seen`, first to last.
    ///
    /// # Shapes
    /// - `hidden`, output, what `seen` gets: `[batch, length, hidden]`
    /// - `attention_mask`: `[batch, length]`, true at real tokens
    pub fn forward(
        &self,
        hidden: Tensor<3>,
        attention_mask: Tensor<2, Bool>,
        dropouts: &mut Dropouts,
        mut seen: impl FnMut(&Tensor<3>),
    ) -> Tensor<3> {
        self.layer.iter().fold(hidden, |hidden, layer| {
            let hidden = layer.forward(hidden, attention_mask.clone(), dropouts);
            seen(&hidden);
            hidden
        })
    }
}
