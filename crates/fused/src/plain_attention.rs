//! Attention by Burn's products, and what may have kernels around them.

use std::marker::PhantomData;

use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use crate::dropout::DropoutBackend;
use crate::half::{rounded, widened};
use crate::key::Dropout;
use crate::mask::Places;
use crate::packing::{Packed, Padded};

/// What dropout does to the probabilities `[batch, heads, queries, keys]`.
pub(crate) enum Dropped<B: Backend> {
    /// Nothing.
    Not,
    /// It multiplies them by these.
    By(FloatTensor<B>),
    /// It multiplies them by a mask that is made where it is used, with [`Places::of_heads`].
    #[cfg_attr(not(feature = "cube"), allow(dead_code))]
    Where(Dropout),
}

impl<B: Backend + DropoutBackend> Dropped<B> {
    /// What these scores' probabilities are multiplied by.
    fn multipliers(&self, scores: &FloatTensor<B>) -> Option<FloatTensor<B>> {
        match self {
            Self::Not => None,
            Self::By(multipliers) => Some(multipliers.clone()),
            Self::Where(dropout) => {
                let places = Places::of_heads(scores.shape().dims(), None);
                Some(B::dropout_mask(scores, places, *dropout))
            }
        }
    }
}

/// What attention computes around its products. A device may have kernels for it.
pub(crate) trait AroundProducts<B: Backend + DropoutBackend> {
    /// How to drop the probabilities of a tensor's type at these places.
    fn dropped(like: &FloatTensor<B>, places: Places, dropout: Dropout) -> Dropped<B> {
        Dropped::By(B::dropout_mask(like, places, dropout))
    }

    /// `[batch, sequence, heads * d]` as `[batch, heads, sequence, d]`.
    fn split<const N: usize>(tensors: [FloatTensor<B>; N], heads: usize) -> [FloatTensor<B>; N];

    /// The inverse of `split`.
    fn join<const N: usize>(tensors: [FloatTensor<B>; N]) -> [FloatTensor<B>; N];

    /// The probabilities of scores that are not scaled yet, in single precision where the scores are in half; and what dropout
    /// keeps of them, in the scores' own precision. Scores are `[batch, heads, queries, keys]`, and `key_mask` is `[batch, keys]`.
    fn probabilities(
        scores: FloatTensor<B>,
        key_mask: BoolTensor<B>,
        dropped: &Dropped<B>,
        scale: f32,
    ) -> (FloatTensor<B>, FloatTensor<B>);

    /// The gradient of the scores, from that of what dropout keeps.
    fn score_grad(
        grad: FloatTensor<B>,
        probabilities: FloatTensor<B>,
        dropped: &Dropped<B>,
        scale: f32,
    ) -> FloatTensor<B>;

    /// [`score_grad`](Self::score_grad), and what dropout keeps of the probabilities, in the gradient's precision.
    fn score_grad_and_kept(
        grad: FloatTensor<B>,
        probabilities: FloatTensor<B>,
        dropped: &Dropped<B>,
        scale: f32,
    ) -> (FloatTensor<B>, FloatTensor<B>);
}

/// Burn's primitives.
pub(crate) struct Primitives;

/// `[batch, sequence, heads * d]` as `[batch, heads, sequence, d]`.
pub(crate) fn split<B: Backend>(x: FloatTensor<B>, heads: usize) -> FloatTensor<B> {
    let [batch, sequence, width] = x.shape().dims();
    let x = B::float_reshape(x, Shape::new([batch, sequence, heads, width / heads]));
    B::float_swap_dims(x, 1, 2)
}

/// The inverse of [`split`].
pub(crate) fn join<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [batch, heads, sequence, d] = x.shape().dims();
    let x = B::float_swap_dims(x, 1, 2);
    B::float_reshape(x, Shape::new([batch, sequence, heads * d]))
}

impl<B: Backend + DropoutBackend> AroundProducts<B> for Primitives {
    fn split<const N: usize>(tensors: [FloatTensor<B>; N], heads: usize) -> [FloatTensor<B>; N] {
        tensors.map(|x| split::<B>(x, heads))
    }

