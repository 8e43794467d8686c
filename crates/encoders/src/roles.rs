//! What each parameter of an encoder is for, whatever its family calls it.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use crate::classifier::Classifier;

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The table of token embeddings.
    TokenEmbedding,
    /// Another table: positions, token types.
    Embedding,
    /// The weight of a linear layer of the body.
    Weight(Projection),
    /// The bias of a linear layer of the body.
    Bias(Projection),
    /// Scale or shift of a normalisation.
    Norm,
    /// Of the head, which belongs to the task.
    Head,
}

/// What a linear layer of the body computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Projection {
    /// Queries of self-attention.
    Query,
    /// Keys of self-attention.
    Key,
    /// Values of self-attention.
    Value,
    /// Queries, keys and values of self-attention in one product.
    QueryKeyValue,
    /// Anything else: what attention puts out, the feed-forward block, the pooler.
    Dense,
}

impl Role {
    /// The role of the parameter at a module path made of the shared blocks' names; `None` where there is no such
    /// parameter.
    pub(crate) fn in_blocks(path: &str, heads: &[&str]) -> Option<Self> {
        let (layer, parameter) = path.rsplit_once('.')?;
        if heads.iter().any(|head| is_under(path, head)) {
            return Some(Self::Head);
        }
        let name = layer.rsplit('.').next()?;
        let projection = match name {
            "query" => Projection::Query,
            "key" => Projection::Key,
            "value" => Projection::Value,
            _ => Projection::Dense,
        };
        Some(match (name, parameter) {
            ("word_embeddings", "weight") => Self::TokenEmbedding,
            ("position_embeddings" | "token_type_embeddings", "weight") => Self::Embedding,
            ("layer_norm", "gamma" | "beta") => Self::Norm,
            ("query" | "key" | "value" | "dense" | "embeddings_project", "weight") => {
                Self::Weight(projection)
            }
            ("query" | "key" | "value" | "dense" | "embeddings_project", "bias") => {
                Self::Bias(projection)
            }
            _ => return None,
        })
    }
}

/// Whether a parameter's path lies under a module path.
fn is_under(path: &str, layer: &str) -> bool {
    let rest = path.strip_prefix(layer);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// A float parameter of a [`Classifier`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its path in the module, joined by dots.
    pub path: String,
    /// Its id in the module.
    pub id: ParamId,
    /// What it is for.
    pub role: Role,
}

impl Parameter {
    /// Whether the parameter lies under a module path.
    pub fn is_under(&self, layer: &str) -> bool {
        is_under(&self.path, layer)
    }
}

pub(crate) fn parameters(model: &Classifier) -> Vec<Parameter> {
    let mut visitor = Listing {
        model,
        path: Vec::new(),
        found: Vec::new(),
    };
    model.visit(&mut visitor);
    visitor.found
}

struct Listing<'a> {
    model: &'a Classifier,
    path: Vec<String>,
    found: Vec<Parameter>,
}

impl ModuleVisitor for Listing<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let role = self.model.0.role(&path);
        let role =
            role.unwrap_or_else(|| panic!("a family gives every parameter a role, not {path}"));
        let id = param.id;
        self.found.push(Parameter { path, id, role });
    }
}
