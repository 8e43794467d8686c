//! Running what a client sends.

use burn::backend::ir::{BackendIr, CustomOpIr, HandleContainer, TensorIr};
use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{DispatchDevice, TensorMetadata};
use burn::server::RemoteServer;
use burn::tensor::{DType, Device};

use super::argument::Numbers;
use super::operation::{Form, Operation};
use crate::adamw::AdamWBackend;
use crate::attention::AttentionBackend;
use crate::biased_attention::BiasedAttentionBackend;
use crate::cross_entropy::CrossEntropyBackend;
use crate::embedding::EmbeddingBackend;
use crate::geglu::GegluBackend;
use crate::layer_norm::LayerNormBackend;
use crate::linear::LinearBackend;
use crate::residual::ResidualBackend;

/// Lets a server of this device's backend run the operations of this crate for its clients.
///
/// A client of a server without them ends its session with the first operation. A backend without a feature of this crate
/// gets none.
#[must_use]
pub fn with_operations(server: RemoteServer, device: &Device) -> RemoteServer {
    match device.as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => with_operations_of::<burn::backend::Flex>(server),
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => with_operations_of::<burn::backend::NdArray>(server),
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(_) => with_operations_of::<burn::backend::Cube>(server),
        _ => server,
    }
}

/// A backend that a server may have, with the operations of this crate.
trait Served:
    BackendIr
    + AdamWBackend
    + AttentionBackend
    + BiasedAttentionBackend
    + CrossEntropyBackend
    + EmbeddingBackend
    + GegluBackend
    + LayerNormBackend
    + LinearBackend
    + ResidualBackend
{
}

impl<B> Served for B where
    B: BackendIr
        + AdamWBackend
        + AttentionBackend
        + BiasedAttentionBackend
        + CrossEntropyBackend
        + EmbeddingBackend
        + GegluBackend
        + LayerNormBackend
        + LinearBackend
        + ResidualBackend
{
}

#[allow(dead_code)] // Without a backend there is nothing to serve.
fn with_operations_of<B: Served>(server: RemoteServer) -> RemoteServer {
    Operation::ALL.iter().fold(server, |server, &operation| {
        server.with_custom_op::<B, _>(operation.id(), move |handles, call, _device| {
            let call = Call {
                operation,
                handles,
                call,
                forms: Vec::new(),
            };
            call.run::<B>();
        })
    })
}

/// An operation as it came in.
struct Call<'a, H> {
    operation: Operation,
    handles: &'a mut HandleContainer<H>,
    call: &'a CustomOpIr,
    /// Of the tensors that have been taken.
    forms: Vec<Form>,
}

