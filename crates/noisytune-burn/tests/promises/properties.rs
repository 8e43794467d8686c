//! What holds for every shape, dtype, intensity and kind.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use noisytune_burn::{NoiseKind, NoisyTuneConfig, Outcome};
use proptest::prelude::*;

use crate::model::{noised_by, weights};

#[derive(Module, Debug)]
struct Cube {
    weight: Param<Tensor<3>>,
}

impl Cube {
    fn new(shape: [usize; 3], offset: f32, dtype: DType, device: &Device) -> Self {
        let mut values = weights(shape.iter().product());
        values.iter_mut().for_each(|value| *value += offset);
        let tensor = Tensor::from_data(TensorData::new(values, shape), (device, dtype));
        Self {
            weight: Param::from_tensor(tensor),
        }
    }

    fn values(&self) -> Vec<f64> {
        self.weight.val().into_data().iter::<f64>().collect()
    }
}

fn dtype() -> impl Strategy<Value = DType> {
    prop::sample::select(vec![DType::F64, DType::F32, DType::F16, DType::BF16])
}

fn kind() -> impl Strategy<Value = NoiseKind> {
    use NoiseKind::{Gaussian, MatchedGaussian, Uniform};
    prop::sample::select(vec![Uniform, Gaussian, MatchedGaussian])
}

/// Half the distance between neighbouring values of at most `size`.
fn rounding(dtype: DType, size: f64) -> f64 {
    let digits = match dtype {
        DType::F64 => 52,
        DType::F32 => 23,
        DType::F16 => 10,
        _ => 7,
    };
    // One more for the product, which is rounded in the compute type.
    size * 2f64.powi(-digits)
}

proptest! {
    #[test]
    fn changes_are_bounded_reported_and_repeatable(
        shape in [0usize..40, 1usize..9, 1usize..9],
        offset in -2f32..2.0,
        lambda in 0f64..1.0,
        seed: u64,
        dtype in dtype(),
        kind in kind(),
        autodiff: bool,
    ) {
        let device = if autodiff { Device::flex().autodiff() } else { Device::flex() };
        let before = Cube::new(shape, offset, dtype, &device);
        let config = || NoisyTuneConfig::new(lambda).with_seed(seed).with_kind(kind);
        let (after, report) = noised_by(before.clone(), config());
        let (again, _) = noised_by(before.clone(), config());

        prop_assert_eq!(after.weight.dims(), shape);
        prop_assert_eq!(after.weight.dtype(), dtype);
        prop_assert_eq!(after.weight.id, before.weight.id);
        prop_assert_eq!(after.weight.is_require_grad(), autodiff);
        prop_assert_eq!(report.entries[0].elements, shape.iter().product::<usize>());
        prop_assert_eq!(after.values(), again.values());

        let (before, after) = (before.values(), after.values());
        match report.entries[0].outcome {
            Outcome::Skipped(_) => {
                prop_assert!(before.len() < 2 || before.iter().all(|x| *x == before[0]));
                prop_assert_eq!(before, after);
            }
            Outcome::Perturbed { std, noise_rms, .. } => {
                let std = std.expect("two elements at least");
                let mean = before.iter().sum::<f64>() / before.len() as f64;
                let m2: f64 = before.iter().map(|x| (x - mean).powi(2)).sum();
                let reference = (m2 / (before.len() - 1) as f64).sqrt();
                prop_assert!((std / reference - 1.0).abs() < 1e-9, "{} {}", std, reference);
                let largest = match kind {
                    NoiseKind::Uniform => 0.5,
                    NoiseKind::MatchedGaussian => 6.77 / 12f64.sqrt(),
                    _ => 6.77,
                };
                let mut squares = 0.0;
                for (a, b) in before.iter().zip(&after) {
                    let bound = largest * lambda * std * 1.000_001 + rounding(dtype, a.abs().max(b.abs()));
                    prop_assert!((b - a).abs() <= bound, "{} became {}", a, b);
                    squares += (b - a).powi(2);
                }
                let rms = (squares / before.len() as f64).sqrt();
                // The crate takes the differences in f32.
                prop_assert!((noise_rms - rms).abs() <= 1e-7 * rms, "{} {}", noise_rms, rms);
            }
        }
    }

    #[test]
    fn no_lambda_makes_the_fallible_constructor_panic(lambda: f64) {
        prop_assert_eq!(NoisyTuneConfig::new(lambda).init().is_ok(), lambda.is_finite() && lambda >= 0.0);
    }
}
