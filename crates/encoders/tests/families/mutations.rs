//! The goldens fail where a single tensor of the checkpoint is another.

use burn::tensor::Device;
use encoders::Dropouts;

use crate::closeness::values;
use crate::expected::ROUNDING;
use crate::family::{FAMILIES, finetuned, layouts};

#[test]
fn another_value_in_any_tensor_changes_the_logits_beyond_the_tolerance() {
    for family in FAMILIES {
        let (expected, golden) = (family.expected(), family.tensors().f32("logits"));
        let with_gradient = family.with_gradient();
        let copy = family.copy();
        let tensors = copy.tensors();
        for (name, (shape, bytes)) in &tensors {
            let mut other = tensors.clone();
            let changed: Vec<u8> = {
                let (elements, _) = bytes.as_chunks::<4>();
                let moved = elements.iter().enumerate().map(|(index, bytes)| {
                    // Not all alike, nor a row or a column: a normalisation does not see that.
                    let by = 0.01 * (1 + index % 7) as f32;
                    f32::from_le_bytes(*bytes) + by
                });
                moved.flat_map(f32::to_le_bytes).collect()
            };
            other.insert(name.clone(), (shape.clone(), changed));
            copy.write_tensors(&other);
            let snapshot = copy.open();
            let [padded, _] = layouts(&snapshot, &expected.encodings(), &Device::flex());
            let logits = values(finetuned(&snapshot).forward(padded, &mut Dropouts::off()));
            let pairs = logits.iter().zip(&golden);
            let worst = pairs.map(|(a, b)| f64::from((a - b).abs()));
            let worst = worst.fold(0.0, f64::max);
            let is_seen = worst > 10.0 * ROUNDING.element;
            // XLNet's `mask_emb` belongs to pretraining.
            let is_used = with_gradient.contains(name) && !expected.is_noise(name);
            assert_eq!(is_seen, is_used, "{}: {name}: {worst}", family.name);
        }
    }
}
