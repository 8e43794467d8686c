//! Vectorised exponential and normal distribution in single precision.

use pulp::Simd;

/// Below this `e^x` is less than the smallest normal number; [`exp`] returns 0.
const EXP_LOWEST: f32 = -87.336_54;
/// Half of `(e^r - 1 - r) / r^2` on `|r| <= ln 2 / 2`, from the constant up; relative error of `e^r` 3e-9.
const EXP_HALF_TAIL: [f32; 5] = [
    0.499_999_94 / 2.0,
    0.166_665_21 / 2.0,
    0.041_668_39 / 2.0,
    0.008_368_717 / 2.0,
    0.001_381_459_9 / 2.0,
];
/// Adding it rounds a small number `n` to an integer and leaves `n + 128` in the low mantissa bits. Moved up into the
/// exponent, that is the number `2^(n + 1)`.
const EXP_ROUNDER: f32 = 12_582_912.0 + 128.0;
/// ln 2 in two parts: the first exact in few bits, so that `n * LN_2_HIGH` is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// Beyond this the normal distribution function is 0 or 1 to single precision.
const NORMAL_LIMIT: f32 = 5.375;
/// `(Φ(x) - 1/2) / x = P(x²) / Q(x²)` on `|x| <= 5.375`, minimax, from the constant up;
/// error of Φ 5e-9 before rounding, 1.6e-7 after.
const NORMAL_P: [f32; 6] = [
    0.398_942_26,
    0.033_258_982,
    0.004_644_807_4,
    0.000_163_276_94,
    6.363_792_6e-6,
    2.355_048_4e-8,
];
const NORMAL_Q: [f32; 6] = [
    1.0,
    0.250_034_03,
    0.028_316_164,
    0.001_853_095_4,
    7.211_997e-5,
    1.221_609_3e-6,
];
/// What is left at `-NORMAL_LIMIT`, 8e-8, would come to something if GELU multiplied it by a large `x`. `x` times this,
/// added to 1/2, rounds to nothing between -128 and 256, and takes the 8e-8 away below -704.
const NORMAL_FADE: f32 = 1.0 / (1_u64 << 33) as f32;
/// `1 / sqrt(2 π)`.
const NORMAL_PEAK: f32 = 0.398_942_3;

#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[N - 1]);
    for i in (0..N - 1).rev() {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(coefficients[i]));
    }
    sum
}

/// `e^x` for `x` up to 87.6, relative error below 2e-7; 0 below -87.3, NaN where `x` is NaN.
///
/// Softmax and the normal density ask for nothing above 0, and what is above 87.6 costs them no instruction: the result
/// is meaningless there. Every step is arithmetic on floats, which carries NaN to the end whatever its payload.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let vanishes = simd.less_than_f32s(x, simd.splat_f32s(EXP_LOWEST));
    let rounder = simd.splat_f32s(EXP_ROUNDER);
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), rounder);
    let n = simd.sub_f32s(shifted, rounder);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_HIGH), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_LOW), r);
    let half = simd.splat_f32s(0.5);
    let half_tail = simd.mul_f32s(simd.mul_f32s(r, r), polynomial(simd, r, EXP_HALF_TAIL));
    let half_power = simd.add_f32s(half, simd.mul_add_e_f32s(r, half, half_tail));
    let doubled_scale = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(
        simd.transmute_u32s_f32s(shifted),
        simd.splat_u32s(f32::MANTISSA_DIGITS - 1),
    ));
    let scaled = simd.mul_f32s(half_power, doubled_scale);
    simd.select_f32s(vanishes, simd.splat_f32s(0.0), scaled)
}

