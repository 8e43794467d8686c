//! The float types that a parameter can be stored in.

use burn::tensor::{bf16, f16};

/// A stored float: read exactly, perturbed in its compute type, rounded once.
pub(crate) trait Element: burn::tensor::Element + Copy + Send + Sync {
    /// The exact value.
    fn widened(self) -> f64;

    /// `self + draw * scale`, computed in f32 or better and rounded once to the stored type.
    fn perturbed(self, draw: f32, scale: f64) -> Self;

    /// `self - before`, in the compute type.
    fn change(self, before: Self) -> f64;
}

impl Element for f64 {
    #[inline(always)]
    fn widened(self) -> f64 {
        self
    }

    #[inline(always)]
    fn perturbed(self, draw: f32, scale: f64) -> Self {
        self + f64::from(draw) * scale
    }

    #[inline(always)]
    fn change(self, before: Self) -> f64 {
        self - before
    }
}

impl Element for f32 {
    #[inline(always)]
    fn widened(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn perturbed(self, draw: f32, scale: f64) -> Self {
        self + draw * scale as f32
    }

    #[inline(always)]
    fn change(self, before: Self) -> f64 {
        f64::from(self - before)
    }
}

macro_rules! half_element {
    ($half:ty) => {
        impl Element for $half {
            #[inline(always)]
            fn widened(self) -> f64 {
                f64::from(self.to_f32())
            }

            #[inline(always)]
            fn perturbed(self, draw: f32, scale: f64) -> Self {
                Self::from_f32(self.to_f32().perturbed(draw, scale))
            }

            #[inline(always)]
            fn change(self, before: Self) -> f64 {
                self.to_f32().change(before.to_f32())
            }
        }
    };
}

half_element!(f16);
half_element!(bf16);
