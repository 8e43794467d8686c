//! Gradient checkpointing: the backward pass holds the activations of one layer at a time.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Gradients, Tensor};
use encoders::{Classifier, Dropouts, EncoderInput};

use crate::passes::Between;

/// A forward pass that keeps only the hidden states between the layers. Everything inside a layer is recomputed when
/// its gradients are due, from the last layer to the first. The gradients are those of an ordinary pass, except that
/// gradients of the same tensor are added in another order.
///
/// Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174; transformers'
/// `gradient_checkpointing_enable` has the same boundaries.
pub(crate) struct Begun {
    /// The model that is run.
    model: Classifier,
    perturbation: Option<Tensor<3>>,
    at_embeddings: Dropouts,
    /// The input of each layer.
    starts: Vec<(Tensor<3>, Dropouts)>,
    /// The input of the last stage: a leaf of the graph.
    last: Tensor<3>,
}

impl Begun {
    /// Runs `model` without autodiff up to the last stage, then with it; returns the logits.
    pub(crate) fn forward(
        model: Classifier,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        between: Between<'_>,
        mut dropouts: Dropouts,
    ) -> (Self, Tensor<2>) {
        // Without autodiff, nothing is kept but what is stored here.
        let at_embeddings = dropouts.clone();
        let mut starts = Vec::with_capacity(model.layers());
        let last = {
            let plain = model.clone().valid();
            let input = input.clone().without_autodiff();
            let perturbation = perturbation.clone().map(Tensor::without_autodiff);
            let mut hidden = plain.embed(&input, perturbation, &mut dropouts);
            for layer in 0..plain.layers() {
                hidden = between.perturbed(layer, hidden, &input);
                starts.push((hidden.clone(), dropouts.clone()));
                hidden = plain.layer(layer, hidden, &input, &mut dropouts);
            }
            between.perturbed(plain.layers(), hidden, &input)
        };
        let last = last.autodiff().require_grad();
        let logits = model.read_out(last.clone(), input, &mut dropouts);
        let begun = Self {
            model,
            perturbation,
            at_embeddings,
            starts,
            last,
        };
        (begun, logits)
    }

    /// Continues the backward pass from the gradient of the last stage's input to the embeddings, and hands the gradients
    /// of each stage to `add`. A perturbation between layers is a constant, through which gradients pass as they are.
    fn back(self, mut upstream: Tensor<3>, input: &EncoderInput, mut add: impl FnMut(Gradients)) {
        for (layer, (hidden, mut dropouts)) in self.starts.into_iter().enumerate().rev() {
            let hidden = hidden.autodiff().require_grad();
            let output = self
                .model
                .layer(layer, hidden.clone(), input, &mut dropouts);
            let mut gradients = continued(output, upstream);
            upstream = taken(&hidden, &mut gradients);
            add(gradients);
        }
        let mut dropouts = self.at_embeddings;
        let embedded = self.model.embed(input, self.perturbation, &mut dropouts);
        // XLNet's embeddings are its table, which may be a constant.
        if embedded.is_tracked() {
            add(continued(embedded, upstream));
        }
    }

    /// The gradient of `leaf`, of which the perturbation is made; a backward pass has already reached the last stage.
    pub(crate) fn gradient_of(
        self,
        leaf: &Tensor<3>,
        input: &EncoderInput,
        mut gradients: Gradients,
    ) -> Tensor<3> {
        let upstream = taken(&self.last, &mut gradients);
        let mut found = None;
        self.back(upstream, input, |mut gradients| {
            found = leaf.grad_remove(&mut gradients);
        });
        found.expect("the embeddings come last, and depend on the perturbation")
    }
}

/// The gradients of `parameters`, from which the models of these passes are made. A backward pass from a loss has already
/// reached the last stages of all of them.
pub(crate) fn complete(
    begun: Vec<Begun>,
    parameters: &Classifier,
    input: &EncoderInput,
    mut gradients: Gradients,
) -> GradientsParams {
    let mut sum = GradientsAccumulator::new();
    let mut add = |gradients| {
        sum.accumulate(
            parameters,
            GradientsParams::from_grads(gradients, parameters),
        );
    };
    let arrived: Vec<(Begun, Tensor<3>)> = begun
        .into_iter()
        .map(|pass| {
            let upstream = taken(&pass.last, &mut gradients);
            (pass, upstream)
        })
        .collect();
    add(gradients);
    for (pass, upstream) in arrived {
        pass.back(upstream, input, &mut add);
    }
    sum.grads()
}

/// The backward pass from an output with a known gradient: that of the sum of the products of both.
fn continued(output: Tensor<3>, gradient: Tensor<3>) -> Gradients {
    (output * gradient.autodiff()).sum().backward()
}

fn taken(hidden: &Tensor<3>, gradients: &mut Gradients) -> Tensor<3> {
    hidden
        .grad_remove(gradients)
        .expect("every layer passes a gradient on")
}