    fn join<const N: usize>(tensors: [FloatTensor<B>; N]) -> [FloatTensor<B>; N] {
        tensors.map(join::<B>)
    }

    fn probabilities(
        scores: FloatTensor<B>,
        key_mask: BoolTensor<B>,
        dropped: &Dropped<B>,
        scale: f32,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        biased_probabilities::<B>(scores, None, key_mask, dropped, scale)
    }

    fn score_grad(
        grad: FloatTensor<B>,
        probabilities: FloatTensor<B>,
        dropped: &Dropped<B>,
        scale: f32,
    ) -> FloatTensor<B> {
        let dtype = grad.dtype();
        let grad = scaled_score_grad::<B>(grad, probabilities, dropped);
        rounded::<B>(B::float_mul_scalar(grad, scale.into()), dtype)
    }

    fn score_grad_and_kept(
        grad: FloatTensor<B>,
        probabilities: FloatTensor<B>,
        dropped: &Dropped<B>,
        scale: f32,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        let kept = multiplied::<B>(probabilities.clone(), dropped);
        let kept = rounded::<B>(kept, grad.dtype());
        let score_grad = Self::score_grad(grad, probabilities, dropped, scale);
        (score_grad, kept)
    }
}

fn biased_probabilities<B: Backend + DropoutBackend>(
    scores: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    key_mask: BoolTensor<B>,
    dropped: &Dropped<B>,
    scale: f32,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (shape, dtype) = (scores.shape(), scores.dtype());
    let [batch, _, _, keys] = shape.dims();
    let key_mask = B::bool_reshape(key_mask, Shape::new([batch, 1, 1, keys]));
    let key_mask = B::bool_expand(key_mask, shape);
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
    let kept = multiplied::<B>(probabilities.clone(), dropped);
    (probabilities, rounded::<B>(kept, dtype))
}

/// The gradient of the scaled scores, from that of what dropout keeps of the probabilities.
fn scaled_score_grad<B: Backend + DropoutBackend>(
    grad: FloatTensor<B>,
    probabilities: FloatTensor<B>,
    dropped: &Dropped<B>,
) -> FloatTensor<B> {
    let grad = multiplied::<B>(widened::<B>(grad), dropped);
    let along = B::float_mul(grad.clone(), probabilities.clone());
    let along = B::float_sum_dim(along, 3);
    B::float_mul(B::float_sub(grad, along), probabilities)
}

fn multiplied<B: Backend + DropoutBackend>(
    x: FloatTensor<B>,
    dropped: &Dropped<B>,
) -> FloatTensor<B> {
    match dropped.multipliers(&x) {
        Some(multipliers) => {
            let multipliers = rounded::<B>(multipliers, x.dtype());
            B::float_mul(x, multipliers)
        }
        None => x,
    }
}

/// Burn's products, on `[batch, heads, sequence, d]`, and `S` around them.
struct Plain<B: Backend, S> {
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    probabilities: FloatTensor<B>,
    kept: FloatTensor<B>,
    dropped: Dropped<B>,
    scale: f32,
    around: PhantomData<S>,
}

impl<B: Backend + DropoutBackend, S: AroundProducts<B>> Plain<B, S> {
    /// `probabilities` is given the scores, what dropout does and the scale.
    fn new(
        [query, key, value]: [FloatTensor<B>; 3],
        packing: Option<&Packed>,
        heads: usize,
        dropout: Option<Dropout>,
        probabilities: impl FnOnce(FloatTensor<B>, &Dropped<B>, f32) -> (FloatTensor<B>, FloatTensor<B>),
    ) -> Self {
        let [batch, queries, _] = query.shape().dims();
        let keys = key.shape()[1];
        let dropped = dropout.map_or(Dropped::Not, |dropout| {
            let places = Places::of_heads([batch, heads, queries, keys], packing.cloned());
            S::dropped(&query, places, dropout)
        });
        let inputs = S::split([query, key, value], heads);
        Self::by_head(inputs, dropped, probabilities)
    }

