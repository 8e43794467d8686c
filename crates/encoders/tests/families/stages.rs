//! The stages of a forward pass, one after the other, are the forward pass.

use burn::tensor::{Device, Tensor, TensorData};
use encoders::Dropouts;

use crate::closeness::values;
use crate::family::{FAMILIES, layouts};

#[test]
fn stages_in_turn_give_the_logits_bit_for_bit() {
    let device = Device::flex();
    for family in FAMILIES {
        let (model, encodings) = (family.model(), family.expected().encodings());
        let width = model.embedding_width();
        for input in layouts(&family.snapshot(), &encodings, &device) {
            let [batch, length] = input.input_ids.dims();
            let noise = (0..batch * length * width).map(|i| (i % 7) as f32 / 70.0);
            let noise = TensorData::new(noise.collect::<Vec<_>>(), [batch, length, width]);
            let noise = Tensor::<3>::from_data(noise, &device);
            let keyed = || Dropouts::keyed(1, 2);
            let plain = model.forward(input.clone(), &mut keyed());
            let whole = model.forward_perturbed(input.clone(), noise.clone(), &mut keyed());
            assert_ne!(values(plain), values(whole.clone()), "{}", family.name);

            let mut dropouts = keyed();
            let embedded = model.embed(&input, Some(noise), &mut dropouts);
            let hidden = (0..model.layers()).fold(embedded, |hidden, layer| {
                model.layer(layer, hidden, &input, &mut dropouts)
            });
            let logits = model.read_out(hidden, &input, &mut dropouts);
            assert_eq!(values(logits), values(whole), "{}", family.name);
        }
    }
}
