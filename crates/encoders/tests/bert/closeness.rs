//! Comparison of every element of a tensor with its golden.

use burn::tensor::Tensor;

/// The values of a tensor, row after row.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().as_slice::<f32>().unwrap().to_vec()
}

/// How far two tensors may be apart.
pub(crate) struct Tolerance {
    /// Of the distance of the two over the norm of the golden.
    pub(crate) relative: f64,
    /// Of any one element.
    pub(crate) element: f64,
}

/// Fails with the worst element unless `ours` is as close to `theirs` as the tolerance says.
#[track_caller]
pub(crate) fn assert_close(what: &str, ours: &[f32], theirs: &[f32], tolerance: &Tolerance) {
    assert_eq!(ours.len(), theirs.len(), "{what}: number of elements");
    assert!(!theirs.is_empty(), "{what}: nothing to compare");
    let (mut distance, mut norm, mut worst) = (0.0_f64, 0.0_f64, (0, 0.0_f64));
    for (index, (&a, &b)) in ours.iter().zip(theirs).enumerate() {
        assert!(a.is_finite(), "{what}[{index}] is {a}, expected {b}");
        let difference = (f64::from(a) - f64::from(b)).abs();
        distance += difference * difference;
        norm += f64::from(b) * f64::from(b);
        if difference > worst.1 {
            worst = (index, difference);
        }
    }
    let relative = (distance / norm).sqrt();
    let (index, element) = worst;
    println!("{what}: relative {relative:.1e}, worst element {element:.1e}");
    assert!(
        relative <= tolerance.relative && element <= tolerance.element,
        "{what}: relative distance {relative:.2e}, accepted {:.0e}; worst element [{index}] is {}, expected {}, \
         off by {element:.2e}, accepted {:.0e}",
        tolerance.relative,
        ours[index],
        theirs[index],
        tolerance.element,
    );
}
