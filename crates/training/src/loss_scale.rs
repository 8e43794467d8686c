//! Keeping gradients in half precision within its range.

use serde::{Deserialize, Serialize};

/// The factor that the loss is multiplied by before the backward pass, and the gradients are divided by after it.
///
/// Without it, gradients below f16's smallest number would become 0. It works like PyTorch's `GradScaler` with its
/// defaults: it starts at 2^16, is halved when a gradient overflows (that step is skipped), and is doubled after 2,000
/// steps in a row without overflow.
///
/// Source: Micikevicius et al., "Mixed Precision Training", ICLR 2018, arXiv:1710.03740.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    value: f64,
    is_dynamic: bool,
    /// Steps in a row without overflow.
    finite: usize,
}

impl LossScale {
    const INITIAL: f64 = 65_536.0;
    const GROWTH_INTERVAL: usize = 2_000;
    /// The smallest scale worth trying: a gradient that overflows even with this factor is not too large for f16, but
    /// not finite.
    const LEAST: f64 = 1.0 / 65_536.0;

    /// The scale for a precision with a small range, before the first step.
    pub fn dynamic() -> Self {
        Self {
            value: Self::INITIAL,
            is_dynamic: true,
            finite: 0,
        }
    }

    /// A scale that is always 1 and skips no step.
    pub fn none() -> Self {
        Self {
            value: 1.0,
            is_dynamic: false,
            finite: 0,
        }
    }

    /// The factor. It is a power of two, so it changes no bit of a mantissa.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether it has been halved so often that large gradients cannot be the reason.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_dynamic && self.value < Self::LEAST
    }

    /// Adapts to the global norm of a step's gradients, and returns whether to take the step.
    pub(crate) fn accepts(&mut self, gradient_norm: f64) -> bool {
        if !self.is_dynamic {
            return true;
        }
        if !gradient_norm.is_finite() {
            self.value /= 2.0;
            self.finite = 0;
            return false;
        }
        self.finite += 1;
        if self.finite == Self::GROWTH_INTERVAL {
            self.value *= 2.0;
            self.finite = 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_halves_it_and_2000_steps_without_one_double_it() {
        let mut scale = LossScale::dynamic();
        assert!(!scale.accepts(f64::INFINITY));
        assert!(!scale.accepts(f64::NAN));
        assert_eq!(scale.value(), 16_384.0);
        for _ in 0..1_999 {
            assert!(scale.accepts(1.0));
        }
        assert_eq!(scale.value(), 16_384.0);
        assert!(scale.accepts(1.0));
        assert_eq!(scale.value(), 32_768.0);
        // The count starts again, and an overflow ends it.
        for _ in 0..1_999 {
            assert!(scale.accepts(1.0));
        }
        assert!(!scale.accepts(f64::INFINITY));
        assert!(scale.accepts(1.0));
        assert_eq!(scale.value(), 16_384.0);
    }

    #[test]
    fn it_is_exhausted_when_no_scale_makes_the_gradients_finite() {
        let mut scale = LossScale::dynamic();
        let halved = (1..).find(|_| {
            scale.accepts(f64::NAN);
            scale.is_exhausted()
        });
        assert_eq!(halved, Some(33));
        assert!(!LossScale::none().is_exhausted());
    }

    #[test]
    fn without_a_scale_nothing_is_scaled_and_no_step_is_skipped() {
        let mut scale = LossScale::none();
        assert!(scale.accepts(f64::INFINITY));
        assert_eq!(scale.value(), 1.0);
    }
}
