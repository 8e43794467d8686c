//! The families of encoders, by the `model_type` of their `config.json`.
//!
//! A new family is a file beside this one with a type that implements [`Family`] and [`Stages`], and its
//! line in the [registry](registry!).

pub(crate) mod bert;
pub(crate) mod deberta;
pub(crate) mod distilbert;
pub(crate) mod electra;
mod fields;
pub(crate) mod modernbert;
pub(crate) mod roberta;
pub(crate) mod xlnet;

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::blocks::{Dropouts, Initial, Linear};
use crate::classifier::Classifier;
use crate::error::EncoderError;
use crate::input::{EncoderInput, Layout, Tokens};
use crate::names::Names;
use crate::pooling::ClassifierPooling;
use crate::roles::Role;

/// What is asked of a family's configuration outside the family.
pub(crate) trait FamilyConfig {
    /// Checks every field; the error names the field, its value and what is accepted.
    fn validate(&self) -> Result<(), String>;

    /// What every family has, each in fields of its own names.
    fn outline(&self) -> Outline<'_>;

    /// Which tokens stand for a sequence; `None` for a family whose classifier leaves no choice.
    fn pooling(&self) -> Option<ClassifierPooling> {
        None
    }

    /// Sets what [`pooling`](Self::pooling) returns, for a family that has a choice.
    fn set_pooling(&mut self, _pooling: ClassifierPooling) {}

    /// Whether the module has the [optional](Names::optional) layers of its family.
    fn has_optional(&self) -> bool {
        true
    }

    /// What a user of transformers does with a saved classifier that transformers has no class for.
    fn without_class(&self) -> Option<&'static str> {
        None
    }

    /// How the weight of a fresh layer is drawn.
    fn initial(&self, _layer: &str) -> Initial {
        Initial {
            std: self.outline().initializer_range,
            cutoff: None,
        }
    }

    /// Parameters of the encoder, its pooler included and without a head.
    fn num_params(&self) -> usize;

    /// Floating-point operations of the matrix products in a classifier's forward pass over a sequence of
    /// `length` tokens.
    fn matrix_flops(&self, length: usize) -> f64;
}

/// What every family's configuration has.
pub(crate) struct Outline<'a> {
    /// The `model_type` of its `config.json`.
    pub(crate) model_type: &'a str,
    /// The name of transformers' class of the classifier.
    pub(crate) architecture: &'static str,
    /// Rows of the token embedding.
    pub(crate) vocab_size: usize,
    /// Width of every hidden state.
    pub(crate) hidden_size: usize,
    /// Number of layers.
    pub(crate) num_hidden_layers: usize,
    /// Rows of the token type embedding; `None` for a model without one, which ignores token types.
    pub(crate) type_vocab_size: Option<usize>,
    /// The longest sequence, in tokens.
    pub(crate) max_length: usize,
    /// The token that pads a batch to its longest sequence; where a family's padding is masked, any token will do.
    pub(crate) pad_token_id: u32,
    /// transformers' tokenizer class for the family, if a checkpoint names none.
    pub(crate) tokenizer_class: &'static str,
    /// Standard deviation of a freshly drawn weight.
    pub(crate) initializer_range: f64,
}

/// A family's encoder with a classification head.
pub(crate) trait Family: Module + Stages {
    /// Its `config.json`.
    type Config: FamilyConfig + Serialize + DeserializeOwned;

    /// Each `model_type` that its `config.json` may have.
    const MODEL_TYPES: &'static [&'static str];

    /// How its checkpoints name what the module holds.
    const NAMES: Names;

    /// Lays out the module; no parameter has a value until it is loaded or drawn.
    fn new(config: &Self::Config, labels: usize, device: &Device) -> Self;

    /// The role of the parameter at a module path; `None` where there is no such parameter.
    fn role(path: &str) -> Option<Role>;

    /// The linear layer at a module path, among those of the head and those that a checkpoint may leave out; `None`
    /// for a normalisation that a checkpoint may leave out, which starts as the identity.
    fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear>;
}

