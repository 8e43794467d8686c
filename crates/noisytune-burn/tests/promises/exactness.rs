//! Numbers: what is measured, what is added, and what is left alone.

use burn::tensor::{DType, TensorData, bf16, f16};
use noisytune_burn::{
    NoiseKind, NoiseScale, NoisyTune, NoisyTuneConfig, NoisyTuneError, Outcome, SkipReason,
};

use crate::model::{One, floats, noised, noised_by, perturbation, skip_reason, weights};

/// Why a one-dimensional parameter is skipped; checks that its bits stay.
fn skipped(values: Vec<f32>) -> Option<SkipReason> {
    let before: Vec<u32> = values.iter().map(|x| x.to_bits()).collect();
    let count = values.len();
    let (one, report) = noised(One::<1>::new(TensorData::new(values, [count])));
    let after: Vec<u32> = one
        .data()
        .try_to_vec::<f32>()
        .unwrap()
        .iter()
        .map(|x| x.to_bits())
        .collect();
    assert_eq!(before, after);
    skip_reason(&report.entries[0])
}

#[test]
fn lambda_zero_is_identity() {
    let values = vec![-0.0f32, 0.0, 1.5, f32::MIN_POSITIVE / 2.0, -7.0];
    let before: Vec<u32> = values.iter().map(|x| x.to_bits()).collect();
    for kind in [
        NoiseKind::Uniform,
        NoiseKind::Gaussian,
        NoiseKind::MatchedGaussian,
    ] {
        let one = One::<1>::new(TensorData::new(values.clone(), [5]));
        let (one, report) = noised_by(one, NoisyTuneConfig::new(0.0).with_kind(kind));
        let after: Vec<f32> = one.data().try_to_vec().unwrap();
        let after: Vec<u32> = after.iter().map(|x| x.to_bits()).collect();
        assert_eq!(before, after);
        assert_eq!(perturbation(&report.entries[0]).1, 0.0);
    }
}

#[test]
fn std_of_24_million_elements_agrees_with_an_f64_reference_to_1e_6() {
    // BERT's word embeddings, with a mean far from 0 to provoke cancellation.
    let count = 30_522 * 768;
    let values: Vec<f32> = weights(count)
        .into_iter()
        .map(|x| 20.0 + 0.05 * x)
        .collect();
    let mean = compensated_sum(values.iter().map(|x| f64::from(*x))) / count as f64;
    let squares = compensated_sum(values.iter().map(|x| (f64::from(*x) - mean).powi(2)));
    let reference = (squares / (count - 1) as f64).sqrt();

    let (_, report) = noised(One::<2>::new(TensorData::new(values, [30_522, 768])));
    let (std, _) = perturbation(&report.entries[0]);
    assert!(
        (std / reference - 1.0).abs() < 1e-6,
        "{std} against {reference}"
    );
    // Far better in fact: f64 throughout.
    assert!(
        (std / reference - 1.0).abs() < 1e-12,
        "{std} against {reference}"
    );
}

/// Neumaier's summation.
fn compensated_sum(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0f64, 0f64);
    for term in terms {
        let next = sum + term;
        lost += if sum.abs() >= term.abs() {
            (sum - next) + term
        } else {
            (term - next) + sum
        };
        sum = next;
    }
    sum + lost
}

#[test]
fn every_element_moves_by_at_most_half_lambda_std() {
    let before = weights(100_000);
    let one = One::<1>::new(TensorData::new(before.clone(), [100_000]));
    let (one, report) = noised(one);
    let after: Vec<f32> = one.data().try_to_vec().unwrap();
    let (std, rms) = perturbation(&report.entries[0]);
    // Rounding of the sum to f32: values are below 1.
    let bound = 0.075 * std + f64::from(f32::EPSILON) / 2.0;
    let mut squares = 0.0;
    for (a, b) in before.iter().zip(&after) {
        let change = f64::from(*b) - f64::from(*a);
        assert!(change.abs() <= bound, "{a} became {b}");
        squares += change * change;
    }
    let reference = (squares / 1e5).sqrt();
    // The crate takes the differences in f32.
    assert!(
        (rms / reference - 1.0).abs() < 1e-7,
        "{rms} against {reference}"
    );
    // Sampling error of the RMS of 1e5 uniform draws is 0.14 %; five times that.
    assert!((rms / (0.15 * std / 12f64.sqrt()) - 1.0).abs() < 0.007);
}

