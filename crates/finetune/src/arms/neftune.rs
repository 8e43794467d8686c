//! NEFTune (Jain et al., ICLR 2024, arXiv:2310.05914).

use burn::tensor::{Tensor, TensorData};
use encoders::EncoderInput;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::noisytune::UNIFORM;
use super::{Companion, EmbeddingNoise, Hyperparameter, Noise, Start, Treatment, stream_key};

const ALPHA: &str = "neftune.alpha";

/// In every training step, uniform noise on the word embeddings of each token: `U(-1, 1) α / √(L d)` for a
/// sequence of L tokens and embeddings of d numbers.
///
/// L is the sequence's own length, as in the paper and the authors' program, and padding gets no noise:
/// what a sentence gets does not depend on the batch it comes in. transformers'
/// `neftune_noise_alpha` takes the padded length of the batch. The place, what
/// `get_input_embeddings()` puts out, is transformers'; its α = 5 is the paper's smallest.
pub(super) struct Neftune {
    pub(super) noise: bool,
}

impl Treatment for Neftune {
    fn name(&self) -> &'static str {
        match self.noise {
            false => "neftune",
            true => "neftune-noisytune",
        }
    }

    fn about(&self) -> &'static str {
        match self.noise {
            false => "NEFTune: uniform noise on word embeddings in every step",
            true => "NEFTune after NoisyTune",
        }
    }

    fn control(&self) -> &'static str {
        match self.noise {
            false => "baseline",
            true => "neftune",
        }
    }

    fn noise(&self) -> Option<Noise> {
        self.noise.then_some(UNIFORM)
    }

    fn hyperparameters(&self) -> &'static [Hyperparameter] {
        &[Hyperparameter {
            name: ALPHA,
            default: 5.0,
            accepted: "a number from 0",
            is_accepted: |alpha| alpha >= 0.0,
        }]
    }

    fn companion(&self, start: &Start<'_>) -> Companion {
        let [_, hidden] = start.model.bert.embeddings.word_embeddings.weight.dims();
        Companion {
            embeddings: Some(Box::new(TokenNoise {
                alpha: start.number(ALPHA),
                hidden,
                key: stream_key(start.seed, "neftune"),
            })),
            ..Companion::default()
        }
    }
}

struct TokenNoise {
    alpha: f64,
    hidden: usize,
    key: [u8; 32],
}

impl EmbeddingNoise for TokenNoise {
    fn noise(&self, input: &EncoderInput, step: usize) -> Tensor<3> {
        let [batch, length] = input.attention_mask.dims();
        let mask: Vec<bool> = input.attention_mask.to_data().iter::<bool>().collect();
        let mut values = vec![0.0; batch * length * self.hidden];
        values
            .par_chunks_mut(length * self.hidden)
            .zip(mask.par_chunks(length))
            .enumerate()
            .for_each(|(row, (values, mask))| {
                let tokens = mask.iter().filter(|&&is_token| is_token).count();
                self.fill(step, row, tokens, &mut values[..tokens * self.hidden]);
            });
        let shape = [batch, length, self.hidden];
        Tensor::from_data(TensorData::new(values, shape), &input.input_ids.device())
    }
}

impl TokenNoise {
    /// The noise of a sequence, token by token: a function of seed, step and the row in the batch.
    fn fill(&self, step: usize, row: usize, tokens: usize, values: &mut [f32]) {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream((step as u64) << 32 | row as u64);
        let bound = self.alpha / ((tokens * self.hidden) as f64).sqrt();
        // 2^24 values in the middle of their cells: symmetric about 0, and exact.
        let unit = |word: u32| (f64::from(word >> 8) + 0.5) / f64::from(1 << 23) - 1.0;
        for value in values {
            *value = (unit(rng.next_u32()) * bound) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use encoders::Encoding;

    use super::*;

    #[test]
    fn noise_matches_the_formula_of_the_paper_on_the_documented_stream() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/neftune/golden.json"))
                .expect("JSON");
        let number = |name: &str| golden[name].as_u64().expect("a number");
        let lengths: Vec<usize> =
            serde_json::from_value(golden["lengths"].clone()).expect("numbers");
        let rows: Vec<Encoding> = lengths
            .iter()
            .map(|&length| Encoding {
                ids: vec![1; length],
                type_ids: vec![0; length],
            })
            .collect();
        let input = EncoderInput::padded(&rows, 0, 0, &Device::flex());
        let noise = TokenNoise {
            alpha: golden["alpha"].as_f64().expect("a number"),
            hidden: number("hidden") as usize,
            key: stream_key(number("seed"), "neftune"),
        };
        let noise = noise.noise(&input, number("step") as usize);
        assert_eq!(noise.dims(), [3, 6, 4]);
        let ours: Vec<f32> = noise.into_data().try_to_vec().expect("f32");
        let expected: Vec<f32> = serde_json::from_value(golden["noise"].clone()).expect("numbers");
        assert_eq!(ours.len(), expected.len());
        for (ours, expected) in ours.iter().zip(&expected) {
            // PyTorch multiplies in f32.
            let bound = 2.0 * f32::EPSILON * expected.abs();
            assert!(
                (ours - expected).abs() <= bound,
                "{ours} against {expected}"
            );
        }
    }
}
