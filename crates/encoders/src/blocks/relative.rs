//! Scores of attention that depend on the distance of two tokens.

use burn::tensor::{Int, Tensor};

/// `[batch, length, heads * d]` as `[batch, heads, length, d]`.
pub(crate) fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, length, width] = x.dims();
    x.reshape([batch, length, heads, width / heads])
        .swap_dims(1, 2)
}

/// `x_i · table[places[i, j]]` for every token i and every j, per head.
///
/// # Shapes
/// - `x`: `[batch, heads, rows, d]`
/// - `table`: `[1, heads, entries, d]`
/// - `places`: `[batch or 1, 1, rows, columns]`
/// - output: `[batch, heads, rows, columns]`
pub(crate) fn scores_at(x: Tensor<4>, table: Tensor<4>, places: Tensor<4, Int>) -> Tensor<4> {
    let [batch, heads, rows, _] = x.dims();
    let [_, _, _, columns] = places.dims();
    let scores = x.matmul(table.transpose());
    scores.gather(3, places.expand([batch, heads, rows, columns]))
}
