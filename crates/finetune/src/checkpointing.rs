//! Gradients in the memory of one layer's activations.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Gradients, Tensor};
use encoders::{Classifier, Dropouts, EncoderInput};

/// The gradients of an objective of the model's logits, with the hidden states between the layers as all that is
/// kept: what a layer computes within is computed again when its gradients are due, from the last layer to
/// the first. They are those without it but for the order in which gradients that meet are added.
///
/// `model` is run; the gradients are those of `parameters`, which it is made from. `objective` starts the
/// backward pass.
///
/// Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174; transformers'
/// `gradient_checkpointing_enable` has the same boundaries.
pub(crate) fn gradients(
    parameters: &Classifier,
    model: &Classifier,
    input: EncoderInput,
    perturbation: Option<Tensor<3>>,
    mut dropouts: Dropouts,
    objective: impl FnOnce(Tensor<2>) -> Gradients,
) -> GradientsParams {
    let layout = &input.layout;

    // Without autodiff nothing is kept that is not kept here.
    let at_embeddings = dropouts.clone();
    let mut starts = Vec::with_capacity(model.layers());
    let last = {
        let plain = model.clone().valid();
        let input = input.clone().without_autodiff();
        let perturbation = perturbation.clone().map(Tensor::without_autodiff);
        let embedded = plain.embed(&input, perturbation, &mut dropouts);
        (0..plain.layers()).fold(embedded, |hidden, layer| {
            starts.push((hidden.clone(), dropouts.clone()));
            plain.layer(layer, hidden, &input.layout, &mut dropouts)
        })
    };

    let mut sum = GradientsAccumulator::new();
    let mut add = |gradients| {
        sum.accumulate(
            parameters,
            GradientsParams::from_grads(gradients, parameters),
        );
    };
    let last = last.autodiff().require_grad();
    let logits = model.read_out(last.clone(), layout, &mut dropouts);
    let mut gradients = objective(logits);
    let mut upstream = taken(&last, &mut gradients);
    add(gradients);
    for (layer, (hidden, mut dropouts)) in starts.into_iter().enumerate().rev() {
        let hidden = hidden.autodiff().require_grad();
        let output = model.layer(layer, hidden.clone(), layout, &mut dropouts);
        let mut gradients = continued(output, upstream);
        upstream = taken(&hidden, &mut gradients);
        add(gradients);
    }
    let embedded = model.embed(&input, perturbation, &mut { at_embeddings });
    add(continued(embedded, upstream));
    sum.grads()
}

/// The backward pass of an output whose gradient is known: that of the sum of their products.
fn continued(output: Tensor<3>, gradient: Tensor<3>) -> Gradients {
    (output * gradient.autodiff()).sum().backward()
}

fn taken(hidden: &Tensor<3>, gradients: &mut Gradients) -> Tensor<3> {
    hidden
        .grad_remove(gradients)
        .expect("every layer passes a gradient on")
}
