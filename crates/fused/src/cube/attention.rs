//! What attention computes around its products, which Burn makes. One cube takes a row of probabilities, which is what one query
//! gives to all keys.

use burn::backend::Cube;
use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::tensor::{BoolStore, DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::{ElemType, UIntKind};
use cubecl::prelude::*;

use super::dropout::{Mask, arguments, groups_of_row, multiplier_at, words_of_row};
use super::fusion::register;
use super::heads;
use super::launch::{
    cube_per_row, element, empty, has_kernel, largest_of_cube, sum_of_cube, units,
};
use crate::attention::AttentionBackend;
use crate::attention_by_head::HeadAttentionBackend;
use crate::dropout::DropoutBackend;
use crate::key::Dropout;
use crate::mask::{Places, head_stride};
use crate::packing::Packed;
use crate::plain_attention::{
    AroundProducts, Dropped, Primitives, by_head, by_head_backward, plain, plain_backward,
};

impl AttentionBackend for Cube {
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        plain::<Self, Kernels>(query, key, value, key_mask, packing, heads, dropout)
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
        plain_backward::<Self, Kernels>(query, key, value, key_mask, packing, grad, heads, dropout)
    }
}

impl HeadAttentionBackend for Cube {
    fn head_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        by_head::<Self, Kernels>([query, key, value], key_mask, dropout)
    }

    fn head_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        probabilities: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let inputs = [query, key, value];
        by_head_backward::<Self, Kernels>(inputs, probabilities, grad, dropout).into()
    }
}

struct Kernels;

impl AroundProducts<Cube> for Kernels {
    /// Of sequences of one length, kernels make the mask where they use it; the words of a longer row take too much memory.
    fn dropped(like: &FloatTensor<Cube>, places: Places, dropout: Dropout) -> Dropped<Cube> {
        let [sequences, heads, queries, keys] = places.dims();
        let end = sequences * heads * head_stride(queries, keys);
        let is_small = end <= i32::MAX as usize;
        match !places.is_packed() && is_small && groups_of_row(keys).is_some() {
            true => Dropped::Where(dropout),
            false => Dropped::By(Cube::dropout_mask(like, places, dropout)),
        }
    }

    fn split<const N: usize>(
        tensors: [FloatTensor<Cube>; N],
        heads: usize,
    ) -> [FloatTensor<Cube>; N] {
        if !can_be_moved(&tensors) {
            return <Primitives as AroundProducts<Cube>>::split(tensors, heads);
        }
        let outputs = tensors.each_ref().map(|x| {
            let [batch, sequence, width] = x.shape.dims();
            let shape = Shape::new([batch, heads, sequence, width / heads]);
            (shape, x.dtype)
        });
        let run = move |tensors| heads::split(tensors, heads);
        all(register(
            "fused.attention_split",
            tensors.into(),
            outputs.into(),
            run,
        ))
    }

    fn join<const N: usize>(tensors: [FloatTensor<Cube>; N]) -> [FloatTensor<Cube>; N] {
        if !can_be_moved(&tensors) {
            return <Primitives as AroundProducts<Cube>>::join(tensors);
        }
        let outputs = tensors.each_ref().map(|x| {
            let [batch, heads, sequence, d] = x.shape.dims();
            (Shape::new([batch, sequence, heads * d]), x.dtype)
        });
        let run = |tensors| heads::join(tensors);
        all(register(
            "fused.attention_join",
            tensors.into(),
            outputs.into(),
            run,
        ))
    }

    fn probabilities(
        scores: FloatTensor<Cube>,
        key_mask: BoolTensor<Cube>,
        dropped: &Dropped<Cube>,
        scale: f32,
    ) -> (FloatTensor<Cube>, FloatTensor<Cube>) {
        if !has_kernel(&scores) || bool_element(key_mask.dtype).is_none() {
            return Primitives::probabilities(scores, key_mask, dropped, scale);
        }
        let (shape, dtype) = (scores.shape.clone(), scores.dtype);
        let outputs = vec![(shape.clone(), DType::F32), (shape, dtype)];
        let mut inputs = vec![scores, key_mask];
        let (multipliers, dropout) = as_inputs(dropped);
        inputs.extend(multipliers);
        let run = move |tensors: Vec<CubeTensor>| {
            let mut tensors = tensors.into_iter().map(into_contiguous);
            let [scores, key_mask] = [(); 2].map(|()| tensors.next().expect("two or three inputs"));
            probabilities(scores, key_mask, tensors.next(), dropout, scale).into()
        };
        let parts = register("fused.attention_probabilities", inputs, outputs, run);
        let [probabilities, kept] = parts.try_into().expect("two outputs");
        (probabilities, kept)
    }

