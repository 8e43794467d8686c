//! Linear layers, always with a bias.

use burn::module::{Module, Param};
use burn::nn::{Linear as BurnLinear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_distr::Normal;

/// `x · weight + bias`.
///
/// burn-store goes by the name of this type: it tells that PyTorch keeps the weight transposed.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[input, output]`.
    pub weight: Param<Tensor<2>>,
    /// `[output]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    pub(crate) fn new(input: usize, output: usize, device: &Device) -> Self {
        let BurnLinear { weight, bias } = LinearConfig::new(input, output).init(device);
        let bias = bias.expect("Burn's linear layers have a bias by default");
        Self { weight, bias }
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
        fused::linear(x, self.weight.val(), self.bias.val())
    }

    /// Projects the last dimension and applies GELU.
    ///
    /// # Shapes
    /// - `x`: `[..., input]`
    /// - output: `[..., output]`
    pub fn forward_gelu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        fused::linear_gelu(x, self.weight.val(), self.bias.val())
    }

    /// Draws new values as transformers does: weight N(0, `initializer_range`), bias 0.
    ///
    /// The generator is keyed by the seed and the stream, so the values are the same on every device and no
    /// other generator is disturbed.
    pub(crate) fn freshly_drawn(self, initializer_range: f64, seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let device = self.weight.lazy_device();
        let shape = self.weight.lazy_shape();
        let normal = Normal::new(0.0, initializer_range).expect("the config was checked");
        let weight: Vec<f32> = normal
            .sample_iter(&mut rng)
            .take(shape.num_elements())
            .map(|x: f64| x as f32)
            .collect();
        let weight = Tensor::from_data(TensorData::new(weight, shape), &device);
        let bias = Tensor::zeros(self.bias.lazy_shape(), &device);
        let (weight_id, bias_id) = (self.weight.id, self.bias.id);
        Self {
            weight: self.weight.transform_for_load(weight, weight_id),
            bias: self.bias.transform_for_load(bias, bias_id),
        }
    }
}
