//! Parameters and gradients of a module under the checkpoint's names and in PyTorch's layout.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Elements by the name transformers gives them.
pub(crate) type Named = BTreeMap<String, Vec<f32>>;

/// Every float parameter.
pub(crate) fn values<M: Module>(module: &M) -> Named {
    let mut visitor = Collector {
        path: Vec::new(),
        gradients: None,
        named: Named::new(),
    };
    module.visit(&mut visitor);
    visitor.named
}

/// The gradient of every float parameter.
pub(crate) fn gradients<M: Module>(module: &M, gradients: &GradientsParams) -> Named {
    let mut visitor = Collector {
        path: Vec::new(),
        gradients: Some(gradients),
        named: Named::new(),
    };
    module.visit(&mut visitor);
    visitor.named
}

struct Collector<'a> {
    path: Vec<String>,
    gradients: Option<&'a GradientsParams>,
    named: Named,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = checkpoint_name(&self.path);
        let tensor = match self.gradients {
            None => param.val(),
            Some(gradients) => gradients
                .get::<D>(param.id)
                .unwrap_or_else(|| panic!("{name} has no gradient")),
        };
        let elements = in_torch_layout(&name, tensor);
        self.named.insert(name, elements);
    }
}

/// The reverse of the mapping of names that `encoders` applies when it loads.
fn checkpoint_name(path: &[String]) -> String {
    path.join(".")
        .replace(".self_attention.", ".self.")
        .replace(".layer_norm.gamma", ".LayerNorm.weight")
        .replace(".layer_norm.beta", ".LayerNorm.bias")
}

/// PyTorch keeps the weight of a linear layer as `[out, in]`, Burn as `[in, out]`.
fn in_torch_layout<const D: usize>(name: &str, tensor: Tensor<D>) -> Vec<f32> {
    let tensor = if D == 2 && !name.contains("embeddings") {
        tensor.transpose()
    } else {
        tensor
    };
    tensor.into_data().try_to_vec().expect("f32 elements")
}
