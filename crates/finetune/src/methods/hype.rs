//! HyPe (Yuan et al., ACL 2023, arXiv:2212.08853).

use burn::tensor::Tensor;
use encoders::EncoderInput;

use super::draws::{Distribution, TokenNoise};
use super::{Companion, HiddenNoise, Start, stream_key};
use crate::error::FinetuneError;

/// In every training step, noise on the input of every layer, `U(-ε, ε)` or `N(0, ε²)`.
///
/// The authors' program draws its uniform noise from `U(0, ε)`, and is run without dropout; here the noise is around 0, and
/// dropout stays as the recipe has it, so that the noise is the only difference from the baseline. The default ε = 1e-5 is
/// theirs. Half precision would round such noise away and is refused
/// ([`Method::needs_f32`](study::Method::needs_f32)).
pub(super) fn companion(
    start: &Start<'_>,
    distribution: Distribution,
) -> Result<Companion, FinetuneError> {
    let name = match distribution {
        Distribution::Uniform => "hype-uniform",
        Distribution::Normal => "hype-normal",
    };
    // The last layer is a part of the last stage.
    let layers = 0..=start.model.layers();
    Ok(Companion {
        hidden: Some(Box::new(LayerNoise {
            distribution,
            scale: start.number("hype.epsilon"),
            keys: layers
                .map(|layer| stream_key(start.seed, &format!("{name}/{layer}")))
                .collect(),
        })),
        ..Companion::default()
    })
}

struct LayerNoise {
    distribution: Distribution,
    scale: f64,
    /// One for each layer.
    keys: Vec<[u8; 32]>,
}

impl HiddenNoise for LayerNoise {
    fn noise(&self, input: &EncoderInput, width: usize, index: usize, layer: usize) -> Tensor<3> {
        let noise = TokenNoise {
            distribution: self.distribution,
            scale: self.scale,
            width,
            key: self.keys[layer],
        };
        noise.of(input, index)
    }
}
