//! Linear layers in half precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{FloatDType, Tensor};

/// How Burn names the container of a [`Linear`](crate::blocks::Linear) layer's parameters.
const LINEAR: &str = "Struct:Linear";

/// The module with the parameters of its linear layers in another float type.
///
/// What flows between the layers takes that type too. Embeddings, normalisation and what is added up over
/// many elements stay in the type they have. On an autodiff device the gradients lead back to the
/// parameters of the module that was given, in their type. The division is that of `torch.autocast`.
pub fn cast_linear<M: Module>(module: M, dtype: FloatDType) -> M {
    module.map(&mut LinearCast {
        dtype,
        is_inside: false,
    })
}

struct LinearCast {
    dtype: FloatDType,
    is_inside: bool,
}

impl ModuleMapper for LinearCast {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.is_inside |= container == LINEAR;
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.is_inside &= container != LINEAR;
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.is_inside {
            return param;
        }
        let (id, tensor, mapper) = param.consume();
        Param::from_mapped_value(id, tensor.cast(self.dtype), mapper)
    }
}
