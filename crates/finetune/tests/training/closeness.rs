//! How far apart two models, or their gradients, are.

use crate::parameters::Named;

/// `‖a - b‖ / ‖b - origin‖`.
pub(crate) fn distance(a: &[f32], b: &[f32], origin: impl Fn(usize) -> f32) -> f64 {
    assert_eq!(a.len(), b.len());
    let (mut difference, mut length) = (0.0, 0.0);
    for (i, (&a, &b)) in a.iter().zip(b).enumerate() {
        difference += (f64::from(a) - f64::from(b)).powi(2);
        length += (f64::from(b) - f64::from(origin(i))).powi(2);
    }
    (difference / length).sqrt()
}

/// A shift of all keys cancels in softmax, so the true gradient of their bias is 0, and the computed one is rounding
/// error.
pub(crate) fn is_rounding_only(name: &str) -> bool {
    name.ends_with("key.bias")
}

/// Checks the distance of every parameter and names the worst.
#[track_caller]
pub(crate) fn assert_all_close(
    what: &str,
    ours: &Named,
    theirs: &Named,
    origin: impl Fn(&str, usize) -> f32,
    tolerance: f64,
) {
    assert_eq!(ours.len(), theirs.len());
    let distances = ours
        .iter()
        .filter(|(name, _)| !is_rounding_only(name))
        .map(|(name, ours)| {
            let apart = distance(ours, &theirs[name], |i| origin(name, i));
            (apart, name)
        });
    let (worst, name) = distances
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .expect("parameters");
    println!("{what}: {worst:.1e} at most, of {name}");
    assert!(
        worst <= tolerance,
        "{what} of {name}: {worst:e}, accepted {tolerance:e}"
    );
}
