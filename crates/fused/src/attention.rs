//! Scaled dot-product attention over several heads.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Bool, Shape, Tensor};

use crate::dropout::DropoutBackend;
use crate::half::{rounded, widened};
use crate::key::Dropout;
use crate::mask::Places;
use crate::packing::{Packed, Packing, Padded};

/// `softmax(query keyᵀ / √d) value` per head, with the probabilities dropped out.
///
/// [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), section 3.2. The heads lie side by side
/// in the last dimension, as the projections leave them, so nothing is moved. The backward pass
/// computes the probabilities again: memory grows with the length of the sequence, not with its square.
///
/// Keys where `key_mask` is false (padding) get probability 0, whatever their scores. A sequence
/// without any other key gives a zero context and zero gradients.
///
/// Probability `(i, j)` of head `h` of sequence `b` takes place
/// `(b heads + h) ceil(queries keys / 512) 512 + i keys + j` of the dropout mask.
///
/// # Shapes
///
/// - `query` and the result: `[batch, queries, heads * d]`
/// - `key`, `value`: `[batch, keys, heads * d]`
/// - `key_mask`: `[batch, keys]`, true where a key may be attended to
///
/// # Panics
///
/// When the shapes do not fit together, or the last dimension is not a multiple of `heads`.
pub fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    heads: usize,
    key_mask: Option<Tensor<2, Bool>>,
    dropout: Option<Dropout>,
) -> Tensor<3> {
    let [batch, keys, width] = key.dims();
    assert!(
        heads > 0 && width.is_multiple_of(heads),
        "attention width {width}: expected a multiple of {heads} heads"
    );
    // The kernels work on raw memory and rely on these checks.
    let [_, queries, _] = query.dims();
    assert_eq!(query.dims(), [batch, queries, width], "attention: query");
    assert_eq!(value.dims(), key.dims(), "attention: value and key");
    let key_mask = key_mask.unwrap_or_else(|| Tensor::ones([batch, keys], &key.device()));
    assert_eq!(key_mask.dims(), [batch, keys], "attention: key_mask");
    Tensor::from_dispatch(<Dispatch as AttentionBackend>::fused_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        key_mask.into_dispatch(),
        None,
        heads,
        dropout,
    ))
}

/// [`attention`] within each of several sequences that lie end to end, without padding.
///
/// Probability `(i, j)` of head `h` of a sequence of `m` queries and `n` keys takes place
/// `h p + i n + j` of its part of the dropout mask, where `p` is `ceil(m n / 512) 512`. The parts,
/// `heads p` places each, lie end to end as the sequences do.
///
/// # Shapes
///
/// - `query` and the result: `[1, queries.rows(), heads * d]`
/// - `key`, `value`: `[1, keys.rows(), heads * d]`
/// - `queries`, `keys`: the rows of as many sequences
///
/// # Panics
///
/// When the shapes do not fit together, or the last dimension is not a multiple of `heads`.
pub fn packed_attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    heads: usize,
    [queries, keys]: [Packing; 2],
    dropout: Option<Dropout>,
) -> Tensor<3> {
    let [_, rows, width] = key.dims();
    assert!(
        heads > 0 && width.is_multiple_of(heads),
        "attention width {width}: expected a multiple of {heads} heads"
    );
    // The kernels work on raw memory and rely on these checks.
    assert_eq!(query.dims(), [1, queries.rows(), width], "attention: query");
    assert_eq!(key.dims(), [1, keys.rows(), width], "attention: key");
    assert_eq!(value.dims(), key.dims(), "attention: value and key");
    let [of_queries, of_keys] = [&queries, &keys].map(|packing| packing.lengths().len());
    assert_eq!(of_queries, of_keys, "attention: sequences");
    let key_mask = Tensor::<2, Bool>::ones([1, rows], &key.device());
    Tensor::from_dispatch(<Dispatch as AttentionBackend>::fused_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        key_mask.into_dispatch(),
        Some(Packed { queries, keys }),
        heads,
        dropout,
    ))
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait AttentionBackend: Backend + DropoutBackend {
    /// With a packing, the batch is one row of sequences end to end, each of which attends to itself alone.
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        plain::<Self>(query, key, value, key_mask, packing, heads, dropout)
    }

    /// The gradients of `query`, `key` and `value`.
    #[allow(clippy::too_many_arguments)] // Those of the operation and its result's gradient.
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
        plain_backward::<Self>(query, key, value, key_mask, packing, grad, heads, dropout)
    }
}

#[cfg(feature = "ndarray")]
impl AttentionBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl AttentionBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl AttentionBackend for burn::backend::LibTorch {}

/// Burn's primitives, on `[batch, heads, sequence, d]`.
struct Plain<B: Backend> {
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    /// In single precision where the others are in half.
    probabilities: FloatTensor<B>,
    /// The dropout multipliers.
    multipliers: Option<FloatTensor<B>>,
    scale: f32,
}

