//! Linear layers in half precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{FloatDType, Tensor};

/// Burn's name for the container of a [`Linear`](crate::blocks::Linear) layer's parameters.
const LINEAR: &str = "Struct:Linear";

/// Casts the parameters of a module's linear layers to another float type.
///
/// Activations between the layers take that type too. Embeddings, normalisation and sums over many elements keep
/// theirs. On an autodiff device gradients flow back to the parameters of the given module, in their own type.
/// `torch.autocast` draws the same line.
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
