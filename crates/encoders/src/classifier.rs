//! The encoder with a classification head.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::input::EncoderInput;
use crate::linear::Linear;
use crate::model::BertModel;

/// A linear classifier over the pooled output, as transformers' `BertForSequenceClassification`.
#[derive(Module, Debug)]
pub struct BertForSequenceClassification {
    /// The pretrained body.
    pub bert: BertModel,
    /// The task's head, `[hidden, labels]`.
    pub classifier: Linear,
    dropout: f64,
}

impl BertForSequenceClassification {
    /// Lays out the module; no parameter has a value until it is loaded or initialised.
    pub(crate) fn new(config: &BertConfig, labels: usize, device: &Device) -> Self {
        Self {
            bert: BertModel::new(config, device),
            classifier: Linear::new(config.hidden_size, labels, device),
            dropout: config.classifier_dropout(),
        }
    }

    /// Computes the logits.
    ///
    /// # Shapes
    /// - output: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, dropouts: &mut Dropouts) -> Tensor<2> {
        let pooled = self.bert.forward(input, dropouts);
        self.head(pooled, dropouts)
    }

    /// Computes the logits with `perturbation`, of the shape of the embeddings, added to what the word
    /// embeddings look up.
    pub fn forward_perturbed(
        &self,
        input: EncoderInput,
        perturbation: Tensor<3>,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let pooled = self.bert.forward_perturbed(input, perturbation, dropouts);
        self.head(pooled, dropouts)
    }

    /// Computes the logits from the pooled output.
    ///
    /// # Shapes
    /// - `pooled`: `[batch, hidden]`
    /// - output: `[batch, labels]`
    pub fn head(&self, pooled: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        self.classifier
            .forward(fused::dropout(pooled, dropouts.next(self.dropout)))
    }
}