/// `[batch, sequence, heads * d]` as `[batch, heads, sequence, d]`.
fn split<B: Backend>(x: FloatTensor<B>, heads: usize) -> FloatTensor<B> {
    let [batch, sequence, width] = x.shape().dims();
    let x = B::float_reshape(x, Shape::new([batch, sequence, heads, width / heads]));
    B::float_swap_dims(x, 1, 2)
}

/// The inverse of [`split`].
fn join<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [batch, heads, sequence, d] = x.shape().dims();
    let x = B::float_swap_dims(x, 1, 2);
    B::float_reshape(x, Shape::new([batch, sequence, heads * d]))
}

fn dropped<B: Backend>(x: FloatTensor<B>, multipliers: &Option<FloatTensor<B>>) -> FloatTensor<B> {
    match multipliers {
        Some(multipliers) => B::float_mul(x, multipliers.clone()),
        None => x,
    }
}

impl<B: Backend + DropoutBackend> Plain<B> {
    fn new(
        [query, key, value]: [FloatTensor<B>; 3],
        bias: Option<FloatTensor<B>>,
        key_mask: BoolTensor<B>,
        packing: Option<&Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> Self {
        let [batch, queries, _] = query.shape().dims();
        let keys = key.shape()[1];
        let shape = Shape::new([batch, heads, queries, keys]);
        let mask = dropout.map(|dropout| {
            let places = Places::of_heads([batch, heads, queries, keys], packing.cloned());
            B::dropout_mask(&query, places, dropout)
        });
        let [query, key, value] = [query, key, value].map(|x| split::<B>(x, heads));
        let d = query.shape()[3];
        let scale = 1.0 / (d as f32).sqrt();

        let key_mask = B::bool_reshape(key_mask, Shape::new([batch, 1, 1, keys]));
        let key_mask = B::bool_expand(key_mask, shape);
        let scores = B::float_matmul(query.clone(), B::float_swap_dims(key.clone(), 2, 3));
        let scores = B::float_mul_scalar(widened::<B>(scores), scale.into());
        let scores = match bias {
            Some(bias) => B::float_add(scores, widened::<B>(bias)),
            None => scores,
        };
        let padding = B::bool_not(key_mask);
        // Below every score, however far a model has gone astray.
        let scores = B::float_mask_fill(scores, padding.clone(), f32::NEG_INFINITY.into());
        let probabilities = B::softmax(scores, 3);
        // A row of padding is NaN so far.
        let probabilities = B::float_mask_fill(probabilities, padding, 0f32.into());

        let multipliers = mask.map(|mask| rounded::<B>(mask, probabilities.dtype()));
        Self {
            query,
            key,
            value,
            probabilities,
            multipliers,
            scale,
        }
    }

    fn context(self) -> FloatTensor<B> {
        let probabilities = dropped::<B>(self.probabilities, &self.multipliers);
        let probabilities = rounded::<B>(probabilities, self.value.dtype());
        join::<B>(B::float_matmul(probabilities, self.value))
    }

    /// The gradients of query, key and value, and that of the scaled scores.
    fn gradients(
        self,
        grad: FloatTensor<B>,
        heads: usize,
    ) -> ([FloatTensor<B>; 3], FloatTensor<B>) {
        let grad = split::<B>(grad, heads);
        let transpose = |x| B::float_swap_dims(x, 2, 3);

        let dtype = self.value.dtype();
        let kept = dropped::<B>(self.probabilities.clone(), &self.multipliers);
        let kept = rounded::<B>(kept, dtype);
        let value_grad = B::float_matmul(transpose(kept), grad.clone());
        let probability_grad = widened::<B>(B::float_matmul(grad, transpose(self.value)));
        let probability_grad = dropped::<B>(probability_grad, &self.multipliers);
        let along = B::float_mul(probability_grad.clone(), self.probabilities.clone());
        let along = B::float_sum_dim(along, 3);
        let scaled_grad = B::float_sub(probability_grad, along);
        let scaled_grad = B::float_mul(scaled_grad, self.probabilities);
        let score_grad = B::float_mul_scalar(scaled_grad.clone(), self.scale.into());
        let score_grad = rounded::<B>(score_grad, dtype);
        let query_grad = B::float_matmul(score_grad.clone(), self.key);
        let key_grad = B::float_matmul(transpose(score_grad), self.query);
        let gradients = [query_grad, key_grad, value_grad].map(join::<B>);
        (gradients, scaled_grad)
    }
}

/// [`plain`] with a bias.
pub(crate) fn biased<B: Backend + DropoutBackend>(
    inputs: [FloatTensor<B>; 3],
    bias: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    heads: usize,
    dropout: Option<Dropout>,
) -> FloatTensor<B> {
    Plain::<B>::new(inputs, Some(bias), key_mask, None, heads, dropout).context()
}

/// [`plain_backward`] with a bias, whose gradient is the last.
pub(crate) fn biased_backward<B: Backend + DropoutBackend>(
    [query, key, value, grad]: [FloatTensor<B>; 4],
    bias: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    heads: usize,
    dropout: Option<Dropout>,
) -> (
    FloatTensor<B>,
    FloatTensor<B>,
    FloatTensor<B>,
    FloatTensor<B>,
) {
    let (shape, dtype) = (bias.shape(), bias.dtype());
    let inputs = [query, key, value];
    let plain = Plain::<B>::new(inputs, Some(bias), key_mask, None, heads, dropout);
    let ([query, key, value], bias) = plain.gradients(grad, heads);
    let bias = rounded::<B>(summed_to::<B>(bias, &shape), dtype);
    (query, key, value, bias)
}

/// The gradient of what was repeated to the shape of `grad`.
pub(crate) fn summed_to<B: Backend>(grad: FloatTensor<B>, shape: &Shape) -> FloatTensor<B> {
    let repeated = (0..shape.num_dims()).filter(|&dim| shape[dim] == 1);
    repeated.fold(grad, |grad, dim| match grad.shape()[dim] {
        1 => grad,
        _ => B::float_sum_dim(grad, dim),
    })
}

/// Burn's primitives.
pub(crate) fn plain<B: Backend + DropoutBackend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    packing: Option<Packed>,
    heads: usize,
    dropout: Option<Dropout>,
) -> FloatTensor<B> {
    let context = |inputs, key_mask, packing| {
        Plain::<B>::new(inputs, None, key_mask, packing, heads, dropout).context()
    };
    let inputs = [query, key, value];
    let Some(packing) = packing else {
        return context(inputs, key_mask, None);
    };
    let [queries, keys] = Padded::<B>::both(&packing, &inputs[0].device());
    let [query, key, value] = inputs;
    let inputs = [queries.pad(query), keys.pad(key), keys.pad(value)];
    queries.pack(context(inputs, keys.mask(), Some(&packing)))
}

