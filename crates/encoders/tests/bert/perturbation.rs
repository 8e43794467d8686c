//! What is added to word embeddings, and where.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use encoders::{Dropouts, Encoding};

use crate::closeness::{assert_close, values};
use crate::hidden_states::{ROUNDING, input};
use crate::tiny;

#[test]
fn a_perturbation_acts_as_other_word_embeddings_would() {
    let model = tiny::classifier(&tiny::snapshot(), &[]);
    // Each token once: what is added to a position is added to its row of the table.
    let ids: Vec<u32> = (5..15).collect();
    let row = Encoding {
        type_ids: vec![0; ids.len()],
        ids: ids.clone(),
    };
    let [words, hidden] = model.bert.embeddings.word_embeddings.weight.dims();
    let noise: Vec<f32> = (0..ids.len() * hidden)
        .map(|i| ((i * 37 % 101) as f32 - 50.0) / 100.0)
        .collect();
    let mut table = vec![0.0; words * hidden];
    for (position, &id) in ids.iter().enumerate() {
        let at = id as usize * hidden;
        table[at..at + hidden].copy_from_slice(&noise[position * hidden..][..hidden]);
    }
    let device = Device::flex();
    let mut other = model.clone().no_grad();
    let embeddings = &mut other.bert.embeddings.word_embeddings;
    let added = Tensor::from_data(TensorData::new(table, [words, hidden]), &device);
    embeddings.weight = Param::initialized(embeddings.weight.id, embeddings.weight.val() + added);

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
