//! What is in a module.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use onnx_check::encoder::Model;

/// The values of every float parameter, in the module's order.
pub(crate) fn floats(model: &Model) -> Vec<TensorData> {
    struct Read(Vec<TensorData>);
    impl ModuleVisitor for Read {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().into_data());
        }
    }
    let mut read = Read(Vec::new());
    model.visit(&mut read);
    read.0
}
