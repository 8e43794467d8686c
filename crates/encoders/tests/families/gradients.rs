//! The loss and the gradient of every parameter.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use encoders::Dropouts;

use crate::closeness::{assert_close, values};
use crate::expected::{GRADIENT, ROUNDING};
use crate::family::{FAMILIES, layouts};

#[test]
fn the_loss_and_every_gradient_are_those_of_pytorch_in_both_layouts() {
    let device = Device::flex().autodiff();
    for family in FAMILIES {
        let (expected, golden) = (family.expected(), family.tensors());
        let model = family.model().train();
        for input in layouts(&family.snapshot(), &expected.encodings(), &device) {
            let logits = model.forward(input, &mut Dropouts::off());
            let targets = Tensor::from_ints(expected.labels.as_slice(), &device);
            let loss = fused::cross_entropy(logits, targets);
            let gradients = loss.backward();
            let what = format!("{}: loss", family.name);
            let loss = values(loss.inner());
            assert_close(&what, &loss, &golden.f32("loss"), &ROUNDING);

            let gradients = family.named(&model, Some(&gradients));
            let theirs = family.with_gradient();
            let ours: Vec<&String> = gradients.keys().collect();
            assert_eq!(ours, theirs.iter().collect::<Vec<_>>(), "{}", family.name);
            for (name, ours) in &gradients {
                if expected.is_noise(name) {
                    assert!(ours.iter().all(|g| g.abs() < 1e-6), "{name}: {ours:?}");
                    continue;
                }
                let theirs = golden.f32(&format!("gradient.{name}"));
                let what = format!("{}: gradient of {name}", family.name);
                assert_close(&what, ours, &theirs, &GRADIENT);
            }
        }
    }
}