/// A family's forward pass, stage by stage.
pub(crate) trait Stages {
    /// Width of what the token embedding looks up.
    fn embedding_width(&self) -> usize;

    /// Embeds tokens, with `perturbation` added to what the token embedding looks up.
    ///
    /// # Shapes
    /// - `perturbation`, output: `[batch, length, width]`, or `[1, tokens, width]` where the input is packed
    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3>;

    /// Number of layers.
    fn depth(&self) -> usize;

    /// Runs a layer, from 0, for some tokens or all.
    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3>;

    /// The states of the tokens that stand for their sequences: the first, unless a family says otherwise.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - output: `[batch, hidden]`
    fn summary(&self, hidden: Tensor<3>, layout: &Layout) -> Tensor<2> {
        layout.first(hidden).flatten(0, 1)
    }

    /// Which tokens of the last layer [`summary`](Self::summary) reads.
    fn summarised(&self) -> Tokens {
        Tokens::First
    }

    /// Runs the last layer for the tokens that stand for their sequences.
    ///
    /// Where these are the first or the last, it computes keys and values for all tokens and everything else for those
    /// alone. The result is that of the whole layer followed by [`summary`](Self::summary), with a sixth of the layer's
    /// products. Masked language modelling has no use for it: it reads any tokens.
    ///
    /// # Shapes
    /// - as [`summary`](Self::summary)
    fn last_layer(
        &self,
        hidden: Tensor<3>,
        input: &EncoderInput,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let layout = &input.layout;
        let Some(last) = self.depth().checked_sub(1) else {
            return self.summary(hidden, layout);
        };
        let tokens = self.summarised();
        let hidden = self.layer(last, hidden, input, tokens, dropouts);
        match tokens {
            Tokens::First | Tokens::Last => hidden.flatten(0, 1),
            Tokens::All => self.summary(hidden, layout),
        }
    }

    /// Computes the logits from the states that stand for their sequences.
    ///
    /// # Shapes
    /// - `summary`: `[batch, hidden]`
    /// - output: `[batch, labels]`
    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2>;
}