    fn score_grad(
        grad: FloatTensor<Cube>,
        probabilities: FloatTensor<Cube>,
        dropped: &Dropped<Cube>,
        scale: f32,
    ) -> FloatTensor<Cube> {
        if !has_kernel(&grad) || probabilities.dtype != DType::F32 {
            return Primitives::score_grad(grad, probabilities, dropped, scale);
        }
        register_score_grad(grad, probabilities, dropped, scale, false).remove(0)
    }

    fn score_grad_and_kept(
        grad: FloatTensor<Cube>,
        probabilities: FloatTensor<Cube>,
        dropped: &Dropped<Cube>,
        scale: f32,
    ) -> (FloatTensor<Cube>, FloatTensor<Cube>) {
        if !has_kernel(&grad) || probabilities.dtype != DType::F32 {
            return Primitives::score_grad_and_kept(grad, probabilities, dropped, scale);
        }
        let both = register_score_grad(grad, probabilities, dropped, scale, true);
        let [score_grad, kept] = all(both);
        (score_grad, kept)
    }
}

/// The scores' gradient, and what was kept of the probabilities if it is asked for.
fn register_score_grad(
    grad: FloatTensor<Cube>,
    probabilities: FloatTensor<Cube>,
    dropped: &Dropped<Cube>,
    scale: f32,
    with_kept: bool,
) -> Vec<FloatTensor<Cube>> {
    let outputs = vec![(grad.shape.clone(), grad.dtype); 1 + usize::from(with_kept)];
    let mut inputs = vec![grad, probabilities];
    let (multipliers, dropout) = as_inputs(dropped);
    inputs.extend(multipliers);
    let run = move |tensors: Vec<CubeTensor>| {
        let mut tensors = tensors.into_iter().map(into_contiguous);
        let inputs = [(); 2].map(|()| tensors.next().expect("two or three inputs"));
        score_grad(inputs, tensors.next(), dropout, scale, with_kept)
    };
    register("fused.attention_score_grad", inputs, outputs, run)
}

/// The multipliers, or else the dropout whose mask is made where it is used.
fn as_inputs(dropped: &Dropped<Cube>) -> (Option<FloatTensor<Cube>>, Option<Dropout>) {
    match dropped {
        Dropped::Not => (None, None),
        Dropped::By(multipliers) => (Some(multipliers.clone()), None),
        Dropped::Where(dropout) => (None, Some(*dropout)),
    }
}

fn can_be_moved(tensors: &[FloatTensor<Cube>]) -> bool {
    let dtype = tensors[0].dtype;
    tensors.iter().all(|x| x.dtype == dtype && has_kernel(x))
}

fn all<const N: usize>(tensors: Vec<FloatTensor<Cube>>) -> [FloatTensor<Cube>; N] {
    let tensors = tensors.try_into();
    tensors.unwrap_or_else(|_| unreachable!("an output for each input"))
}

/// What a device stores truth values as.
fn bool_element(dtype: DType) -> Option<ElemType> {
    match dtype {
        DType::Bool(BoolStore::U8) => Some(ElemType::UInt(UIntKind::U8)),
        DType::Bool(BoolStore::U32) => Some(ElemType::UInt(UIntKind::U32)),
        _ => None,
    }
}

/// Rows, queries and keys of `[batch, heads, queries, keys]`.
fn dims(scores: &CubeTensor) -> [usize; 3] {
    let [_, _, queries, keys] = scores.meta.shape().dims();
    [scores.meta.num_elements() / keys, queries, keys]
}

/// How many groups of blocks decide a row, if its mask is made where it is used.
fn groups(dropout: Option<&Dropout>, keys: usize) -> usize {
    dropout.map_or(0, |_| {
        groups_of_row(keys).expect("only these are made there")
    })
}

