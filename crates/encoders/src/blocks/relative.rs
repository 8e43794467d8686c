//! Scores of attention that depend on the distance of two tokens.

use burn::tensor::{FloatDType, Int, Tensor};

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

/// `x_i · table[rows + j - i]` for every token i and every j, per head: [`scores_at`] for places that depend on the
/// distance of i and j alone, without a gather and its gradient.
///
/// # Shapes
/// - `x`: `[batch, heads, rows, d]`
/// - `table`: `[1, heads, 2 * rows, d]`
/// - output: `[batch, heads, rows, rows]`
pub(crate) fn scores_by_distance(x: Tensor<4>, table: Tensor<4>) -> Tensor<4> {
    let [batch, heads, rows, _] = x.dims();
    if rows == 0 {
        return Tensor::zeros([batch, heads, 0, 0], &x.device());
    }
    let scores = x.matmul(table.transpose());
    // Element (i, rows + j - i) of rows that are 2 * rows long is element (i, j) of rows that are one shorter and begin
    // after the first `rows` elements.
    let scores = scores.reshape([batch * heads, 2 * rows * rows]);
    let scores = scores.narrow(1, rows, rows * (2 * rows - 1));
    let scores = scores.reshape([batch, heads, rows, 2 * rows - 1]);
    scores.narrow(3, 0, rows)
}

/// `x_i · table[i]` for every token i, per head.
///
/// # Shapes
/// - `x`: `[batch, heads, rows, d]`
/// - `table`: `[1, heads, rows, d]`
/// - output: `[batch, heads, rows, 1]`
pub(crate) fn scores_of_pairs(x: Tensor<4>, table: Tensor<4>) -> Tensor<4> {
    let dtype = x.dtype();
    // A sum in half precision would be rounded at every term.
    let [x, table] = [x, table].map(|x| x.cast(FloatDType::F32));
    (x * table).sum_dim(3).cast(dtype)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, TensorData, Tolerance};

    use super::*;

    #[test]
    fn scores_by_distance_are_those_at_its_places() {
        let device = Device::flex();
        for rows in [1, 2, 7] {
            let normal = Distribution::Normal(0.0, 1.0);
            let x = Tensor::<4>::random([3, 2, rows, 5], normal, &device);
            let table = Tensor::<4>::random([1, 2, 2 * rows, 5], normal, &device);
            let places = (0..rows).flat_map(|i| (0..rows).map(move |j| (rows + j - i) as i64));
            let places = TensorData::new(places.collect::<Vec<_>>(), [1, 1, rows, rows]);
            let places = Tensor::from_data(places, &device);
            let expected = scores_at(x.clone(), table.clone(), places).into_data();
            let scores = scores_by_distance(x, table).into_data();
            scores.assert_approx_eq::<f32>(&expected, Tolerance::absolute(0.0));
        }
    }

    #[test]
    fn scores_of_pairs_are_those_at_each_tokens_own_place() {
        let device = Device::flex();
        let normal = Distribution::Normal(0.0, 1.0);
        let x = Tensor::<4>::random([3, 2, 7, 5], normal, &device);
        let table = Tensor::<4>::random([1, 2, 7, 5], normal, &device);
        let places = TensorData::new((0..7).collect::<Vec<i64>>(), [1, 1, 7, 1]);
        let places = Tensor::from_data(places, &device);
        let expected = scores_at(x.clone(), table.clone(), places).into_data();
        let scores = scores_of_pairs(x, table).into_data();
        // Five terms of order 1, added in another order.
        scores.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
    }
}
