//! Linear layers.

use std::ops::Range;

use burn::module::{Module, Param};
use burn::nn::{Linear as BurnLinear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use fused::Dropout;
use rand::SeedableRng;
use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_distr::Normal;

use super::norm::LayerNorm;

/// `x · weight + bias`, or without the bias.
///
/// burn-store goes by the name of this type: it tells that PyTorch keeps the weight transposed.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[input, output]`.
    pub weight: Param<Tensor<2>>,
    /// `[output]`.
    pub bias: Option<Param<Tensor<1>>>,
}

/// How a layer's weight is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Initial {
    pub(crate) std: f64,
    /// Draws further than this many standard deviations from 0 are drawn again.
    pub(crate) cutoff: Option<f64>,
}

impl Linear {
    pub(crate) fn new(input: usize, output: usize, device: &Device) -> Self {
        Self::with_bias(true, input, output, device)
    }

    pub(crate) fn with_bias(has_bias: bool, input: usize, output: usize, device: &Device) -> Self {
        let config = LinearConfig::new(input, output).with_bias(has_bias);
        let BurnLinear { weight, bias } = config.init(device);
        Self { weight, bias }
    }

    /// The bias, or zeros.
    fn bias(&self) -> Tensor<1> {
        match &self.bias {
            Some(bias) => bias.val(),
            None => zero_bias(&self.weight.val()),
        }
    }

    /// Casts `x` to the float type of the weight.
    pub(crate) fn adopt<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        x.cast(self.weight.dtype())
    }

    /// Projects the last dimension.
    ///
    /// # Shapes
    /// - `x`: `[..., input]`
    /// - output: `[..., output]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        fused::linear(x, self.weight.val(), self.bias())
    }

    /// Projects the last dimension, applies dropout, adds the residual and normalises.
    ///
    /// # Shapes
    /// - `x`: `[..., input]`
    /// - `residual`, output: `[..., output]`
    pub(crate) fn forward_residual<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Tensor<D>,
        norm: &LayerNorm,
        dropout: Option<Dropout>,
    ) -> Tensor<D> {
        let (weight, bias) = (self.weight.val(), self.bias());
        fused::linear_dropout_add_layer_norm(x, weight, bias, residual, norm.operand(), dropout)
    }

    /// Projects the last dimension by several layers of one size, as one product.
    ///
    /// # Shapes
    /// - `x`: `[..., input]`
    /// - outputs: `[..., output]`
    pub(crate) fn forward_all<const N: usize, const D: usize>(
        layers: [&Self; N],
        x: Tensor<D>,
    ) -> [Tensor<D>; N] {
        let weights = layers.map(|layer| layer.weight.val());
        fused::projections(x, weights, layers.map(Self::bias))
    }

    /// [`forward_all`](Self::forward_all) with the heads of attention apart.
    ///
    /// # Shapes
    /// - `x`: `[batch, sequence, input]`
    /// - outputs: `[batch, heads, sequence, output / heads]`
    pub(crate) fn forward_by_head<const N: usize>(
        layers: [&Self; N],
        x: Tensor<3>,
        heads: usize,
    ) -> [Tensor<4>; N] {
        let weights = layers.map(|layer| layer.weight.val());
        fused::projections_by_head(x, weights, layers.map(Self::bias), heads)
    }

    /// Computes some columns of the projection of the last dimension.
    ///
    /// # Shapes
    /// - `x`: `[..., input]`
    /// - output: `[..., columns]`
    pub(crate) fn forward_columns<const D: usize>(
        &self,
        x: Tensor<D>,
        columns: Range<usize>,
    ) -> Tensor<D> {
        let (start, count) = (columns.start, columns.len());
        let weight = self.weight.val().narrow(1, start, count);
        fused::linear(x, weight, self.bias().narrow(0, start, count))
    }

    /// Projects the last dimension and applies GELU.
    ///
    /// # Shapes
    /// - `x`: `[..., input]`
    /// - output: `[..., output]`
    pub fn forward_gelu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        fused::linear_gelu(x, self.weight.val(), self.bias())
    }

    /// Draws new values as transformers does: a normal weight, bias 0.
    ///
    /// The generator is keyed by the seed and the stream, so the values are the same on every device and no
    /// other generator is disturbed.
    pub(crate) fn freshly_drawn(self, initial: Initial, seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let device = self.weight.lazy_device();
        let shape = self.weight.lazy_shape();
        let normal = Normal::new(0.0, initial.std).expect("the config was checked");
        let bound = initial
            .cutoff
            .map_or(f64::INFINITY, |cutoff| cutoff * initial.std);
        let weight: Vec<f32> = normal
            .sample_iter(&mut rng)
            .filter(|x: &f64| x.abs() <= bound)
            .take(shape.num_elements())
            .map(|x| x as f32)
            .collect();
        let weight = Tensor::from_data(TensorData::new(weight, shape), &device);
        let bias = self.bias.map(|bias| {
            let (zeros, id) = (Tensor::zeros(bias.lazy_shape(), &device), bias.id);
            bias.transform_for_load(zeros, id)
        });
        let id = self.weight.id;
        Self {
            weight: self.weight.transform_for_load(weight, id),
            bias,
        }
    }
}

/// What stands for the bias of a product without one.
pub(crate) fn zero_bias(weight: &Tensor<2>) -> Tensor<1> {
    let [_, outputs] = weight.dims();
    Tensor::<1>::zeros([outputs], &weight.device()).cast(weight.dtype())
}
