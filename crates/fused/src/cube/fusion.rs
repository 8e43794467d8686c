//! Kernels of many tensors as operations that Burn's fusion runs in their turn.

use std::fmt;

use burn::backend::Cube;
use burn::backend::fusion::custom::{
    CustomOpIr, HandleContainer, Operation, OperationIr, StreamId, TensorIr,
};
use burn::backend::fusion::{ExecutionError, FusionBackend, FusionRuntime, FusionTensor};
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

type Runtime = <CubeBackend as FusionBackend>::FusionRuntime;
type Handles = HandleContainer<<Runtime as FusionRuntime>::FusionHandle>;

/// Registers an operation on at least one tensor, all on one device; `run` gives tensors of the shapes and types of `outputs`.
pub(super) fn register(
    id: &'static str,
    inputs: Vec<FloatTensor<Cube>>,
    outputs: Vec<(Shape, DType)>,
    run: impl Fn(Vec<CubeTensor>) -> Vec<CubeTensor> + Send + Sync + 'static,
) -> Vec<FloatTensor<Cube>> {
    let client = inputs[0].client.clone();
    let inputs: Vec<TensorIr> = inputs.into_iter().map(FusionTensor::into_ir).collect();
    let outputs = outputs.into_iter();
    let outputs: Vec<TensorIr> = outputs
        .map(|(shape, dtype)| TensorIr::uninit(client.create_empty_handle(), shape, dtype))
        .collect();
    let call = OperationIr::Custom(CustomOpIr::new(id, &inputs, &outputs));
    let registered = Registered {
        inputs,
        outputs,
        run,
    };
    client.register(StreamId::current(), call, registered)
}

struct Registered<F> {
    inputs: Vec<TensorIr>,
    outputs: Vec<TensorIr>,
    run: F,
}

impl<F> fmt::Debug for Registered<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registered")
    }
}

impl<F> Operation<Runtime> for Registered<F>
where
    F: Fn(Vec<CubeTensor>) -> Vec<CubeTensor> + Send + Sync,
{
    fn execute(&self, handles: &mut Handles) -> Result<(), ExecutionError> {
        // Int tensors are of the same type here.
        let inputs = self.inputs.iter();
        let inputs = inputs.map(|input| handles.get_float_tensor::<CubeBackend>(input));
        let results = (self.run)(inputs.collect());
        for (output, result) in self.outputs.iter().zip(results) {
            handles.register_float_tensor::<CubeBackend>(&output.id, result);
        }
        Ok(())
    }
}