#[test]
fn the_two_gaussians_have_the_documented_sizes() {
    for (kind, factor) in [
        (NoiseKind::Gaussian, 1.0),
        (NoiseKind::MatchedGaussian, 1.0 / 12f64.sqrt()),
    ] {
        let one = One::<1>::new(TensorData::new(weights(100_000), [100_000]));
        let (_, report) = noised_by(one, NoisyTuneConfig::new(0.15).with_kind(kind));
        let (std, rms) = perturbation(&report.entries[0]);
        // Sampling error of the RMS of 1e5 normal draws is 0.22 %; five times that.
        assert!(
            (rms / (0.15 * std * factor) - 1.0).abs() < 0.011,
            "{kind:?}"
        );
    }
}

#[test]
fn noise_rms_is_the_change_after_rounding_to_bf16() {
    // Near 0.8 an ulp of bf16 is 0.0039: most of this noise is rounded away or up.
    let values: Vec<bf16> = weights(1000)
        .iter()
        .map(|x| bf16::from_f32(0.8 + 0.4 * x))
        .collect();
    let (one, report) = noised(One::<1>::new(TensorData::new(values.clone(), [1000])));
    let after: Vec<bf16> = one.data().try_to_vec().unwrap();
    let squares: f64 = values
        .iter()
        .zip(&after)
        .map(|(a, b)| (f64::from(*b) - f64::from(*a)).powi(2))
        .sum();
    let (_, rms) = perturbation(&report.entries[0]);
    // Differences of bf16 are exact in f32.
    assert!((rms / (squares / 1000.0).sqrt() - 1.0).abs() < 1e-12);
    assert!(rms > 0.0);
}

#[test]
fn one_element_is_left_alone_and_reported() {
    assert_eq!(skipped(vec![3.0]), Some(SkipReason::SingleElement));
}

#[test]
fn a_constant_is_left_alone_and_reported() {
    // A mean of three times 0.1 is not 0.1 in every arithmetic.
    assert_eq!(skipped(vec![0.1; 3]), Some(SkipReason::Constant));
    assert_eq!(skipped(vec![0.1; 20_001]), Some(SkipReason::Constant));
    let (_, report) = noised(One::<1>::new(TensorData::new(
        vec![0.1f64; 20_001],
        [20_001],
    )));
    assert_eq!(skip_reason(&report.entries[0]), Some(SkipReason::Constant));
}

#[test]
fn no_elements_are_left_alone_and_reported() {
    assert_eq!(skipped(vec![]), Some(SkipReason::Empty));
}

#[test]
fn nan_and_infinity_are_left_alone_and_reported() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [0, 1, 9_999] {
            let mut values = weights(10_000);
            values[at] = bad;
            assert_eq!(skipped(values), Some(SkipReason::NonFinite));
        }
    }
}

#[test]
fn noise_that_would_make_a_value_infinite_leaves_the_parameter_alone() {
    let skipped = |data: TensorData| {
        let one = One::<1>::new(data.clone());
        let (one, report) = noised(one);
        assert_eq!(data, one.data());
        // What a record of the run holds can be read back.
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(report, serde_json::from_str(&json).unwrap());
        skip_reason(&report.entries[0])
    };
    let overflow = Some(SkipReason::Overflow);
    let values = vec![f16::MAX, f16::MIN, f16::MIN_POSITIVE_SUBNORMAL, f16::ZERO];
    assert_eq!(skipped(TensorData::new(values, [4])), overflow);
    let values = vec![bf16::MAX, bf16::MIN, bf16::ZERO];
    assert_eq!(skipped(TensorData::new(values, [3])), overflow);
    let values = vec![f32::MAX, f32::MIN, 0.0, 0.0];
    assert_eq!(skipped(TensorData::new(values, [4])), overflow);
    // In the last of several blocks only.
    let mut values: Vec<f16> = weights(20_000).into_iter().map(f16::from_f32).collect();
    for value in &mut values[19_000..] {
        *value = if value.to_f32() > 0.0 {
            f16::MAX
        } else {
            f16::MIN
        };
    }
    assert_eq!(skipped(TensorData::new(values, [20_000])), overflow);
}

