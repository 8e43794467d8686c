//! Small squares with rows and columns exchanged.

use pulp::Simd;

/// Writes a square as wide as a vector with rows and columns exchanged; rows are `stride` apart there, `width` here.
///
/// # Safety
///
/// Both squares lie within live memory, `from` is initialised.
#[inline(always)]
pub(super) unsafe fn transpose<S: Simd>(
    simd: S,
    from: *const f32,
    stride: isize,
    to: *mut f32,
    width: usize,
) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = (&simd as &dyn std::any::Any).downcast_ref::<pulp::x86::V4>() {
        // SAFETY: the caller's promise.
        unsafe { transpose_sixteen(*simd, from, stride, to, width) };
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = (&simd as &dyn std::any::Any).downcast_ref::<pulp::x86::V3>() {
        // SAFETY: the caller's promise.
        unsafe { transpose_eight(*simd, from, stride, to, width) };
        return;
    }
    let _ = simd;
    for column in 0..S::F32_LANES {
        for row in 0..S::F32_LANES {
            // SAFETY: the caller's promise.
            unsafe {
                let value = *from.offset(column as isize * stride + row as isize);
                to.add(row * width + column).write(value);
            }
        }
    }
}

/// [`transpose`] in registers: pairs of rows, of pairs, of fours and of eights exchange their parts.
///
/// # Safety
///
/// As for [`transpose`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transpose_sixteen(
    simd: pulp::x86::V4,
    from: *const f32,
    stride: isize,
    to: *mut f32,
    width: usize,
) {
    use std::arch::x86_64::__m512;
    let avx = simd.avx512f;
    // SAFETY: the caller's promise.
    let row = |i: usize| unsafe {
        from.offset(i as isize * stride)
            .cast::<__m512>()
            .read_unaligned()
    };
    let mut x: [__m512; 16] = std::array::from_fn(row);
    let mut y = x;
    for i in 0..8 {
        y[2 * i] = avx._mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
        y[2 * i + 1] = avx._mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    for i in 0..4 {
        let [a, b, c, d] = std::array::from_fn(|j| avx._mm512_castps_pd(y[4 * i + j]));
        x[4 * i] = avx._mm512_castpd_ps(avx._mm512_unpacklo_pd(a, c));
        x[4 * i + 1] = avx._mm512_castpd_ps(avx._mm512_unpackhi_pd(a, c));
        x[4 * i + 2] = avx._mm512_castpd_ps(avx._mm512_unpacklo_pd(b, d));
        x[4 * i + 3] = avx._mm512_castpd_ps(avx._mm512_unpackhi_pd(b, d));
    }
    for i in 0..4 {
        for j in [0, 8] {
            y[i + j] = avx._mm512_shuffle_f32x4::<0x88>(x[i + j], x[i + j + 4]);
            y[i + j + 4] = avx._mm512_shuffle_f32x4::<0xdd>(x[i + j], x[i + j + 4]);
        }
    }
    for i in 0..8 {
        x[i] = avx._mm512_shuffle_f32x4::<0x88>(y[i], y[i + 8]);
        x[i + 8] = avx._mm512_shuffle_f32x4::<0xdd>(y[i], y[i + 8]);
    }
    for (row, values) in x.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.add(row * width).cast::<__m512>().write_unaligned(values) };
    }
}

/// As [`transpose_sixteen`], with AVX2's vectors.
///
/// # Safety
///
/// As for [`transpose`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transpose_eight(
    simd: pulp::x86::V3,
    from: *const f32,
    stride: isize,
    to: *mut f32,
    width: usize,
) {
    use std::arch::x86_64::__m256;
    let avx = simd.avx;
    // SAFETY: the caller's promise.
    let row = |i: usize| unsafe {
        let row = from.offset(i as isize * stride);
        row.cast::<__m256>().read_unaligned()
    };
    let mut x: [__m256; 8] = std::array::from_fn(row);
    let mut y = x;
    for i in 0..4 {
        y[2 * i] = avx._mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
        y[2 * i + 1] = avx._mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    for i in [0, 4] {
        let [a, b, c, d] = std::array::from_fn(|j| avx._mm256_castps_pd(y[i + j]));
        x[i] = avx._mm256_castpd_ps(avx._mm256_unpacklo_pd(a, c));
        x[i + 1] = avx._mm256_castpd_ps(avx._mm256_unpackhi_pd(a, c));
        x[i + 2] = avx._mm256_castpd_ps(avx._mm256_unpacklo_pd(b, d));
        x[i + 3] = avx._mm256_castpd_ps(avx._mm256_unpackhi_pd(b, d));
    }
    for i in 0..4 {
        y[i] = avx._mm256_permute2f128_ps::<0x20>(x[i], x[i + 4]);
        y[i + 4] = avx._mm256_permute2f128_ps::<0x31>(x[i], x[i + 4]);
    }
    for (row, values) in y.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.add(row * width).cast::<__m256>().write_unaligned(values) };
    }
}
