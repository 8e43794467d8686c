//! Other values for a parameter of a module.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

/// The module with other values, or another shape, for the parameter at a path.
#[track_caller]
pub(crate) fn with<M: Module>(module: M, path: &str, values: TensorData) -> M {
    let mut replace = Replace {
        wanted: path,
        values: Some(values),
        path: Vec::new(),
    };
    let module = module.map(&mut replace);
    assert!(replace.values.is_none(), "no parameter {path}");
    module
}

struct Replace<'a> {
    wanted: &'a str,
    values: Option<TensorData>,
    path: Vec<String>,
}

impl ModuleMapper for Replace<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.path.join(".") == self.wanted {
            false => param,
            true => {
                let values = self.values.take().expect("a path occurs once");
                Param::initialized(param.id, Tensor::from_data(values, &param.lazy_device()))
            }
        }
    }
}