/// Makes the types that hold any family, from a line for each.
macro_rules! registry {
    ($($name:ident: $family:ty, $config:ty;)+) => {
        /// The configuration of an encoder, of whichever family.
        ///
        /// In JSON it is the family's own `config.json`.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum EncoderConfig {
            $(
                #[doc = concat!("Of the family ", stringify!($name), ".")]
                $name($config),
            )+
        }

        impl EncoderConfig {
            /// Every `model_type` that can be loaded.
            pub(crate) fn model_types() -> impl Iterator<Item = &'static str> {
                [$(<$family as Family>::MODEL_TYPES),+].into_iter().flatten().copied()
            }

            /// Reads the configuration of a family, if there is one of that name.
            pub(crate) fn of_family<'de, D: Deserializer<'de>>(
                model_type: &str,
                fields: D,
            ) -> Option<Result<Self, D::Error>> {
                $(
                    if <$family as Family>::MODEL_TYPES.contains(&model_type) {
                        return Some(<$config>::deserialize(fields).map(Self::$name));
                    }
                )+
                None
            }

            pub(crate) fn family(&self) -> &dyn FamilyConfig {
                match self {
                    $(Self::$name(config) => config,)+
                }
            }

            pub(crate) fn family_mut(&mut self) -> &mut dyn FamilyConfig {
                match self {
                    $(Self::$name(config) => config,)+
                }
            }

            /// How checkpoints of its family name what the module holds.
            pub(crate) fn names(&self) -> Names {
                match self {
                    $(Self::$name(_) => <$family>::NAMES,)+
                }
            }

            /// The `model_type` of its `config.json`.
            pub fn model_type(&self) -> &str {
                self.family().outline().model_type
            }
        }

        $(
            impl From<$config> for EncoderConfig {
                fn from(config: $config) -> Self {
                    Self::$name(config)
                }
            }

            impl<'a> TryFrom<&'a EncoderConfig> for &'a $config {
                type Error = EncoderError;

                fn try_from(config: &'a EncoderConfig) -> Result<Self, EncoderError> {
                    match config {
                        EncoderConfig::$name(config) => Ok(config),
                        other => Err(EncoderError::Setting(format!(
                            "model_type is `{}`, accepted here is {}",
                            other.model_type(),
                            either(<$family as Family>::MODEL_TYPES.iter().copied()),
                        ))),
                    }
                }
            }
        )+

        /// A classifier of some family.
        #[derive(Clone, Debug)]
        pub(crate) enum AnyFamily {
            $($name($family),)+
        }

        impl AnyFamily {
            pub(crate) fn new(config: &EncoderConfig, labels: usize, device: &Device) -> Self {
                match config {
                    $(EncoderConfig::$name(config) => {
                        Self::$name(<$family>::new(config, labels, device))
                    })+
                }
            }

            pub(crate) fn names(&self) -> Names {
                match self {
                    $(Self::$name(_) => <$family>::NAMES,)+
                }
            }

            pub(crate) fn role(&self, path: &str) -> Option<Role> {
                match self {
                    $(Self::$name(_) => <$family>::role(path),)+
                }
            }

            pub(crate) fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear> {
                match self {
                    $(Self::$name(model) => model.fresh_layer(path),)+
                }
            }

            pub(crate) fn stages(&self) -> &dyn Stages {
                match self {
                    $(Self::$name(model) => model,)+
                }
            }
        }

        // By hand: what Burn derives for an enum puts the variant's name into every path.
        impl Module for Classifier {
            fn collect_devices(&self, devices: Devices) -> Devices {
                match &self.0 {
                    $(AnyFamily::$name(model) => model.collect_devices(devices),)+
                }
            }

            fn fork(self, device: &Device) -> Self {
                match self.0 {
                    $(AnyFamily::$name(model) => Self(AnyFamily::$name(model.fork(device))),)+
                }
            }

            fn to_device(self, device: &Device) -> Self {
                match self.0 {
                    $(AnyFamily::$name(model) => Self(AnyFamily::$name(model.to_device(device))),)+
                }
            }

            fn train(self) -> Self {
                match self.0 {
                    $(AnyFamily::$name(model) => Self(AnyFamily::$name(model.train())),)+
                }
            }

            fn valid(&self) -> Self {
                match &self.0 {
                    $(AnyFamily::$name(model) => Self(AnyFamily::$name(model.valid())),)+
                }
            }

            fn materialize(self) -> Self {
                match self.0 {
                    $(AnyFamily::$name(model) => Self(AnyFamily::$name(model.materialize())),)+
                }
            }

            fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
                match &self.0 {
                    $(AnyFamily::$name(model) => model.visit(visitor),)+
                }
            }

            fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
                match self.0 {
                    $(AnyFamily::$name(model) => Self(AnyFamily::$name(model.map(mapper))),)+
                }
            }
        }
    };
}

/// The names of model types as a choice, each in backticks.
pub(crate) fn either(model_types: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<String> = model_types.map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

registry! {
    Bert: bert::BertForSequenceClassification, bert::BertConfig;
    Roberta: roberta::RobertaForSequenceClassification, roberta::RobertaConfig;
    Electra: electra::ElectraForSequenceClassification, electra::ElectraConfig;
    DistilBert: distilbert::DistilBertForSequenceClassification, distilbert::DistilBertConfig;
    XlNet: xlnet::XlNetForSequenceClassification, xlnet::XlNetConfig;
    ModernBert: modernbert::ModernBertForSequenceClassification, modernbert::ModernBertConfig;
    DebertaV2: deberta::DebertaForSequenceClassification, deberta::DebertaV2Config;
}
