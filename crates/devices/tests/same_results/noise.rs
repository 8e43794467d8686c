//! NoisyTune's noise is the same on every backend.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use noisytune_burn::{NoiseKind, NoisyTune, NoisyTuneConfig, Outcome};

use crate::closeness::assert_all_close;
use crate::parameters::values;
use crate::world::{model, turn};

/// A matrix whose standard deviation comes out exactly, in whatever order its elements are summed.
#[derive(Module, Debug)]
struct Halves {
    weight: Param<Tensor<2>>,
}

impl Halves {
    /// More than one block of the sums on a device, and a rest that fills none.
    const SHAPE: [usize; 2] = [3, 2050];

    fn new(device: &Device) -> Self {
        let [rows, columns] = Self::SHAPE;
        let halves = (0..rows * columns).map(|i| if i % 2 == 0 { 0.5f32 } else { -0.5 });
        let data = TensorData::new(halves.collect::<Vec<_>>(), Self::SHAPE);
        Self {
            weight: Param::from_tensor(Tensor::from_data(data, device)),
        }
    }
}

pub(crate) fn noise_has_the_same_bits(name: &str) {
    let turn = turn(name);
    for kind in [NoiseKind::Uniform, NoiseKind::Gaussian] {
        let config = NoisyTuneConfig::new(0.15).with_seed(7).with_kind(kind);
        let on = |device: &Device| -> Vec<u32> {
            let (noised, _) = Halves::new(device).try_noisy_tune(&config).expect("noise");
            let values: Vec<f32> = noised.weight.val().into_data().try_to_vec().expect("f32");
            values.into_iter().map(f32::to_bits).collect()
        };
        let (ours, theirs) = (on(&turn.device), on(&Device::flex()));
        let wrong = ours.iter().zip(&theirs).filter(|(a, b)| a != b).count();
        assert_eq!(wrong, 0, "{kind:?}: of {} elements", theirs.len());
    }
}

/// The standard deviation is measured in f32 on a device and in f64 on the host: 1e-6 relative, as
/// noisytune-burn promises. The noise is a tenth of the parameter, and a sum is rounded once more.
const NOISE: f64 = 2e-6;

pub(crate) fn noise_of_a_model_is_the_same(name: &str) {
    let turn = turn(name);
    let config = NoisyTuneConfig::new(0.15).with_seed(7);
    let on = |device: &Device| {
        let plain = model(device);
        let before = values(&plain);
        let (noised, report) = plain.try_noisy_tune(&config).expect("noise");
        let stds: Vec<f64> = report
            .entries
            .iter()
            .filter_map(|entry| match entry.outcome {
                Outcome::Perturbed { std, .. } => std,
                Outcome::Skipped(_) => None,
            })
            .collect();
        (before, stds, values(&noised))
    };
    let (before, ours_std, ours) = on(&turn.device);
    let (start, theirs_std, theirs) = on(&Device::flex());
    assert_eq!(before, start, "the model is loaded as it is");
    assert_eq!(ours_std.len(), theirs_std.len());
    for (ours, theirs) in ours_std.iter().zip(&theirs_std) {
        assert!((ours / theirs - 1.0).abs() < 1e-6, "{ours} and {theirs}");
    }
    assert_all_close("values", &ours, &theirs, |_, _| 0.0, NOISE);
}