fn probabilities(
    scores: CubeTensor,
    key_mask: CubeTensor,
    multipliers: Option<CubeTensor>,
    dropout: Option<Dropout>,
    scale: f32,
) -> [CubeTensor; 2] {
    let [rows, queries, keys] = dims(&scores);
    let shape = scores.meta.shape().clone();
    let of_scores = element(scores.dtype).expect("only these have a kernel");
    let of_mask = bool_element(key_mask.dtype).expect("only these have a kernel");
    let probabilities = empty(&scores, shape.clone(), DType::F32);
    let kept = empty(&scores, shape.clone(), scores.dtype);
    let client = scores.client.clone();
    let units = units(&client, keys);
    softmax::launch(
        &client,
        cube_per_row(&client, rows),
        CubeDim::new_1d(units),
        scores.into_buffer_arg(),
        key_mask.into_buffer_arg(),
        multipliers
            .into_iter()
            .map(CubeTensor::into_buffer_arg)
            .collect(),
        dropout.iter().map(arguments).collect(),
        probabilities.clone().into_buffer_arg(),
        kept.clone().into_buffer_arg(),
        rows as u32,
        keys as u32,
        queries as u32,
        head_stride(queries, keys) as u32,
        (shape[1] * shape[2]) as u32,
        scale,
        groups(dropout.as_ref(), keys),
        units as usize,
        of_scores,
        of_mask,
    );
    [probabilities, kept]
}

fn score_grad(
    [grad, probabilities]: [CubeTensor; 2],
    multipliers: Option<CubeTensor>,
    dropout: Option<Dropout>,
    scale: f32,
    with_kept: bool,
) -> Vec<CubeTensor> {
    let [rows, queries, keys] = dims(&grad);
    let of_grad = element(grad.dtype).expect("only these have a kernel");
    let like_grad = || empty(&grad, grad.meta.shape().clone(), grad.dtype);
    let out = like_grad();
    let kept = with_kept.then(like_grad);
    let client = grad.client.clone();
    let units = units(&client, keys);
    differentiate::launch(
        &client,
        cube_per_row(&client, rows),
        CubeDim::new_1d(units),
        grad.into_buffer_arg(),
        probabilities.into_buffer_arg(),
        multipliers
            .into_iter()
            .map(CubeTensor::into_buffer_arg)
            .collect(),
        dropout.iter().map(arguments).collect(),
        out.clone().into_buffer_arg(),
        kept.iter().map(|x| x.clone().into_buffer_arg()).collect(),
        rows as u32,
        keys as u32,
        queries as u32,
        head_stride(queries, keys) as u32,
        scale,
        groups(dropout.as_ref(), keys),
        units as usize,
        of_grad,
    );
    std::iter::once(out).chain(kept).collect()
}

/// `key_mask` has a row for `rows_of_mask` rows of scores; of `multipliers` and `masks` together there is one or none. Each head has
/// `stride` places of the mask.
#[cube(launch)]
#[allow(clippy::too_many_arguments)] // The operands and the row's place.
fn softmax<E: Float, M: Int>(
    scores: &[E],
    key_mask: &[M],
    multipliers: Sequence<Box<[f32]>>,
    masks: Sequence<Mask>,
    probabilities: &mut [f32],
    kept: &mut [E],
    rows: u32,
    keys: u32,
    queries: u32,
    stride: u32,
    rows_of_mask: u32,
    scale: f32,
    #[comptime] groups: usize,
    #[comptime] units: usize,
    #[define(E)] _of_scores: ElemType,
    #[define(M)] _of_mask: ElemType,
) {
    if CUBE_POS < rows as usize {
        let keys = keys as usize;
        let unit = UNIT_POS as usize;
        let start = CUBE_POS * keys;
        let of_mask = CUBE_POS / rows_of_mask as usize * keys;
        let padding = M::from_int(0);
        let mut largest = f32::new(f32::NEG_INFINITY);
        for key in range_stepped(unit, keys, units) {
            let score = f32::cast_from(scores[start + key]) * scale;
            if key_mask[of_mask + key] != padding && score > largest {
                largest = score;
            }
        }
        let largest = largest_of_cube(largest, units);
        let mut sum = 0.0f32;
        for key in range_stepped(unit, keys, units) {
            let mut power = 0.0f32;
            if key_mask[of_mask + key] != padding {
                let below = f32::cast_from(scores[start + key]) * scale - largest;
                // The exponential of some devices makes a number of NaN.
                power = select(below.is_nan(), below, below.exp());
            }
            probabilities[start + key] = power;
            sum += power;
        }
        let sum = sum_of_cube(sum, units);
        // Each unit reads only what it wrote.
        for key in range_stepped(unit, keys, units) {
            let mut probability = 0.0f32;
            if key_mask[of_mask + key] != padding {
                probability = probabilities[start + key] / sum;
            }
            probabilities[start + key] = probability;
            if comptime!(groups == 0) {
                let mut multiplied = probability;
                #[unroll]
                for i in 0..multipliers.len() {
                    multiplied *= multipliers.index(i)[start + key];
                }
                kept[start + key] = E::cast_from(multiplied);
            }
        }
        #[unroll]
        for i in 0..masks.len() {
            let place = place_of_row(queries, keys as u32, stride);
            let words = words_of_row(masks.index(i), place, groups, units);
            for key in range_stepped(unit, keys, units) {
                let multiplier = multiplier_at(masks.index(i), &words, place, key as u32);
                kept[start + key] = E::cast_from(probabilities[start + key] * multiplier);
            }
            // The next call may have the same memory.
            sync_cube();
        }
    }
}

