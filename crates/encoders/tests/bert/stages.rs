//! The stages of a forward pass, one after the other, are the forward pass.

use burn::tensor::{Device, Tensor, TensorData};
use encoders::{Dropouts, EncoderInput};

use crate::closeness::values;
use crate::tiny;

#[test]
fn stages_in_turn_give_the_logits_bit_for_bit() {
    let model = tiny::classifier(&tiny::snapshot());
    let device = Device::flex();
    let sentences = tiny::sentences().batch;
    let rows: Vec<_> = sentences.iter().map(tiny::Sentence::encoding).collect();
    assert_eq!((model.layers(), model.embedding_width()), (1, 24));
    for input in [
        EncoderInput::padded(&rows, 0, 0, &device),
        EncoderInput::packed(&rows, &device),
    ] {
        let [batch, length] = input.input_ids.dims();
        let noise: Vec<f32> = (0..batch * length * 24)
            .map(|i| (i % 7) as f32 / 70.0)
            .collect();
        let noise = Tensor::<3>::from_data(TensorData::new(noise, [batch, length, 24]), &device);
        for perturbation in [None, Some(noise)] {
            let whole = match perturbation.clone() {
                None => model.forward(input.clone(), &mut Dropouts::keyed(1, 2)),
                Some(noise) => {
                    model.forward_perturbed(input.clone(), noise, &mut Dropouts::keyed(1, 2))
                }
            };
            let mut dropouts = Dropouts::keyed(1, 2);
            let embedded = model.embed(&input, perturbation, &mut dropouts);
            let hidden = (0..model.layers()).fold(embedded, |hidden, layer| {
                model.layer(layer, hidden, &input, &mut dropouts)
            });
            let logits = model.read_out(hidden, &input, &mut dropouts);
            assert_eq!(values(logits), values(whole));
        }
    }
}