impl<H: Clone> Call<'_, H> {
    /// Computes and keeps the results under the names that the client has for them.
    ///
    /// # Panics
    ///
    /// When tensors or numbers are not those of the operation, which ends the client's session.
    fn run<B: Served<Handle = H>>(mut self) {
        let call = self.call;
        let mut numbers = Numbers::new(&call.scalars);
        match self.operation {
            Operation::Linear => {
                let [x, weight, bias] = self.floats::<B, 3>();
                self.check();
                self.keep::<B, 1>([B::fused_linear(x, weight, bias)]);
            }
            Operation::LinearXBackward => {
                let [weight, grad] = self.floats::<B, 2>();
                self.check();
                self.keep::<B, 1>([B::fused_linear_x_backward(weight, grad)]);
            }
            Operation::LinearParametersBackward => {
                let [x, grad] = self.floats::<B, 2>();
                self.check();
                self.keep::<B, 2>(B::fused_linear_parameters_backward(x, grad).into());
            }
            Operation::LinearGelu => {
                let [x, weight, bias] = self.floats::<B, 3>();
                self.check();
                self.keep::<B, 1>([B::fused_linear_gelu(x, weight, bias)]);
            }
            Operation::LinearGeluParts => {
                let [x, weight, bias] = self.floats::<B, 3>();
                self.check();
                self.keep::<B, 2>(B::fused_linear_gelu_parts(x, weight, bias).into());
            }
            Operation::Gelu => {
                let [x] = self.floats::<B, 1>();
                self.check();
                self.keep::<B, 1>([B::fused_gelu(x)]);
            }
            Operation::GeluBackward => {
                let [x, grad] = self.floats::<B, 2>();
                self.check();
                self.keep::<B, 1>([B::fused_gelu_backward(x, grad)]);
            }
            Operation::Geglu => {
                let [x] = self.floats::<B, 1>();
                self.check();
                self.keep::<B, 1>([B::fused_geglu(x)]);
            }
            Operation::GegluBackward => {
                let [x, grad] = self.floats::<B, 2>();
                self.check();
                self.keep::<B, 1>([B::fused_geglu_backward(x, grad)]);
            }
            Operation::LayerNorm => {
                let [x, gamma, beta] = self.floats::<B, 3>();
                self.check();
                let y = B::fused_layer_norm(x, gamma, beta, numbers.read());
                self.keep::<B, 1>([y]);
            }
            Operation::LayerNormBackward => {
                let [x, gamma, grad] = self.floats::<B, 3>();
                self.check();
                let grads = B::fused_layer_norm_backward(x, gamma, grad, numbers.read());
                self.keep::<B, 3>(grads.into());
            }
            Operation::Residual => {
                let [x, weight, bias, residual, gamma, beta] = self.floats::<B, 6>();
                self.check();
                let (epsilon, dropout) = (numbers.read(), numbers.read());
                let y = B::fused_residual(x, weight, bias, residual, gamma, beta, epsilon, dropout);
                self.keep::<B, 1>([y]);
            }
            Operation::ResidualParts => {
                let [x, weight, bias, residual, gamma, beta] = self.floats::<B, 6>();
                self.check();
                let (epsilon, dropout) = (numbers.read(), numbers.read());
                let parts = B::fused_residual_parts(
                    x, weight, bias, residual, gamma, beta, epsilon, dropout,
                );
                self.keep::<B, 2>(parts.into());
            }
            Operation::ResidualBackward => {
                let [x, weight, sum, gamma, grad] = self.floats::<B, 5>();
                self.check();
                let (epsilon, dropout) = (numbers.read(), numbers.read());
                let grads =
                    B::fused_residual_backward(x, weight, sum, gamma, grad, epsilon, dropout);
                self.keep::<B, 6>(grads.into());
            }
            Operation::Dropout => {
                let [x] = self.floats::<B, 1>();
                self.check();
                self.keep::<B, 1>([B::fused_dropout(x, numbers.read())]);
            }
            Operation::Embedding => {
                let [weight] = self.floats::<B, 1>();
                let indices = self.int::<B>();
                self.check();
                self.keep::<B, 1>([B::fused_embedding(weight, indices)]);
            }
            Operation::EmbeddingBackward => {
                let [weight] = self.floats::<B, 1>();
                let indices = self.int::<B>();
                let [grad] = self.floats::<B, 1>();
                self.check();
                self.keep::<B, 1>([B::fused_embedding_backward(weight, indices, grad)]);
            }
            Operation::Attention => {
                let [query, key, value] = self.floats::<B, 3>();
                let mask = self.bool::<B>();
                self.check();
                let packing = numbers.read();
                let (heads, dropout) = (numbers.read(), numbers.read());
                let context = B::fused_attention(query, key, value, mask, packing, heads, dropout);
                self.keep::<B, 1>([context]);
            }
            Operation::AttentionBackward => {
                let [query, key, value] = self.floats::<B, 3>();
                let mask = self.bool::<B>();
                let [grad] = self.floats::<B, 1>();
                self.check();
                let packing = numbers.read();
                let (heads, dropout) = (numbers.read(), numbers.read());
                let grads = B::fused_attention_backward(
                    query, key, value, mask, packing, grad, heads, dropout,
                );
                self.keep::<B, 3>(grads.into());
            }
            Operation::BiasedAttention => {
                let [query, key, value, bias] = self.floats::<B, 4>();
                let mask = self.bool::<B>();
                self.check();
                let (heads, dropout) = (numbers.read(), numbers.read());
                let context =
                    B::fused_biased_attention(query, key, value, bias, mask, heads, dropout);
                self.keep::<B, 1>([context]);
            }
            Operation::BiasedAttentionBackward => {
                let [query, key, value, bias] = self.floats::<B, 4>();
                let mask = self.bool::<B>();
                let [grad] = self.floats::<B, 1>();
                self.check();
                let (heads, dropout) = (numbers.read(), numbers.read());
                let grads = B::fused_biased_attention_backward(
                    query, key, value, bias, mask, grad, heads, dropout,
                );
                self.keep::<B, 4>(grads.into());
            }
            Operation::CrossEntropy => {
                let [logits] = self.floats::<B, 1>();
                let targets = self.int::<B>();
                self.check();
                self.keep::<B, 1>([B::fused_cross_entropy(logits, targets)]);
            }
            Operation::CrossEntropyParts => {
                let [logits] = self.floats::<B, 1>();
                let targets = self.int::<B>();
                self.check();
                self.keep::<B, 2>(B::fused_cross_entropy_parts(logits, targets).into());
            }
            Operation::CrossEntropyBackward => {
                let [probabilities] = self.floats::<B, 1>();
                let targets = self.int::<B>();
                let [grad] = self.floats::<B, 1>();
                self.check();
                let dtype = numbers.read();
                let logits = B::fused_cross_entropy_backward(probabilities, targets, grad, dtype);
                self.keep::<B, 1>([logits]);
            }
            Operation::AdamW => {
                let [parameter, gradient, first, second] = self.floats::<B, 4>();
                self.check();
                let updated = B::fused_adamw(parameter, gradient, first, second, numbers.read());
                self.keep::<B, 3>(updated.into());
            }
            Operation::SquaredNorm => {
                let [x] = self.floats::<B, 1>();
                self.check();
                self.keep::<B, 1>([B::fused_squared_norm(x)]);
            }
        }
    }

    /// The name of the next tensor.
    fn next(&self) -> &TensorIr {
        let call = self.call;
        let next = call.inputs.get(self.forms.len());
        next.unwrap_or_else(|| panic!("{}: {} tensors", call.id, call.inputs.len()))
    }

    /// Notes what was taken, of which a client's word is not enough.
    fn taken(&mut self, tensor: &impl TensorMetadata, is_of_type: impl Fn(DType) -> bool) {
        let dtype = tensor.dtype();
        assert!(is_of_type(dtype), "{}: {dtype:?}", self.call.id);
        let shape = tensor.shape();
        self.forms.push(Form { shape, dtype });
    }

    fn floats<B: Served<Handle = H>, const N: usize>(&mut self) -> [FloatTensor<B>; N] {
        std::array::from_fn(|_| {
            let name = self.next().clone();
            let tensor = self.handles.get_float_tensor::<B>(&name);
            self.taken(&tensor, |dtype| dtype.is_float());
            tensor
        })
    }

    fn int<B: Served<Handle = H>>(&mut self) -> IntTensor<B> {
        let name = self.next().clone();
        let tensor = self.handles.get_int_tensor::<B>(&name);
        self.taken(&tensor, |dtype| dtype.is_int() || dtype.is_uint());
        tensor
    }

    fn bool<B: Served<Handle = H>>(&mut self) -> BoolTensor<B> {
        let name = self.next().clone();
        let tensor = self.handles.get_bool_tensor::<B>(&name);
        self.taken(&tensor, |dtype| dtype.is_bool());
        tensor
    }

    /// Compares everything with what the operation takes and gives.
    fn check(&self) {
        let outputs = self.call.outputs.iter();
        let named: Vec<Form> = outputs
            .map(|output| Form {
                shape: output.shape.clone(),
                dtype: output.dtype,
            })
            .collect();
        let given = self.operation.outputs(&self.forms, &self.call.scalars);
        assert_eq!(named, given, "{}: results", self.call.id);
    }

    fn keep<B: Served<Handle = H>, const N: usize>(self, outputs: [FloatTensor<B>; N]) {
        for (name, output) in self.call.outputs.iter().zip(outputs) {
            self.handles.register_float_tensor::<B>(&name.id, output);
        }
    }
}
