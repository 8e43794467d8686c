//! Gradients in the memory of one layer's activations.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Gradients, Tensor};
use encoders::{BertForSequenceClassification, Dropouts, EncoderInput, Tokens};

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
    parameters: &BertForSequenceClassification,
    model: &BertForSequenceClassification,
    input: EncoderInput,
    perturbation: Option<Tensor<3>>,
    mut dropouts: Dropouts,
    objective: impl FnOnce(Tensor<2>) -> Gradients,
) -> GradientsParams {
    let embeddings = &model.bert.embeddings;
    let layers = model.bert.encoder.before_last();
    let layout = &input.layout;

    // Without autodiff nothing is kept that is not kept here.
    let at_embeddings = dropouts.clone();
    let mut starts = Vec::with_capacity(layers.len());
    let last = {
        let plain = model.clone().valid();
        let input = input.clone().without_autodiff();
        let perturbation = perturbation.clone().map(Tensor::without_autodiff);
        let embedded = plain
            .bert
            .embeddings
            .forward_perturbed(&input, perturbation, &mut dropouts);
        let layers = plain.bert.encoder.before_last().iter();
        layers.fold(embedded, |hidden, layer| {
            starts.push((hidden.clone(), dropouts.clone()));
            layer.forward(hidden, &input.layout, Tokens::All, &mut dropouts)
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
    let first = model
        .bert
        .encoder
        .forward_last(last.clone(), layout, &mut dropouts);
    let pooled = model.bert.pooler.forward(first);
    let mut gradients = objective(model.head(pooled, &mut dropouts));
    let mut upstream = taken(&last, &mut gradients);
    add(gradients);
    for (layer, (hidden, mut dropouts)) in layers.iter().zip(starts).rev() {
        let hidden = hidden.autodiff().require_grad();
        let output = layer.forward(hidden.clone(), layout, Tokens::All, &mut dropouts);
        let mut gradients = continued(output, upstream);
        upstream = taken(&hidden, &mut gradients);
        add(gradients);
    }
    let embedded = embeddings.forward_perturbed(&input, perturbation, &mut { at_embeddings });
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