/// The first place of a cube's row in the mask.
#[cube]
fn place_of_row(queries: u32, keys: u32, stride: u32) -> u32 {
    let row = CUBE_POS as u32;
    row / queries * stride + row % queries * keys
}

/// From the gradient of what was kept to that of the scores before their scaling. Operands are those of [`softmax`]; `kept`, of which
/// there is one or none, is what it wrote there.
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn differentiate<E: Float>(
    grad: &[E],
    probabilities: &[f32],
    multipliers: Sequence<Box<[f32]>>,
    masks: Sequence<Mask>,
    out: &mut [E],
    mut kept: Sequence<Box<[E]>>,
    rows: u32,
    keys: u32,
    queries: u32,
    stride: u32,
    scale: f32,
    #[comptime] groups: usize,
    #[comptime] units: usize,
    #[define(E)] _of_grad: ElemType,
) {
    if CUBE_POS < rows as usize {
        let unit = UNIT_POS as usize;
        let start = CUBE_POS * keys as usize;
        let keys = keys as usize;
        if comptime!(groups == 0) {
            let mut along = 0.0f32;
            for key in range_stepped(unit, keys, units) {
                let mut own = f32::cast_from(grad[start + key]);
                #[unroll]
                for i in 0..multipliers.len() {
                    own *= multipliers.index(i)[start + key];
                }
                along += own * probabilities[start + key];
            }
            let along = sum_of_cube(along, units);
            for key in range_stepped(unit, keys, units) {
                let mut own = f32::cast_from(grad[start + key]);
                let probability = probabilities[start + key];
                let mut multiplied = probability;
                #[unroll]
                for i in 0..multipliers.len() {
                    own *= multipliers.index(i)[start + key];
                    multiplied *= multipliers.index(i)[start + key];
                }
                out[start + key] = E::cast_from((own - along) * probability * scale);
                #[unroll]
                for i in 0..kept.len() {
                    kept.index_mut(i)[start + key] = E::cast_from(multiplied);
                }
            }
        }
        #[unroll]
        for i in 0..masks.len() {
            let mask = masks.index(i);
            let place = place_of_row(queries, keys as u32, stride);
            let words = words_of_row(mask, place, groups, units);
            let mut along = 0.0f32;
            for key in range_stepped(unit, keys, units) {
                let multiplier = multiplier_at(mask, &words, place, key as u32);
                let own = f32::cast_from(grad[start + key]) * multiplier;
                along += own * probabilities[start + key];
            }
            let along = sum_of_cube(along, units);
            for key in range_stepped(unit, keys, units) {
                let multiplier = multiplier_at(mask, &words, place, key as u32);
                let own = f32::cast_from(grad[start + key]) * multiplier;
                let probability = probabilities[start + key];
                out[start + key] = E::cast_from((own - along) * probability * scale);
                #[unroll]
                for j in 0..kept.len() {
                    kept.index_mut(j)[start + key] = E::cast_from(probability * multiplier);
                }
            }
            // The next call may have the same memory.
            sync_cube();
        }
    }
}
