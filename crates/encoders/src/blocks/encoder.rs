//! The stack of layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::dropout::Dropouts;
use super::layer::Layer;
use super::settings::Settings;
use crate::input::{Layout, Tokens};

/// Transformer layers, one after the other.
#[derive(Module, Debug)]
pub struct Encoder {
    /// First to last.
    pub layer: Vec<Layer>,
}

impl Encoder {
    pub(crate) fn new(settings: &Settings, device: &Device) -> Self {
        Self {
            layer: (0..settings.layers)
                .map(|_| Layer::new(settings, device))
                .collect(),
        }
    }

    /// Runs every layer over every token.
    ///
    /// # Shapes
    /// - `hidden`, output: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    pub fn forward(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.layer.iter().fold(hidden, |hidden, layer| {
            layer.forward(hidden, layout, Tokens::All, dropouts)
        })
    }
}