    /// [`new`](Self::new) of heads that are apart.
    fn by_head(
        [query, key, value]: [FloatTensor<B>; 3],
        dropped: Dropped<B>,
        probabilities: impl FnOnce(FloatTensor<B>, &Dropped<B>, f32) -> (FloatTensor<B>, FloatTensor<B>),
    ) -> Self {
        let scale = scale_of::<B>(&query);
        let scores = B::float_matmul(query.clone(), B::float_swap_dims(key.clone(), 2, 3));
        let (probabilities, kept) = probabilities(scores, &dropped, scale);
        Self {
            query,
            key,
            value,
            probabilities,
            kept,
            dropped,
            scale,
            around: PhantomData,
        }
    }

    fn context(self) -> FloatTensor<B> {
        let [context] = S::join([B::float_matmul(self.kept, self.value)]);
        context
    }

    /// The gradients of query, key and value. `score_grad` is given the gradient of what dropout keeps, the probabilities, what
    /// dropout does and the scale.
    fn gradients(
        self,
        grad: FloatTensor<B>,
        heads: usize,
        score_grad: impl FnOnce(FloatTensor<B>, FloatTensor<B>, &Dropped<B>, f32) -> FloatTensor<B>,
    ) -> [FloatTensor<B>; 3] {
        let [grad] = S::split([grad], heads);
        let transpose = |x| B::float_swap_dims(x, 2, 3);

        let value_grad = B::float_matmul(transpose(self.kept), grad.clone());
        let kept_grad = B::float_matmul(grad, transpose(self.value));
        let score_grad = score_grad(kept_grad, self.probabilities, &self.dropped, self.scale);
        let query_grad = B::float_matmul(score_grad.clone(), self.key);
        let key_grad = B::float_matmul(transpose(score_grad), self.query);
        S::join([query_grad, key_grad, value_grad])
    }
}

/// `1 / √d` of heads that are apart.
fn scale_of<B: Backend>(query: &FloatTensor<B>) -> f32 {
    1.0 / (query.shape()[3] as f32).sqrt()
}

/// Of heads that are apart, `[batch, heads, sequence, d]`: the context `[batch, queries, heads * d]`, and the probabilities in single
/// precision.
pub(crate) fn by_head<B: Backend + DropoutBackend, S: AroundProducts<B>>(
    inputs: [FloatTensor<B>; 3],
    key_mask: BoolTensor<B>,
    dropout: Option<Dropout>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let dropped = dropped_by_head::<B, S>(&inputs, dropout);
    let plain = Plain::<B, S>::by_head(inputs, dropped, |scores, dropped, scale| {
        S::probabilities(scores, key_mask, dropped, scale)
    });
    let probabilities = plain.probabilities.clone();
    (plain.context(), probabilities)
}

/// The gradients of [`by_head`], from the probabilities that it gave.
pub(crate) fn by_head_backward<B: Backend + DropoutBackend, S: AroundProducts<B>>(
    inputs: [FloatTensor<B>; 3],
    probabilities: FloatTensor<B>,
    grad: FloatTensor<B>,
    dropout: Option<Dropout>,
) -> [FloatTensor<B>; 3] {
    let dropped = dropped_by_head::<B, S>(&inputs, dropout);
    let [query, key, value] = inputs;
    let [grad] = S::split([grad], query.shape()[1]);
    let transpose = |x| B::float_swap_dims(x, 2, 3);

    let kept_grad = B::float_matmul(grad.clone(), transpose(value));
    let scale = scale_of::<B>(&query);
    let (score_grad, kept) = S::score_grad_and_kept(kept_grad, probabilities, &dropped, scale);
    [
        B::float_matmul(score_grad.clone(), key),
        B::float_matmul(transpose(score_grad), query),
        B::float_matmul(transpose(kept), grad),
    ]
}

fn dropped_by_head<B: Backend + DropoutBackend, S: AroundProducts<B>>(
    [query, key, _]: &[FloatTensor<B>; 3],
    dropout: Option<Dropout>,
) -> Dropped<B> {
    dropout.map_or(Dropped::Not, |dropout| {
        let [batch, heads, queries, _] = query.shape().dims();
        let places = Places::of_heads([batch, heads, queries, key.shape()[2]], None);
        S::dropped(query, places, dropout)
    })
}

