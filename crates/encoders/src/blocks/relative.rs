//! Scores of attention that depend on the distance of two tokens.

use burn::tensor::{Int, Tensor, TensorData};

/// `[batch, length, heads * d]` as `[batch, heads, length, d]`.
pub(crate) fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, length, width] = x.dims();
    x.reshape([batch, length, heads, width / heads])
        .swap_dims(1, 2)
}

/// `x_i · table[row(i, j)]` for every token i and every j, per head.
///
/// # Shapes
/// - `x`: `[batch, heads, rows, d]`
/// - `table`: `[1, heads, entries, d]`
/// - output: `[batch, heads, rows, columns]`
pub(crate) fn scores_at(
    x: Tensor<4>,
    table: Tensor<4>,
    columns: usize,
    row: impl Fn(usize, usize) -> usize,
) -> Tensor<4> {
    let [batch, heads, rows, _] = x.dims();
    let device = x.device();
    let scores = x.matmul(table.transpose());
    let places = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
    let places: Vec<i64> = places.map(|(i, j)| row(i, j) as i64).collect();
    let places = TensorData::new(places, [1, 1, rows, columns]);
    let places = Tensor::<4, Int>::from_data(places, &device);
    scores.gather(3, places.expand([batch, heads, rows, columns]))
}
