//! The operations on tensors of a server.

use burn::backend::ir::{CustomOpIr, ScalarIr, TensorIr};
use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{Remote, TensorMetadata};
use burn::remote::CustomOpClient;
use burn::tensor::FloatDType;

use super::argument::Argument;
use super::operation::{Form, Operation};
use crate::adamw::{AdamW, AdamWBackend};
use crate::attention::AttentionBackend;
use crate::biased_attention::BiasedAttentionBackend;
use crate::cross_entropy::CrossEntropyBackend;
use crate::dropout::DropoutBackend;
use crate::embedding::EmbeddingBackend;
use crate::geglu::GegluBackend;
use crate::gelu::GeluBackend;
use crate::key::Dropout;
use crate::layer_norm::LayerNormBackend;
use crate::linear::LinearBackend;
use crate::packing::Packed;
use crate::residual::ResidualBackend;

/// Of every type: Burn's tensors on a server differ in their `dtype` alone.
type RemoteTensor = FloatTensor<Remote>;

/// The numbers of an operation, in the order in which the server reads them.
macro_rules! numbers {
    ($($argument:expr),* $(,)?) => {{
        #[allow(unused_mut)] // Operations may have none.
        let mut numbers: Vec<ScalarIr> = Vec::new();
        $(Argument::write(&$argument, &mut numbers);)*
        numbers
    }};
}

/// Sends an operation and returns the names of its results. The server runs it when it gets there.
fn send<const INPUTS: usize, const OUTPUTS: usize>(
    operation: Operation,
    inputs: [RemoteTensor; INPUTS],
    numbers: Vec<ScalarIr>,
) -> [RemoteTensor; OUTPUTS] {
    let client = CustomOpClient::new(&inputs[0].device());
    let forms = inputs.each_ref().map(|tensor| Form {
        shape: tensor.shape(),
        dtype: tensor.dtype(),
    });
    let outputs = operation.outputs(&forms, &numbers).into_iter();
    let outputs: Vec<TensorIr> = outputs
        .map(|form| TensorIr::uninit(client.create_empty_handle(), form.shape, form.dtype))
        .collect();
    let inputs = inputs.map(|tensor| tensor.into_ir());
    let call = CustomOpIr::with_scalars(operation.id(), &inputs, &outputs, numbers);
    let outputs = client.register(call);
    outputs
        .try_into()
        .unwrap_or_else(|outputs: Vec<_>| panic!("{}: {} results", operation.id(), outputs.len()))
}

impl LinearBackend for Remote {
    fn fused_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [y] = send(Operation::Linear, [x, weight, bias], numbers![]);
        y
    }

    fn fused_linear_x_backward(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [x] = send(Operation::LinearXBackward, [weight, grad], numbers![]);
        x
    }

    fn fused_linear_parameters_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        send::<_, 2>(Operation::LinearParametersBackward, [x, grad], numbers![]).into()
    }

    fn fused_linear_gelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [y] = send(Operation::LinearGelu, [x, weight, bias], numbers![]);
        y
    }

    fn fused_linear_gelu_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        send::<_, 2>(Operation::LinearGeluParts, [x, weight, bias], numbers![]).into()
    }
}

impl GeluBackend for Remote {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let [y] = send(Operation::Gelu, [x], numbers![]);
        y
    }

    fn fused_gelu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        let [x] = send(Operation::GeluBackward, [x, grad], numbers![]);
        x
    }
}

impl GegluBackend for Remote {
    fn fused_geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let [y] = send(Operation::Geglu, [x], numbers![]);
        y
    }

    fn fused_geglu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        let [x] = send(Operation::GegluBackward, [x, grad], numbers![]);
        x
    }
}

impl LayerNormBackend for Remote {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let [y] = send(Operation::LayerNorm, [x, gamma, beta], numbers![epsilon]);
        y
    }

    fn fused_layer_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let inputs = [x, gamma, grad];
        send::<_, 3>(Operation::LayerNormBackward, inputs, numbers![epsilon]).into()
    }
}

impl ResidualBackend for Remote {
    fn fused_residual(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        let [y] = send(
            Operation::Residual,
            [x, weight, bias, residual, gamma, beta],
            numbers![epsilon, dropout],
        );
        y
    }

    fn fused_residual_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        send::<_, 2>(
            Operation::ResidualParts,
            [x, weight, bias, residual, gamma, beta],
            numbers![epsilon, dropout],
        )
        .into()
    }

    fn fused_residual_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        sum: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        send::<_, 6>(
            Operation::ResidualBackward,
            [x, weight, sum, gamma, grad],
            numbers![epsilon, dropout],
        )
        .into()
    }
}

/// A mask alone is made here and uploaded: no operation that runs on a server asks for one.
impl DropoutBackend for Remote {
    fn fused_dropout(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        let [y] = send(Operation::Dropout, [x], numbers![dropout]);
        y
    }
}

impl EmbeddingBackend for Remote {
    fn fused_embedding(weight: FloatTensor<Self>, indices: IntTensor<Self>) -> FloatTensor<Self> {
        let [rows] = send(Operation::Embedding, [weight, indices], numbers![]);
        rows
    }

    fn fused_embedding_backward(
        weight: FloatTensor<Self>,
        indices: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let inputs = [weight, indices, grad];
        let [weight] = send(Operation::EmbeddingBackward, inputs, numbers![]);
        weight
    }
}

impl AttentionBackend for Remote {
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        let [context] = send(
            Operation::Attention,
            [query, key, value, key_mask],
            numbers![packing, heads, dropout],
        );
        context
    }

    fn fused_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        grad: FloatTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        send::<_, 3>(
            Operation::AttentionBackward,
            [query, key, value, key_mask, grad],
            numbers![packing, heads, dropout],
        )
        .into()
    }
}

impl BiasedAttentionBackend for Remote {
    fn fused_biased_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        let [context] = send(
            Operation::BiasedAttention,
            [query, key, value, bias, key_mask],
            numbers![heads, dropout],
        );
        context
    }

    fn fused_biased_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        grad: FloatTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        send::<_, 4>(
            Operation::BiasedAttentionBackward,
            [query, key, value, bias, key_mask, grad],
            numbers![heads, dropout],
        )
        .into()
    }
}

impl CrossEntropyBackend for Remote {
    fn fused_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let [loss] = send(Operation::CrossEntropy, [logits, targets], numbers![]);
        loss
    }

    fn fused_cross_entropy_parts(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        send::<_, 2>(Operation::CrossEntropyParts, [logits, targets], numbers![]).into()
    }

    fn fused_cross_entropy_backward(
        probabilities: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
        dtype: FloatDType,
    ) -> FloatTensor<Self> {
        let inputs = [probabilities, targets, grad];
        let [logits] = send(Operation::CrossEntropyBackward, inputs, numbers![dtype]);
        logits
    }
}

impl AdamWBackend for Remote {
    fn fused_adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let inputs = [parameter, gradient, first, second];
        send::<_, 3>(Operation::AdamW, inputs, numbers![step]).into()
    }

    fn fused_squared_norm(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let [norm] = send(Operation::SquaredNorm, [x], numbers![]);
        norm
    }
}
