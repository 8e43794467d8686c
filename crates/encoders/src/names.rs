//! How the tensors of a checkpoint are named, and which of them a module needs.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// How a family's checkpoints name what its module holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    /// Module path of the body: transformers' `base_model_prefix`.
    pub(crate) base: &'static str,
    /// The body's parts. In a checkpoint saved without a head their names lack that of the body.
    pub(crate) parts: &'static [&'static str],
    /// Parts of names that differ, in the checkpoint and in the module.
    pub(crate) renamed: &'static [(&'static str, &'static str)],
    /// Module paths of the head: the layers that belong to the task.
    pub(crate) heads: &'static [&'static str],
    /// Module paths of the head's linear layers, in the order in which they are drawn.
    pub(crate) head_layers: &'static [&'static str],
    /// Module paths of the body's linear layers that a checkpoint may leave out; they are then drawn afresh.
    pub(crate) optional: &'static [&'static str],
    /// Heads of other tasks, which a fresh head replaces.
    pub(crate) other_heads: &'static [&'static str],
    /// Prefixes of tensors that the module has no place for and that are ignored: the heads of pretraining,
    /// buffers of older versions of transformers, second names of tied weights.
    pub(crate) left_aside: &'static [&'static str],
}

/// What differs between the names of the shared blocks in a checkpoint and in the module: `self` is a keyword, and
/// fields are in snake case.
pub(crate) const RENAMED: &[(&str, &str)] = &[
    (".attention.self.", ".attention.self_attention."),
    (".LayerNorm.", ".layer_norm."),
];

/// A tensor that a module needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needed {
    /// Path of the parameter in the module.
    pub(crate) path: String,
    /// In PyTorch's order.
    pub(crate) shape: Vec<usize>,
}

impl Names {
    /// The name under which today's transformers saves a tensor.
    ///
    /// A model saved without a head lacks the name of the body, and checkpoints converted from TensorFlow call the
    /// parameters of a normalisation gamma and beta.
    pub(crate) fn current(&self, name: &str) -> String {
        let first = name.split('.').next().unwrap_or_default();
        let name = match self.parts.contains(&first) {
            true => format!("{}.{name}", self.base),
            false => name.to_owned(),
        };
        if let Some(stem) = name.strip_suffix(".gamma") {
            format!("{stem}.weight")
        } else if let Some(stem) = name.strip_suffix(".beta") {
            format!("{stem}.bias")
        } else {
            name
        }
    }

    /// Patterns with replacements that turn a checkpoint's names into module paths, in order.
    ///
    /// Gamma and beta are left to burn-store, which knows a normalisation by its container.
    pub(crate) fn module_patterns(&self) -> Vec<(String, String)> {
        let parts = self.parts.join("|");
        // A part is a module, or a parameter by itself.
        let prefix = (format!(r"^({parts})(\.|$)"), format!("{}.$1$2", self.base));
        let renamed = self.renamed.iter();
        let renamed = renamed.map(|&(theirs, ours)| (literal(theirs), ours.to_owned()));
        std::iter::once(prefix).chain(renamed).collect()
    }

    /// Patterns with replacements that turn module paths into a checkpoint's names.
    pub(crate) fn checkpoint_patterns(&self) -> Vec<(String, String)> {
        let renamed = self.renamed.iter();
        renamed
            .map(|&(theirs, ours)| (literal(ours), theirs.to_owned()))
            .collect()
    }

    /// Every tensor that a module needs, by the name under which today's transformers saves it.
    pub(crate) fn needed<M: Module>(&self, module: &M) -> BTreeMap<String, Needed> {
        let mut visitor = Needs {
            names: self,
            path: Vec::new(),
            containers: Vec::new(),
            found: BTreeMap::new(),
        };
        module.visit(&mut visitor);
        visitor.found
    }
}

/// Escapes a name for a regular expression; the dot is the only special character in names.
pub(crate) fn literal(text: &str) -> String {
    text.replace('.', r"\.")
}

/// Collects what a module needs from what it holds.
struct Needs<'a> {
    names: &'a Names,
    path: Vec<String>,
    containers: Vec<String>,
    found: BTreeMap<String, Needed>,
}

impl ModuleVisitor for Needs<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let mut name = path.clone();
        for (theirs, ours) in self.names.renamed {
            name = name.replace(ours, theirs);
        }
        let mut shape = param.lazy_shape().to_vec();
        // PyTorch keeps the weight of a linear layer as `[output, input]`.
        if self.containers.last().is_some_and(|c| c == "Struct:Linear") {
            shape.reverse();
        }
        let needed = Needed { path, shape };
        self.found.insert(self.names.current(&name), needed);
    }
}
