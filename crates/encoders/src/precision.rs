//! Linear layers in half precision.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{FloatDType, Tensor};
use fused::{Casted, Casts};

/// Burn's name for the container of a [`Linear`](crate::blocks::Linear) layer's parameters.
const LINEAR: &str = "Struct:Linear";

/// Casts the parameters of a module's linear layers to another float type.
///
/// Activations between the layers take that type too. Embeddings, normalisation and sums over many elements keep
/// theirs. On an autodiff device gradients flow back to the parameters of the given module, in their own type.
/// `torch.autocast` draws the same line.
pub fn cast_linear<M: Module>(module: M, dtype: FloatDType) -> M {
    module.map(&mut LinearCast {
        place: Place::default(),
        cast: dtype,
    })
}

/// [`cast_linear`] of all parameters at once, which takes far fewer kernels where [`fused::runs_together`]. Their gradients wait for
/// each other: one backward pass has to go through all layers.
pub fn cast_linear_together<M: Module>(module: M, dtype: FloatDType) -> M {
    let mut gathered = Gathered::default();
    module.visit(&mut gathered);
    module.map(&mut LinearCast {
        place: Place::default(),
        cast: HandedBack(gathered.casts.take(dtype)),
    })
}

/// Whether a linear layer is visited.
#[derive(Default)]
struct Place {
    is_inside: bool,
}

impl Place {
    fn enter(&mut self, container: &str) {
        self.is_inside |= container == LINEAR;
    }

    fn exit(&mut self, container: &str) {
        self.is_inside &= container != LINEAR;
    }
}

/// The parameters of linear layers.
#[derive(Default)]
struct Gathered {
    place: Place,
    casts: Casts,
}

impl ModuleVisitor for Gathered {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.place.enter(container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.place.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.place.is_inside {
            self.casts.add(param.val());
        }
    }
}

/// What a parameter of a linear layer is cast to.
trait Cast {
    fn cast<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D>;
}

impl Cast for FloatDType {
    fn cast<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        x.cast(*self)
    }
}

struct HandedBack(Casted);

impl Cast for HandedBack {
    fn cast<const D: usize>(&mut self, _: Tensor<D>) -> Tensor<D> {
        let cast = self.0.hand_back();
        cast.expect("both visits have the same parameters")
    }
}

struct LinearCast<C> {
    place: Place,
    cast: C,
}

impl<C: Cast> ModuleMapper for LinearCast<C> {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.place.enter(container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.place.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.place.is_inside {
            return param;
        }
        let (id, tensor, mapper) = param.consume();
        Param::from_mapped_value(id, self.cast.cast(tensor), mapper)
    }
}
