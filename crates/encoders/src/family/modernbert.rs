//! ModernBERT (Warner et al., 2024, arXiv:2412.13663).

mod config;
mod layer;

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Tensor};

use self::layer::ModernBertLayer;
use super::{Family, Stages};
use crate::blocks::{Dropouts, HiddenAct, LayerNorm, Linear};
use crate::input::{EncoderInput, Layout, Tokens};
use crate::names::Names;
use crate::pooling::ClassifierPooling;
use crate::roles::{Projection, Role};

pub use config::{AttentionKind, ModernBertConfig, Rope, RopeParameters};

/// The encoder, as transformers' `ModernBertModel`.
#[derive(Module, Debug)]
pub(crate) struct ModernBertModel {
    embeddings: ModernBertEmbeddings,
    layers: Vec<ModernBertLayer>,
    final_norm: LayerNorm,
}

#[derive(Module, Debug)]
struct ModernBertEmbeddings {
    tok_embeddings: Embedding,
    norm: LayerNorm,
    dropout: f64,
}

/// `norm(activation(dense(x)))`, which a masked language model has too.
#[derive(Module, Debug)]
struct PredictionHead {
    dense: Linear,
    norm: LayerNorm,
    #[module(skip)]
    activation: HiddenAct,
}

/// A classifier of the first token or of the mean of all, as transformers' `ModernBertForSequenceClassification`.
#[derive(Module, Debug)]
pub(crate) struct ModernBertForSequenceClassification {
    model: ModernBertModel,
    head: PredictionHead,
    classifier: Linear,
    dropout: f64,
    #[module(skip)]
    pooling: ClassifierPooling,
}

impl Family for ModernBertForSequenceClassification {
    type Config = ModernBertConfig;

    const MODEL_TYPES: &'static [&'static str] = &["modernbert"];

    const NAMES: Names = Names {
        base: "model",
        parts: &["embeddings", "layers", "final_norm"],
        renamed: &[(".Wqkv.", ".wqkv."), (".Wo.", ".wo."), (".Wi.", ".wi.")],
        heads: &["classifier"],
        head_layers: &["classifier"],
        optional: &["head.dense", "head.norm"],
        other_heads: &["qa_outputs"],
        left_aside: &["decoder."],
    };

    fn new(config: &ModernBertConfig, labels: usize, device: &Device) -> Self {
        let hidden = config.hidden_size;
        let norm = || LayerNorm::with_shift(config.norm_bias, hidden, config.norm_eps, device);
        let layers = 0..config.num_hidden_layers;
        Self {
            model: ModernBertModel {
                embeddings: ModernBertEmbeddings {
                    tok_embeddings: EmbeddingConfig::new(config.vocab_size, hidden).init(device),
                    norm: norm(),
                    dropout: config.embedding_dropout,
                },
                layers: layers
                    .map(|index| ModernBertLayer::new(config, index, device))
                    .collect(),
                final_norm: norm(),
            },
            head: PredictionHead {
                dense: Linear::with_bias(config.classifier_bias, hidden, hidden, device),
                norm: norm(),
                activation: config.classifier_activation,
            },
            classifier: Linear::new(hidden, labels, device),
            dropout: config.classifier_dropout,
            pooling: config.classifier_pooling,
        }
    }

    fn role(path: &str) -> Option<Role> {
        let (layer, parameter) = path.rsplit_once('.')?;
        let projection = match layer.rsplit('.').next()? {
            "classifier" => return Some(Role::Head),
            "tok_embeddings" => return Some(Role::TokenEmbedding),
            "norm" | "attn_norm" | "mlp_norm" | "final_norm" => return Some(Role::Norm),
            "wqkv" => Projection::QueryKeyValue,
            "wo" | "wi" | "dense" => Projection::Dense,
            _ => return None,
        };
        match parameter {
            "weight" => Some(Role::Weight(projection)),
            "bias" => Some(Role::Bias(projection)),
            _ => None,
        }
    }

    fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear> {
        match path {
            "classifier" => Some(&mut self.classifier),
            "head.dense" => Some(&mut self.head.dense),
            _ => None,
        }
    }
}

impl Stages for ModernBertForSequenceClassification {
    fn embedding_width(&self) -> usize {
        let [_, width] = self.model.embeddings.tok_embeddings.weight.dims();
        width
    }

    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let embeddings = &self.model.embeddings;
        let table = embeddings.tok_embeddings.weight.val();
        let mut words = fused::embedding(table, input.words());
        if let Some(perturbation) = perturbation {
            words = words + perturbation;
        }
        let dropout = dropouts.next(embeddings.dropout);
        fused::dropout(embeddings.norm.forward(words), dropout)
    }

    fn depth(&self) -> usize {
        self.model.layers.len()
    }

    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let layers = &self.model.layers;
        let hidden = layers[index].forward(hidden, &input.layout, tokens, dropouts);
        match index + 1 == layers.len() {
            true => self.model.final_norm.forward(hidden),
            false => hidden,
        }
    }

    fn summary(&self, hidden: Tensor<3>, layout: &Layout) -> Tensor<2> {
        self.pooling.summary(hidden, layout)
    }

    fn summarised(&self) -> Tokens {
        self.pooling.tokens()
    }

    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        let PredictionHead {
            dense,
            norm,
            activation,
        } = &self.head;
        let pooled = norm.forward(activation.after(dense, dense.adopt(summary)));
        self.classifier
            .forward(fused::dropout(pooled, dropouts.next(self.dropout)))
    }
}