/// Attention with a bias, by Burn's primitives.
pub(crate) fn biased<B: Backend + DropoutBackend>(
    inputs: [FloatTensor<B>; 3],
    bias: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    heads: usize,
    dropout: Option<Dropout>,
) -> FloatTensor<B> {
    biased_plain::<B>(inputs, bias, key_mask, heads, dropout).context()
}

/// The gradients of [`biased`], that of the bias last.
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
    let plain = biased_plain::<B>([query, key, value], bias, key_mask, heads, dropout);
    let mut bias = None;
    let [query, key, value] =
        plain.gradients(grad, heads, |grad, probabilities, dropped, scale| {
            let dtype = grad.dtype();
            let grad = scaled_score_grad::<B>(grad, probabilities, dropped);
            bias = Some(grad.clone());
            rounded::<B>(B::float_mul_scalar(grad, scale.into()), dtype)
        });
    let bias = bias.expect("the scores' gradient has been computed");
    let bias = rounded::<B>(summed_to::<B>(bias, &shape), dtype);
    (query, key, value, bias)
}

fn biased_plain<B: Backend + DropoutBackend>(
    inputs: [FloatTensor<B>; 3],
    bias: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    heads: usize,
    dropout: Option<Dropout>,
) -> Plain<B, Primitives> {
    Plain::new(inputs, None, heads, dropout, |scores, dropped, scale| {
        biased_probabilities::<B>(scores, Some(bias), key_mask, dropped, scale)
    })
}

/// The gradient of what was repeated to the shape of `grad`.
pub(crate) fn summed_to<B: Backend>(grad: FloatTensor<B>, shape: &Shape) -> FloatTensor<B> {
    let repeated = (0..shape.num_dims()).filter(|&dim| shape[dim] == 1);
    repeated.fold(grad, |grad, dim| match grad.shape()[dim] {
        1 => grad,
        _ => B::float_sum_dim(grad, dim),
    })
}

/// Burn's products, and `S` between them.
pub(crate) fn plain<B: Backend + DropoutBackend, S: AroundProducts<B>>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    packing: Option<Packed>,
    heads: usize,
    dropout: Option<Dropout>,
) -> FloatTensor<B> {
    let inputs = [query, key, value];
    let Some(packing) = packing else {
        return padded::<B, S>(inputs, key_mask, None, heads, dropout).context();
    };
    let [queries, keys] = Padded::<B>::both(&packing, &inputs[0].device());
    let [query, key, value] = inputs;
    let inputs = [queries.pad(query), keys.pad(key), keys.pad(value)];
    let plain = padded::<B, S>(inputs, keys.mask(), Some(&packing), heads, dropout);
    queries.pack(plain.context())
}

/// The gradients of [`plain`].
#[allow(clippy::too_many_arguments)] // Those of the operation and its result's gradient.
pub(crate) fn plain_backward<B: Backend + DropoutBackend, S: AroundProducts<B>>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    key_mask: BoolTensor<B>,
    packing: Option<Packed>,
    grad: FloatTensor<B>,
    heads: usize,
    dropout: Option<Dropout>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let inputs = [query, key, value];
    let Some(packing) = packing else {
        let plain = padded::<B, S>(inputs, key_mask, None, heads, dropout);
        return plain.gradients(grad, heads, S::score_grad).into();
    };
    let [queries, keys] = Padded::<B>::both(&packing, &inputs[0].device());
    let [query, key, value] = inputs;
    // Queries of padding take no part: the gradient of their result is 0.
    let grad = queries.pad(grad);
    let inputs = [queries.pad(query), keys.pad(key), keys.pad(value)];
    let plain = padded::<B, S>(inputs, keys.mask(), Some(&packing), heads, dropout);
    let [query, key, value] = plain.gradients(grad, heads, S::score_grad);
    (queries.pack(query), keys.pack(key), keys.pack(value))
}

fn padded<B: Backend + DropoutBackend, S: AroundProducts<B>>(
    inputs: [FloatTensor<B>; 3],
    key_mask: BoolTensor<B>,
    packing: Option<&Packed>,
    heads: usize,
    dropout: Option<Dropout>,
) -> Plain<B, S> {
    Plain::new(inputs, packing, heads, dropout, |scores, dropped, scale| {
        S::probabilities(scores, key_mask, dropped, scale)
    })
}
