//! An encoder with a classification head, of whichever family.

use burn::tensor::{Device, Tensor};

use crate::blocks::Dropouts;
use crate::config::EncoderConfig;
use crate::error::EncoderError;
use crate::family::AnyFamily;
use crate::input::{EncoderInput, Tokens};
use crate::roles::{self, Parameter, Role};

/// An encoder with a classification head, as transformers' `AutoModelForSequenceClassification`.
///
/// As a module it is the family's own: no name of a container stands before the paths of its parameters.
///
/// [`forward`](Self::forward) is [`embed`](Self::embed), [`layer`](Self::layer) for each of
/// [`layers`](Self::layers) and [`read_out`](Self::read_out), one after the other.
#[derive(Clone, Debug)]
pub struct Classifier(pub(crate) AnyFamily);

/// What a [`Classifier`] computes for a batch.
#[derive(Clone, Debug)]
pub struct ClassifierOutput {
    /// The embeddings and each layer's result: `num_hidden_layers + 1` tensors `[batch, length, hidden]`, or
    /// `[1, tokens, hidden]` where the input is packed.
    pub hidden_states: Vec<Tensor<3>>,
    /// `[batch, labels]`.
    pub logits: Tensor<2>,
}

impl Classifier {
    /// Lays out a classifier of `labels` outputs whose parameters have no values yet, to be loaded through burn-store
    /// from a file that was [saved](crate::Snapshot::save_classifier) as [`SaveFormat::Burnpack`](crate::SaveFormat).
    pub fn blank(config: &EncoderConfig, labels: usize, device: &Device) -> Self {
        Self(AnyFamily::new(config, labels, device))
    }

    /// Computes the logits.
    ///
    /// # Shapes
    /// - output: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, dropouts: &mut Dropouts) -> Tensor<2> {
        self.run(input, None, dropouts)
    }

    /// Computes the logits with `perturbation` added to what the token embedding looks up.
    ///
    /// # Shapes
    /// - `perturbation`: `[batch, length, width]`, or `[1, tokens, width]` where the input is packed, of
    ///   [`embedding_width`](Self::embedding_width)
    /// - output: `[batch, labels]`
    pub fn forward_perturbed(
        &self,
        input: EncoderInput,
        perturbation: Tensor<3>,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        self.run(input, Some(perturbation), dropouts)
    }

    fn run(
        &self,
        input: EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let embedded = self.embed(&input, perturbation, dropouts);
        let hidden = (0..self.layers()).fold(embedded, |hidden, index| {
            self.layer(index, hidden, &input, dropouts)
        });
        self.read_out(hidden, &input, dropouts)
    }

    /// Computes the logits and keeps every hidden state of every token.
    ///
    /// The last layer's dropout has other masks than in [`forward`](Self::forward), which computes fewer
    /// tokens there.
    pub fn forward_with_hidden_states(
        &self,
        input: EncoderInput,
        dropouts: &mut Dropouts,
    ) -> ClassifierOutput {
        let stages = self.0.stages();
        let mut hidden = stages.embed(&input, None, dropouts);
        let mut hidden_states = vec![hidden.clone()];
        for index in 0..stages.depth() {
            hidden = stages.layer(index, hidden, &input, Tokens::All, dropouts);
            hidden_states.push(hidden.clone());
        }
        let summary = stages.summary(hidden, &input.layout);
        ClassifierOutput {
            hidden_states,
            logits: stages.logits(summary, dropouts),
        }
    }

    /// First stage: embeds the tokens, with `perturbation` added to what the token embedding looks up.
    ///
    /// # Shapes
    /// - `perturbation`: as in [`forward_perturbed`](Self::forward_perturbed)
    /// - output: `[batch, length, hidden]`, or `[1, tokens, hidden]` where the input is packed
    pub fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.0.stages().embed(input, perturbation, dropouts)
    }

    /// Number of layers that run between [`embed`](Self::embed) and [`read_out`](Self::read_out).
    pub fn layers(&self) -> usize {
        self.0.stages().depth().saturating_sub(1)
    }

    /// Middle stage: runs a layer, from 0 to below [`layers`](Self::layers), over every token.
    ///
    /// # Shapes
    /// - `hidden`, output: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    ///
    /// # Panics
    /// When there is no such layer.
    pub fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let stages = self.0.stages();
        stages.layer(index, hidden, input, Tokens::All, dropouts)
    }

    /// Last stage: runs the last layer for the tokens that stand for their sequences, and the head.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - output: `[batch, labels]`
    pub fn read_out(
        &self,
        hidden: Tensor<3>,
        input: &EncoderInput,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let stages = self.0.stages();
        let summary = stages.last_layer(hidden, input, dropouts);
        stages.logits(summary, dropouts)
    }

    /// Width of what the token embedding looks up.
    pub fn embedding_width(&self) -> usize {
        self.0.stages().embedding_width()
    }

    /// Module paths of the head: the layers that belong to the task.
    pub fn heads(&self) -> &'static [&'static str] {
        self.0.names().heads
    }

    /// Lists every float parameter with its role, in the order of a visit.
    pub fn parameters(&self) -> Vec<Parameter> {
        roles::parameters(self)
    }

    /// Lists the parameters of some roles, in the order of a visit; `what` names them in the error.
    ///
    /// # Errors
    /// [`EncoderError::NoParameters`] if there are none.
    pub fn parameters_of(
        &self,
        what: &'static str,
        is_selected: impl Fn(Role) -> bool,
    ) -> Result<Vec<Parameter>, EncoderError> {
        let mut parameters = self.parameters();
        parameters.retain(|parameter| is_selected(parameter.role));
        match parameters.is_empty() {
            true => Err(EncoderError::NoParameters { what }),
            false => Ok(parameters),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::Encoding;

    /// Whether the head of each golden checkpoint reads one token of a sequence.
    const READS_ONE: &[(&str, bool)] = &[
        ("bert", true),
        ("bert_mean", false),
        ("roberta", true),
        ("xlm_roberta", true),
        ("electra", true),
        ("distilbert", true),
        ("xlnet", true),
        ("modernbert", true),
        ("modernbert_mean", false),
        ("deberta", true),
        ("deberta_own", true),
    ];

    #[test]
    fn the_last_layer_computes_one_token_of_a_sequence_where_the_head_reads_one() {
        let device = Device::flex();
        let encodings = [3, 5].map(|length| Encoding {
            ids: vec![1; length],
            type_ids: vec![0; length],
        });
        let layouts = [
            (
                EncoderInput::padded(&encodings, 0, 0, &device),
                [2, 1],
                [2, 5],
            ),
            (EncoderInput::packed(&encodings, &device), [1, 2], [1, 8]),
        ];
        for &(name, reads_one) in READS_ONE {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
            let config = std::fs::read(format!("{folder}/{name}/snapshot/config.json")).unwrap();
            let config: EncoderConfig = serde_json::from_slice(&config).unwrap();
            let classifier = Classifier::blank(&config, 2, &device);
            let stages = classifier.0.stages();
            for (input, one, all) in &layouts {
                let [batch, length] = *all;
                let hidden = Tensor::ones([batch, length, config.hidden_size()], &device);
                let (last, tokens) = (stages.depth() - 1, stages.summarised());
                let states = stages.layer(last, hidden, input, tokens, &mut Dropouts::off());
                let [batch, length] = *if reads_one { one } else { all };
                assert_eq!(
                    states.dims(),
                    [batch, length, config.hidden_size()],
                    "{name}"
                );
            }
        }
    }
}
