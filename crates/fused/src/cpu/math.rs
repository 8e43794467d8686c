//! Vectorised exponential and normal distribution in single precision.

use pulp::Simd;

/// Below this `exp` is less than the smallest normal number; [`exp`] returns 0.
const EXP_LOWEST: f32 = -87.336_54;
/// Above this `exp` overflows; [`exp`] stays at its value here.
const EXP_HIGHEST: f32 = 88.376_26;
/// `(e^r - 1 - r) / r^2` on `|r| <= ln 2 / 2`, from the constant up; relative error of `e^r` 3e-9.
const EXP_TAIL: [f32; 5] = [
    0.499_999_94,
    0.166_665_21,
    0.041_668_39,
    0.008_368_717,
    0.001_381_459_9,
];
/// Adding it rounds a small number to an integer, held in the low mantissa bits.
const ROUNDER: f32 = 12_582_912.0;
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

/// `e^x`: 0 below -87.3 (and for minus infinity), saturated above 88.3, relative error below 2e-7.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let vanishes = simd.less_than_f32s(x, simd.splat_f32s(EXP_LOWEST));
    let x = simd.max_f32s(x, simd.splat_f32s(EXP_LOWEST));
    let x = simd.min_f32s(x, simd.splat_f32s(EXP_HIGHEST));
    let rounder = simd.splat_f32s(ROUNDER);
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), rounder);
    let n = simd.sub_f32s(shifted, rounder);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_HIGH), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_LOW), r);
    let tail = simd.mul_f32s(simd.mul_f32s(r, r), polynomial(simd, r, EXP_TAIL));
    let power = simd.add_f32s(simd.splat_f32s(1.0), simd.add_f32s(r, tail));
    // n sits in the low bits of `shifted`; moved up it is a difference of exponents.
    let exponent = simd.wrapping_dyn_shl_u32s(
        simd.transmute_u32s_f32s(shifted),
        simd.splat_u32s(f32::MANTISSA_DIGITS - 1),
    );
    let scaled = simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(power), exponent));
    simd.select_f32s(vanishes, simd.splat_f32s(0.0), scaled)
}

/// The standard normal distribution function `Φ(x) = (1 + erf(x / √2)) / 2`, error below 2e-7.
#[inline(always)]
pub(super) fn normal_distribution<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = simd.max_f32s(x, simd.splat_f32s(-NORMAL_LIMIT));
    let x = simd.min_f32s(x, simd.splat_f32s(NORMAL_LIMIT));
    let square = simd.mul_f32s(x, x);
    let ratio = simd.div_f32s(
        polynomial(simd, square, NORMAL_P),
        polynomial(simd, square, NORMAL_Q),
    );
    let half = simd.splat_f32s(0.5);
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
