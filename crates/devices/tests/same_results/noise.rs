//! NoisyTune's noise is the same on every backend.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use noisytune_burn::{NoiseKind, NoiseReport, NoisyTune, NoisyTuneConfig, Outcome, ParamReport};

use crate::closeness::assert_all_close;
use crate::parameters::values;
use crate::world::{model, turn};

/// A matrix whose standard deviation comes out exactly, in whatever order its elements are summed.
#[derive(Module, Debug)]
struct Halves {
    weight: Param<Tensor<2>>,
}

impl Halves {
    /// More than one block of the sums on a device, and a remainder that does not fill one.
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
        (before, sizes(&report), values(&noised))
    };
    let (before, ours_sizes, ours) = on(&turn.device);
    let (start, theirs_sizes, theirs) = on(&Device::flex());
    assert_eq!(before, start, "the model is loaded as it is");
    assert_same_sizes(&ours_sizes, &theirs_sizes);
    assert_all_close("values", &ours, &theirs, |_, _| 0.0, NOISE);
}

/// Path, std and root mean square of the noise, per perturbed parameter.
type Sizes = Vec<(String, f64, f64)>;

fn sizes(report: &NoiseReport) -> Sizes {
    let size = |entry: &ParamReport| match entry.outcome {
        Outcome::Perturbed { std, noise_rms, .. } => {
            Some((entry.path.clone(), std.expect("two elements"), noise_rms))
        }
        Outcome::Skipped(_) => None,
    };
    report.entries.iter().filter_map(size).collect()
}

/// Differences come from the std and from rounding in the sums, which are f32 on a device.
#[track_caller]
fn assert_same_sizes(ours: &Sizes, theirs: &Sizes) {
    assert_eq!(ours.len(), theirs.len());
    for ((path, std, rms), (their_path, their_std, their_rms)) in ours.iter().zip(theirs) {
        assert_eq!(path, their_path);
        assert!(
            (std / their_std - 1.0).abs() < 1e-6,
            "{path}: {std} and {their_std}"
        );
        assert!(
            (rms / their_rms - 1.0).abs() < 4e-6,
            "{path}: {rms} and {their_rms}"
        );
    }
}

/// Without the survey that measures everything at once, and for a parameter outside any module.
pub(crate) fn a_bare_mapper_does_the_same(name: &str) {
    let turn = turn(name);
    let config = NoisyTuneConfig::new(0.15).with_seed(7);
    let (surveyed, report) = model(&turn.device).try_noisy_tune(&config).expect("noise");
    let mut bare = config.init().expect("a number");
    let mapped = model(&turn.device).map(&mut bare);
    assert_eq!(values(&mapped), values(&surveyed));
    assert_eq!(sizes(bare.report()), sizes(&report));

    let [ours, theirs] = [&turn.device, &Device::flex()].map(|device| {
        let mut alone = config.init().expect("a number");
        let _ = Module::map(Halves::new(device).weight, &mut alone);
        sizes(alone.report())
    });
    assert_eq!(ours.len(), 1);
    assert_same_sizes(&ours, &theirs);
}

/// Tensors without a spread, or with NaN or infinity, are left alone, on a device as on the host.
pub(crate) fn the_same_parameters_are_skipped(name: &str) {
    let turn = turn(name);
    let cases: [(&str, Vec<f32>); 6] = [
        ("constant", vec![0.1; 5000]),
        ("single", vec![3.0]),
        ("empty", vec![]),
        ("NaN at the end", [vec![0.1, 0.2], vec![f32::NAN]].concat()),
        ("infinite", [vec![0.5; 4999], vec![f32::INFINITY]].concat()),
        ("two elements", vec![-1e-30, 1e-30]),
    ];
    for (what, elements) in cases {
        let [ours, theirs] = [&turn.device, &Device::flex()].map(|device| {
            let data = TensorData::new(elements.clone(), [elements.len()]);
            let param = Param::from_tensor(Tensor::<1>::from_data(data, device));
            // With the numbers that a survey reads back together, and one by one.
            let config = NoisyTuneConfig::new(0.15);
            let surveyed = config
                .survey(&param)
                .expect("no scale for all")
                .map(param.clone());
            let mut mapper = config.init().expect("a number");
            let param = Module::map(param, &mut mapper);
            let after = match surveyed {
                Ok((surveyed, report)) => {
                    assert_eq!(report.entries, mapper.report().entries, "{what}");
                    surveyed
                }
                Err(unchanged) => unchanged.module,
            };
            assert_eq!(
                after.val().into_data().as_bytes(),
                param.val().into_data().as_bytes()
            );
            let after: Vec<f32> = after.val().into_data().try_to_vec().expect("f32");
            let outcome = match mapper.report().entries[0].outcome {
                Outcome::Perturbed { .. } => None,
                Outcome::Skipped(reason) => Some(reason),
            };
            (
                outcome,
                after.into_iter().map(f32::to_bits).collect::<Vec<_>>(),
            )
        });
        assert_eq!(ours.0, theirs.0, "{what}");
        assert_eq!(ours.0.is_some(), what != "two elements");
        if ours.0.is_some() {
            assert_eq!(ours.1, theirs.1, "{what}: left bit for bit as it was");
        }
    }
}
