//! The key of a dropout mask, and its probability.

/// Identifies a dropout mask: equal keys give equal masks, on every backend and any number of threads.
///
/// The mask is a pure function of these three numbers and of the element's index; [`Dropout`]
/// specifies it bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DropoutKey {
    /// The run's seed.
    pub seed: u64,
    /// The optimizer step, or any counter that changes from one forward pass to the next.
    pub step: u64,
    /// The place in the model, unique per dropout layer.
    pub site: u32,
}

/// An active dropout: a probability in steps of 1/65536 and the key of its mask.
///
/// Elements are dropped with probability [`Dropout::probability`], and the others are divided by the
/// probability of being kept after rounding, so that the expectation is exact.
///
/// # The mask
///
/// A ChaCha8 keystream (stream 0, block counter from 0) under the 32-byte key
/// `seed ‖ step ‖ site ‖ 0…`, little-endian. Sixteen blocks serve 512 elements: of block
/// `16 g + lane`, word `w`, the low half decides element `512 g + 32 w + lane` and the high half
/// element `512 g + 32 w + 16 + lane`. An element is kept when its 16 bits are at least
/// `65536 · probability`. The order suits processors that compute sixteen blocks at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dropout {
    pub(crate) threshold: u16,
    pub(crate) key: DropoutKey,
}

/// A probability that [`Dropout::new`] refuses.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("dropout probability {probability}: expected at least 0 and less than 1")]
pub struct DropoutError {
    /// The refused value.
    pub probability: f64,
}

impl Dropout {
    /// Rounds `probability` to a multiple of 1/65536 below 1; `None` when that is 0 and nothing is dropped.
    ///
    /// # Errors
    ///
    /// [`DropoutError`] when `probability` is negative, 1 or more, or NaN.
    pub fn new(probability: f64, key: DropoutKey) -> Result<Option<Self>, DropoutError> {
        if !(0.0..1.0).contains(&probability) {
            return Err(DropoutError { probability });
        }
        let threshold = (probability * 65536.0).round().min(65535.0) as u16;
        Ok((threshold > 0).then_some(Self { threshold, key }))
    }

    /// The probability of dropping an element, a multiple of 1/65536.
    pub fn probability(&self) -> f64 {
        f64::from(self.threshold) / 65536.0
    }

    /// The key of the mask.
    pub fn key(&self) -> DropoutKey {
        self.key
    }

    /// What a kept element is multiplied by.
    pub(crate) fn scale(&self) -> f32 {
        (65536.0 / (65536.0 - f64::from(self.threshold))) as f32
    }
}