/// The standard normal distribution function `Φ(x) = (1 + erf(x / √2)) / 2`, error below 2e-7. Of NaN it is some number,
/// which one depends on the instruction set: every caller has a factor or a term beside it that is NaN.
#[inline(always)]
pub(super) fn normal_distribution<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.mul_add_e_f32s(x, simd.splat_f32s(NORMAL_FADE), simd.splat_f32s(0.5));
    let x = simd.max_f32s(x, simd.splat_f32s(-NORMAL_LIMIT));
    let x = simd.min_f32s(x, simd.splat_f32s(NORMAL_LIMIT));
    let square = simd.mul_f32s(x, x);
    let ratio = simd.div_f32s(
        polynomial(simd, square, NORMAL_P),
        polynomial(simd, square, NORMAL_Q),
    );
    let value = simd.mul_add_e_f32s(x, ratio, half);
    simd.max_f32s(
        simd.min_f32s(value, simd.splat_f32s(1.0)),
        simd.splat_f32s(0.0),
    )
}

/// The standard normal density `e^(-x²/2) / √(2π)`.
#[inline(always)]
pub(super) fn normal_density<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let exponent = simd.mul_f32s(simd.mul_f32s(x, x), simd.splat_f32s(-0.5));
    simd.mul_f32s(exp(simd, exponent), simd.splat_f32s(NORMAL_PEAK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::elementwise::{MapInPlace, Unary};
    use crate::cpu::simd::on_every_instruction_set;

    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Distribution,
        Density,
    }

    impl Unary for Function {
        #[inline(always)]
        fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
            match self {
                Self::Exp => exp(simd, x),
                Self::Distribution => normal_distribution(simd, x),
                Self::Density => normal_density(simd, x),
            }
        }
    }

    /// The largest error on `inputs`, divided by `size` of the input.
    fn worst(
        function: Function,
        inputs: impl Iterator<Item = f32> + Clone,
        reference: impl Fn(f64) -> f64 + Copy,
        size: impl Fn(f64) -> f64 + Copy,
    ) -> f64 {
        let worst = std::sync::Mutex::new(0f64);
        on_every_instruction_set(|run| {
            let mut values: Vec<f32> = inputs.clone().collect();
            let x = &mut values;
            run.call(MapInPlace { function, x });
            for (x, got) in inputs.clone().zip(values) {
                let x = f64::from(x);
                let error = (f64::from(got) - reference(x)).abs() / size(x);
                assert!(!error.is_nan(), "{run:?}: {got} at {x}");
                let mut worst = worst.lock().expect("no panic while locked");
                *worst = worst.max(error);
            }
        });
        worst.into_inner().expect("no panic while locked")
    }

    #[test]
    fn exp_is_within_two_rounding_errors() {
        let inputs = (-873_000..=876_000).map(|i| i as f32 * 1e-4);
        let error = worst(Function::Exp, inputs, f64::exp, f64::exp);
        assert!(error < 2e-7, "{error:e}");
    }

    #[test]
    fn exp_vanishes_far_below_and_is_one_at_zero() {
        on_every_instruction_set(|run| {
            let mut values = [f32::NEG_INFINITY, f32::MIN, -88.0, -0.0, 0.0, -1e-45];
            let function = Function::Exp;
            let x = &mut values;
            run.call(MapInPlace { function, x });
            assert_eq!(values, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], "{run:?}");
        });
    }

    #[test]
    fn exp_of_nan_is_nan_whatever_its_sign_and_payload() {
        let all = [
            0x7fc0_0000,
            0x7fc0_0001,
            0x7fff_ffff,
            0xffc0_0155,
            0x7f80_0001,
        ];
        on_every_instruction_set(|run| {
            let mut values = all.map(f32::from_bits);
            let function = Function::Exp;
            let x = &mut values;
            run.call(MapInPlace { function, x });
            assert!(values.iter().all(|x| x.is_nan()), "{run:?}: {values:?}");
        });
    }

    #[test]
    fn normal_distribution_and_density_are_within_a_fifth_of_a_millionth() {
        let inputs = (-100_000..=100_000).map(|i| i as f32 * 1e-4);
        let distribution = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
        let error = worst(Function::Distribution, inputs.clone(), distribution, |_| {
            1.0
        });
        assert!(error < 2e-7, "distribution: {error:e}");
        let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let error = worst(Function::Density, inputs, density, |_| 1.0);
        assert!(error < 2e-7, "density: {error:e}");
    }
}
