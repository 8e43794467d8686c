//! A batch of token sequences, padded to its longest.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::tokenizer::Encoding;

/// A padded batch on a device.
///
/// # Shapes
/// - all: `[batch, length]`
#[derive(Clone, Debug)]
pub struct EncoderInput {
    /// Token ids; padding holds the pad token.
    pub input_ids: Tensor<2, Int>,
    /// 0 for the first sentence of a pair, 1 for the second.
    pub token_type_ids: Tensor<2, Int>,
    /// True at real tokens.
    pub attention_mask: Tensor<2, Bool>,
}

impl EncoderInput {
    /// Pads on the right to the longest sequence of the batch, and to `least` tokens at least.
    pub fn padded<'a>(
        encodings: impl IntoIterator<Item = &'a Encoding>,
        pad_token_id: u32,
        least: usize,
        device: &Device,
    ) -> Self {
        let encodings: Vec<&Encoding> = encodings.into_iter().collect();
        let batch = encodings.len();
        let longest = encodings.iter().map(|e| e.ids.len()).max();
        let length = longest.unwrap_or(0).max(least);
        let mut ids = vec![i64::from(pad_token_id); batch * length];
        let mut types = vec![0_i64; batch * length];
        let mut mask = vec![false; batch * length];
        for (row, encoding) in encodings.iter().enumerate() {
            for (column, (id, kind)) in encoding.ids.iter().zip(&encoding.type_ids).enumerate() {
                let at = row * length + column;
                ids[at] = i64::from(*id);
                types[at] = i64::from(*kind);
                mask[at] = true;
            }
        }
        let shape = [batch, length];
        Self {
            input_ids: Tensor::from_data(TensorData::new(ids, shape), device),
            token_type_ids: Tensor::from_data(TensorData::new(types, shape), device),
            attention_mask: Tensor::<2, Bool>::from_data(TensorData::new(mask, shape), device),
        }
    }
}
