//! Parameters and gradients of a model by the names that transformers gives them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};
use encoders::Classifier;

use crate::closeness::values;
use crate::family::Family;

/// The values of all parameters, or the gradients of those that have one, in PyTorch's layout.
pub(crate) fn named(
    family: &Family,
    model: &Classifier,
    gradients: Option<&Gradients>,
) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = Named {
        family,
        gradients,
        path: Vec::new(),
        found: BTreeMap::new(),
    };
    model.visit(&mut visitor);
    visitor.found
}

struct Named<'a> {
    family: &'a Family,
    gradients: Option<&'a Gradients>,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Named<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let name = self.family.checkpoint_name(&path);
        let found = match self.gradients {
            None => Some(param.val()),
            Some(gradients) => param.val().grad(gradients),
        };
        let Some(found) = found else {
            return;
        };
        let is_table = self.family.tables.iter().any(|table| path.contains(table));
        let found = match D == 2 && !is_table && path.ends_with(".weight") {
            false => values(found),
            // Burn keeps the weight of a linear layer transposed.
            true => values(found.transpose()),
        };
        assert!(self.found.insert(name, found).is_none(), "{path}: twice");
    }
}
