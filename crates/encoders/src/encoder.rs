//! The stack of layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::input::{Layout, Tokens};
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
    /// - `hidden`, output, what `seen` gets: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it
    ///   is packed
    pub fn forward(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        dropouts: &mut Dropouts,
        mut seen: impl FnMut(&Tensor<3>),
    ) -> Tensor<3> {
        self.layer.iter().fold(hidden, |hidden, layer| {
            let hidden = layer.forward(hidden, layout, Tokens::All, dropouts);
            seen(&hidden);
            hidden
        })
    }

    /// The last states of the first tokens alone, which is all that a classifier looks at.
    ///
    /// The last layer computes keys and values of all tokens, and everything else of the first alone. The
    /// result is that of [`forward`](Self::forward), without five sixths of the last layer's products.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - output: `[batch, hidden]`
    pub fn forward_first(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let hidden = self.before_last().iter().fold(hidden, |hidden, layer| {
            layer.forward(hidden, layout, Tokens::All, dropouts)
        });
        self.forward_last(hidden, layout, dropouts)
    }

    /// The layers that compute every token in [`forward_first`](Self::forward_first).
    pub fn before_last(&self) -> &[BertLayer] {
        match self.layer.split_last() {
            None => &[],
            Some((_, before)) => before,
        }
    }

    /// The end of [`forward_first`](Self::forward_first): the last layer, for the first tokens alone.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - output: `[batch, hidden]`
    pub fn forward_last(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let first = match self.layer.last() {
            None => layout.first(hidden),
            Some(last) => last.forward(hidden, layout, Tokens::First, dropouts),
        };
        first.flatten(0, 1)
    }
}
