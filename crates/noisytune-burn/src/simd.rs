//! The instruction set of the processor at hand.

use pulp::{Simd, WithSimd};

/// Runs `operation` compiled for the widest vectors this processor has: AVX-512, AVX2 or NEON.
///
/// No instruction set changes a result: nothing here is contracted or reordered.
/// `pulp::Arch` alone would leave AVX2 out unless a feature is set that rebuilds half of Burn.
#[inline]
pub(crate) fn dispatch<Op: WithSimd>(operation: Op) -> Op::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return Simd::vectorize(simd, operation);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Simd::vectorize(simd, operation);
        }
    }
    pulp::Arch::new().dispatch(operation)
}