#[test]
fn a_large_half_that_the_noise_keeps_in_range_is_perturbed() {
    let values: Vec<f16> = (0..200)
        .map(|i| f16::from_f32(60_000.0 + i as f32))
        .collect();
    let (_, report) = noised(One::<1>::new(TensorData::new(values, [200])));
    let (std, rms) = perturbation(&report.entries[0]);
    assert!(std.is_finite() && rms.is_finite());
}

#[test]
fn a_lambda_beyond_every_type_is_an_overflow_and_no_panic() {
    for lambda in [1e300, f64::MAX] {
        for dtype in [DType::F64, DType::F32, DType::F16] {
            let data = TensorData::new(weights(10), [10]).convert_dtype(dtype);
            let config = NoisyTuneConfig::new(lambda);
            let (one, report) = noised_by(One::<1>::new(data.clone()), config);
            let reason = skip_reason(&report.entries[0]);
            assert_eq!(reason, Some(SkipReason::Overflow), "{lambda} {dtype:?}");
            assert_eq!(data, one.data());
        }
    }
}

#[test]
fn a_spread_beyond_f64_is_left_alone() {
    let (_, report) = noised(One::<1>::new(TensorData::new(
        vec![f64::MAX, f64::MIN],
        [2],
    )));
    assert_eq!(skip_reason(&report.entries[0]), Some(SkipReason::NonFinite));
}

#[test]
fn global_noise_has_one_scale_from_the_pooled_elements_and_reaches_single_elements() {
    let narrow = weights(1000);
    let wide: Vec<f32> = narrow.iter().map(|x| 100.0 * x).collect();
    let module = vec![
        One::<1>::new(TensorData::new(narrow.clone(), [1000])),
        One::<1>::new(TensorData::new(wide.clone(), [1000])),
        One::<1>::new(TensorData::new(vec![5.0f32], [1])),
        One::<1>::new(TensorData::new(vec![f32::NAN, 1.0], [2])),
    ];
    let before = floats(&module);
    let config = NoisyTuneConfig::new(0.15).with_scale(NoiseScale::Global);
    let (module, report) = module.try_noisy_tune(&config).unwrap();

    let pooled: Vec<f64> = narrow
        .iter()
        .chain(&wide)
        .chain(&[5.0])
        .map(|x| f64::from(*x))
        .collect();
    let mean = pooled.iter().sum::<f64>() / 2001.0;
    let std = (pooled.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
    // f64 sums in another order.
    assert!((report.global_std.unwrap() / std - 1.0).abs() < 1e-12);

    for index in [0, 1] {
        let (_, rms) = perturbation(&report.entries[index]);
        // Sampling error of the RMS of 1000 uniform draws is 1.4 %; five times that.
        assert!((rms / (0.15 * std / 12f64.sqrt()) - 1.0).abs() < 0.07);
    }
    assert!(matches!(
        report.entries[2].outcome,
        Outcome::Perturbed { std: None, .. }
    ));
    assert_eq!(skip_reason(&report.entries[3]), Some(SkipReason::NonFinite));
    let after = floats(&module);
    assert_ne!(before[2], after[2]);
    assert_eq!(before[3].as_bytes(), after[3].as_bytes());
}

#[test]
fn a_global_std_of_nothing_is_an_error() {
    let one = One::<1>::new(TensorData::new(vec![2.0f32; 4], [4]));
    let config = NoisyTuneConfig::new(0.15).with_scale(NoiseScale::Global);
    let error = config.survey(&one).unwrap_err();
    assert_eq!(
        error,
        NoisyTuneError::UnusableGlobalStd {
            parameters: 1,
            non_finite: 0,
            std: 0.0
        }
    );
    assert_eq!(
        error.to_string(),
        "global std of the 1 selected parameters is 0, must be finite and above 0"
    );
    let nan = One::<1>::new(TensorData::new(vec![f32::NAN; 4], [4]));
    assert_eq!(
        config.survey(&nan).unwrap_err().to_string(),
        "global std of the 1 selected parameters is 0, must be finite and above 0; left out for NaN or infinities: 1"
    );
}
