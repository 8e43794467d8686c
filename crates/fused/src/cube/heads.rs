//! Heads of attention apart and together again, several tensors at once.

use burn::tensor::Shape;
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::launch::{UNITS, cubes, element, empty, units};

/// `[batch, sequence, heads * d]` as `[batch, heads, sequence, d]`; tensors are of one type, and sequences may differ.
pub(super) fn split(tensors: Vec<CubeTensor>, heads: usize) -> Vec<CubeTensor> {
    let moves = tensors.into_iter().map(|x| {
        let [batch, sequence, width] = x.meta.shape().dims();
        let to = Shape::new([batch, heads, sequence, width / heads]);
        Move::new(x, to, [sequence, heads, width / heads])
    });
    launch(moves.collect())
}

/// The inverse of [`split`].
pub(super) fn join(tensors: Vec<CubeTensor>) -> Vec<CubeTensor> {
    let moves = tensors.into_iter().map(|x| {
        let [batch, heads, sequence, d] = x.meta.shape().dims();
        let to = Shape::new([batch, sequence, heads * d]);
        Move::new(x, to, [heads, sequence, d])
    });
    launch(moves.collect())
}

/// `[.., outer, inner, d]` on its way to `[.., inner, outer, d]`.
struct Move {
    from: CubeTensor,
    to: CubeTensor,
    outer: u32,
    inner: u32,
    d: u32,
}

impl Move {
    fn new(from: CubeTensor, to: Shape, [outer, inner, d]: [usize; 3]) -> Self {
        let to = empty(&from, to, from.dtype);
        Self {
            from: into_contiguous(from),
            to,
            outer: outer as u32,
            inner: inner as u32,
            d: d as u32,
        }
    }
}

fn launch(moves: Vec<Move>) -> Vec<CubeTensor> {
    let like = &moves[0].from;
    let of_tensors = element(like.dtype).expect("only these have a kernel");
    let client = like.client.clone();
    let units = units(&client, UNITS);
    let cubes = cubes(moves.iter().map(|x| &x.from), units);
    let arguments = moves.iter().map(|x| {
        let [from, to] = [&x.from, &x.to].map(|x| x.clone().into_buffer_arg());
        MovedLaunch::new(from, to, x.outer, x.inner, x.d)
    });
    move_all::launch(
        &client,
        CubeCount::Static(cubes, 1, 1),
        CubeDim::new_1d(units),
        arguments.collect(),
        units as usize,
        of_tensors,
    );
    moves.into_iter().map(|x| x.to).collect()
}

#[derive(CubeType, CubeLaunch)]
struct Moved<E: Float> {
    from: Box<[E]>,
    to: Box<[E]>,
    outer: u32,
    inner: u32,
    d: u32,
}

#[cube(launch)]
fn move_all<E: Float>(
    mut tensors: Sequence<Moved<E>>,
    #[comptime] units: usize,
    #[define(E)] _of_tensors: ElemType,
) {
    #[unroll]
    for i in 0..tensors.len() {
        let tensor = tensors.index_mut(i);
        for at in range_stepped(ABSOLUTE_POS, tensor.to.len(), CUBE_COUNT * units) {
            let at = at as u32;
            let column = at % tensor.d;
            let row = at / tensor.d;
            let outer = row % tensor.outer;
            let inner = row / tensor.outer % tensor.inner;
            let first = row / tensor.outer / tensor.inner * tensor.outer;
            let from = ((first + outer) * tensor.inner + inner) * tensor.d + column;
            tensor.to[at as usize] = tensor.from[from as usize];
        }
    }
}
