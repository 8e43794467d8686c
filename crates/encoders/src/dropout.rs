//! Dropout whose masks are a function of (seed, step, site, element).
//!
//! Burn's own dropout draws from one generator of the whole process, so what else runs, and on which
//! device, changes the masks. Two arms of a comparison must share them; hence keys.

use burn::tensor::{Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The dropout masks of one forward pass, handed out site after site.
///
/// The masks depend on the seed, the step and the order of the sites alone: the same key gives the
/// same masks on every device.
#[derive(Clone, Debug)]
pub struct Dropouts {
    key: Option<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    seed: u64,
    step: u64,
    site: u64,
}

impl Dropouts {
    /// Evaluation: every element is kept.
    pub fn off() -> Self {
        Self { key: None }
    }

    /// Training: the masks of optimizer step `step` under `seed`.
    pub fn keyed(seed: u64, step: u64) -> Self {
        Self {
            key: Some(Key {
                seed,
                step,
                site: 0,
            }),
        }
    }

    /// Zeroes each element with the given probability and scales the others by `1 / (1 - p)`.
    pub(crate) fn apply<const D: usize>(&mut self, x: Tensor<D>, probability: f64) -> Tensor<D> {
        let Some(key) = &mut self.key else { return x };
        if probability == 0.0 {
            return x;
        }
        let site = key.site;
        key.site += 1;
        let mut rng = ChaCha8Rng::seed_from_u64(key.seed);
        rng.set_stream(key.step << 16 | site);
        // An element is kept where a uniform u32 lies at or above p·2^32: exact to 2.4e-10.
        let threshold = (probability * f64::from(u32::MAX)).round() as u32;
        let scale = (1.0 / (1.0 - probability)) as f32;
        let kept: Vec<f32> = (0..x.shape().num_elements())
            .map(|_| {
                if rng.next_u32() >= threshold {
                    scale
                } else {
                    0.0
                }
            })
            .collect();
        let mask = Tensor::from_data(TensorData::new(kept, x.shape()), &x.device());
        x * mask
    }
}
