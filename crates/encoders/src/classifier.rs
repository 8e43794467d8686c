//! The encoder with a classification head.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_distr::Normal;

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::input::EncoderInput;
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
            classifier: LinearConfig::new(config.hidden_size, labels).init(device),
            dropout: config.classifier_dropout(),
        }
    }

    /// Computes the logits.
    ///
    /// # Shapes
    /// - `input`: `[batch, length]`
    /// - output: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, dropouts: &mut Dropouts) -> Tensor<2> {
        let pooled = self.bert.forward(input, dropouts);
        self.head(pooled, dropouts)
    }

    /// Computes the logits from the pooled output.
    ///
    /// # Shapes
    /// - `pooled`: `[batch, hidden]`
    /// - output: `[batch, labels]`
    pub fn head(&self, pooled: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        self.classifier
            .forward(dropouts.apply(pooled, self.dropout))
    }
}

/// Draws a fresh layer as BERT does: weight N(0, `initializer_range`), bias 0.
///
/// The draws come from a generator of their own, keyed by the seed and the stream, so that they are
/// the same on every device and disturb no other generator.
pub(crate) fn fresh_linear(
    layer: Linear,
    initializer_range: f64,
    seed: u64,
    stream: u64,
    device: &Device,
) -> Linear {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let shape = layer.weight.lazy_shape();
    let normal = Normal::new(0.0, initializer_range).expect("the config was validated");
    let weight: Vec<f32> = normal
        .sample_iter(&mut rng)
        .take(shape.num_elements())
        .map(|x: f64| x as f32)
        .collect();
    let load = |param: Param<Tensor<2>>, data| {
        let id = param.id;
        param.transform_for_load(Tensor::from_data(data, device), id)
    };
    Linear {
        weight: load(layer.weight, TensorData::new(weight, shape)),
        bias: layer.bias.map(|bias| {
            let (id, shape) = (bias.id, bias.lazy_shape());
            bias.transform_for_load(Tensor::zeros(shape, device), id)
        }),
    }
}
