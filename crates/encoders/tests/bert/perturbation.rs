//! What is added to word embeddings, and where.

use burn::tensor::{Device, Tensor, TensorData};
use encoders::{Dropouts, Encoding};

use crate::closeness::{assert_close, values};
use crate::hidden_states::{ROUNDING, input};
use crate::masked_lm::named;
use crate::parameters;
use crate::tiny;

#[test]
fn a_perturbation_acts_as_other_word_embeddings_would() {
    let model = tiny::classifier(&tiny::snapshot());
    // Each token once: what is added to a position is added to its row of the table.
    let ids: Vec<u32> = (5..15).collect();
    let row = Encoding {
        type_ids: vec![0; ids.len()],
        ids: ids.clone(),
    };
    let path = "bert.embeddings.word_embeddings.weight";
    let mut table = named(&model, None).remove(path).unwrap();
    let hidden = model.embedding_width();
    let noise: Vec<f32> = (0..ids.len() * hidden)
        .map(|i| ((i * 37 % 101) as f32 - 50.0) / 100.0)
        .collect();
    for (position, &id) in ids.iter().enumerate() {
        let at = id as usize * hidden;
        let row = table[at..at + hidden].iter_mut();
        for (value, noise) in row.zip(&noise[position * hidden..]) {
            *value += noise;
        }
    }
    let device = Device::flex();
    let shape = [table.len() / hidden, hidden];
    let other = parameters::with(model.clone(), path, TensorData::new(table, shape));

    let noise = TensorData::new(noise, [1, ids.len(), hidden]);
    let ours = model.forward_perturbed(
        input(std::slice::from_ref(&row)),
        Tensor::from_data(noise, &device),
        &mut Dropouts::off(),
    );
    let expected = other.forward(input(std::slice::from_ref(&row)), &mut Dropouts::off());
    let plain = model.forward(input(&[row]), &mut Dropouts::off());
    assert_ne!(values(ours.clone()), values(plain));
    assert_close("logits", &values(ours), &values(expected), &ROUNDING);
}