/// Burn's primitives.
#[allow(clippy::too_many_arguments)] // Those of the operation and its result's gradient.
pub(crate) fn plain_backward<B: Backend + DropoutBackend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    packing: Option<Packed>,
    grad: FloatTensor<B>,
    heads: usize,
    dropout: Option<Dropout>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let gradients = |[query, key, value, grad]: [FloatTensor<B>; 4], key_mask, packing| {
        let inputs = [query, key, value];
        let plain = Plain::<B>::new(inputs, None, key_mask, packing, heads, dropout);
        let (gradients, _) = plain.gradients(grad, heads);
        gradients
    };
    let inputs = [query, key, value, grad];
    let Some(packing) = packing else {
        return gradients(inputs, key_mask, None).into();
    };
    let [queries, keys] = Padded::<B>::both(&packing, &inputs[0].device());
    let [query, key, value, grad] = inputs;
    // Queries of padding take no part: the gradient of their result is 0.
    let grad = queries.pad(grad);
    let inputs = [queries.pad(query), keys.pad(key), keys.pad(value), grad];
    let [query, key, value] = gradients(inputs, keys.mask(), Some(&packing));
    (queries.pack(query), keys.pack(key), keys.pack(value))
}

impl<B: Backend + AttentionBackend, C: CheckpointStrategy> AttentionBackend for Autodiff<B, C> {
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct AttentionBackward;

        impl<B: Backend + AttentionBackend> Backward<B, 3> for AttentionBackward {
            type State = (
                [FloatTensor<B>; 3],
                BoolTensor<B>,
                Option<Packed>,
                usize,
                Option<Dropout>,
            );

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let ([query, key, value], key_mask, packing, heads, dropout) = ops.state;
                let (query_grad, key_grad, value_grad) = B::fused_attention_backward(
                    query, key, value, key_mask, packing, grad, heads, dropout,
                );
                let all = [query_grad, key_grad, value_grad];
                for (node, grad) in ops.parents.into_iter().zip(all) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, grad);
                    }
                }
            }
        }

        let (query, query_node) = query.into_parts();
        let (key, key_node) = key.into_parts();
        let (value, value_node) = value.into_parts();
        match AttentionBackward
            .prepare::<C>([query_node, key_node, value_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let inputs = [query.clone(), key.clone(), value.clone()];
                let state = (inputs, key_mask.clone(), packing.clone(), heads, dropout);
                let output =
                    B::fused_attention(query, key, value, key_mask, packing, heads, dropout);
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_attention(
                query, key, value, key_mask, packing, heads, dropout,
            )),
        }
    }
}
