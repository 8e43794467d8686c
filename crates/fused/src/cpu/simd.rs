//! The instruction set of the processor at hand.

pub(super) use chacha8_lanes::dispatch;
#[cfg(test)]
use pulp::WithSimd;

/// At least the lanes of any vector of single precision.
pub(super) const MOST_LANES: usize = 64;

/// One of the instruction sets of this processor.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(super) enum InstructionSet {
    Best,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    Scalar,
}

#[cfg(test)]
impl InstructionSet {
    /// Runs `operation` compiled for this instruction set.
    pub(super) fn call<Op: WithSimd>(self, operation: Op) -> Op::Output {
        match self {
            Self::Best => dispatch(operation),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => pulp::Simd::vectorize(simd, operation),
            Self::Scalar => pulp::Simd::vectorize(pulp::Scalar::new(), operation),
        }
    }
}

/// Runs `test` once for each of them.
#[cfg(test)]
pub(super) fn on_every_instruction_set(test: impl Fn(InstructionSet)) {
    test(InstructionSet::Best);
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        test(InstructionSet::Avx2(simd));
    }
    test(InstructionSet::Scalar);
}
