//! Which elements of an update can be compared.

/// The elements along whose gradients AdamW's steps are the same in all correct programs. Those along one that is but rounding
/// are not, and the first steps are as long whatever the gradient. Whole rows of a table have the gradient 0; a few zeros are
/// sums that happened to round to it.
pub(crate) fn steady(gradients: &[f32]) -> Vec<usize> {
    const ROW: usize = 16;
    let largest = gradients.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
    let has_rows = gradients.iter().filter(|g| **g == 0.0).count() >= ROW;
    let is_steady = |gradient: f32| {
        let is_rounding = match gradient == 0.0 {
            true => !has_rows,
            false => gradient.abs() < 1e-4 * largest,
        };
        largest == 0.0 || largest > 1e-6 && !is_rounding
    };
    (0..gradients.len())
        .filter(|&i| is_steady(gradients[i]))
        .collect()
}

/// Some elements of several tensors of one shape.
pub(crate) fn only<const N: usize>(kept: &[usize], tensors: [&[f32]; N]) -> [Vec<f32>; N] {
    tensors.map(|values| kept.iter().map(|&i| values[i]).collect())
}
