//! NEFTune (Jain et al., ICLR 2024, arXiv:2310.05914).

use burn::tensor::Tensor;
use encoders::EncoderInput;
use rand::Rng;

use super::draws::{of_batch, uniform};
use super::{Companion, EmbeddingNoise, Start, stream_key};
use crate::error::FinetuneError;

/// In every training step, adds uniform noise to the word embedding of each token: `U(-1, 1) α / √(L d)` for a
/// sequence of L tokens and embeddings of width d.
///
/// L is the sequence's own length, as in the paper and the authors' program, and padding gets no noise, so the
/// noise of a sentence does not depend on its batch. transformers' `neftune_noise_alpha` takes the padded length
/// of the batch instead. As in transformers, the noise is added to the output of `get_input_embeddings()`; the
/// default α = 5 is the paper's smallest.
pub(super) fn companion(start: &Start<'_>) -> Result<Companion, FinetuneError> {
    Ok(Companion {
        embeddings: Some(Box::new(Neftune {
            alpha: start.number("neftune.alpha"),
            hidden: start.model.embedding_width(),
            key: stream_key(start.seed, "neftune"),
        })),
        ..Companion::default()
    })
}

struct Neftune {
    alpha: f64,
    hidden: usize,
    key: [u8; 32],
}

impl EmbeddingNoise for Neftune {
    fn noise(&self, input: &EncoderInput, pass: usize) -> Tensor<3> {
        of_batch(input, self.hidden, self.key, pass, |rng, values| {
            let bound = self.alpha / (values.len() as f64).sqrt();
            for value in values {
                *value = (uniform(rng.next_u32()) * bound) as f32;
            }
        })
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
        let neftune = Neftune {
            alpha: golden["alpha"].as_f64().expect("a number"),
            hidden: number("hidden") as usize,
            key: stream_key(number("seed"), "neftune"),
        };
        let step = number("step") as usize;
        let noise = neftune.noise(&input, step);
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

        let packed = EncoderInput::packed(&rows, &Device::flex());
        let packed = neftune.noise(&packed, step);
        let tokens: usize = lengths.iter().sum();
        assert_eq!(packed.dims(), [1, tokens, 4]);
        let packed = packed.into_data();
        let without_padding = (lengths.iter().zip(ours.chunks(6 * 4)))
            .flat_map(|(length, row)| row[..length * 4].to_vec());
        assert_eq!(
            packed.iter::<f32>().collect::<Vec<_>>(),
            without_padding.collect::<Vec<_>>()
        );
    }
}
