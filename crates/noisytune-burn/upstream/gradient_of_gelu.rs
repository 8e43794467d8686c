//! The gradient of the exact GELU is that of its approximation by tanh, up to 1e-3 off, on every backend but flex.
use burn::tensor::{Device, Tensor, activation::gelu};

pub fn main() {
    // BURN_DEVICE=ndarray or vulkan: flex has a gradient of its own, and passes.
    let x = Tensor::<1>::from_data([2.0f32], &Device::default().autodiff()).require_grad();
    let grads = gelu(x.clone()).sum().backward();
    let slope = x.grad(&grads).unwrap().into_scalar::<f32>();
    assert!((slope - 1.085_231_8).abs() < 1e-5, "{slope}"); // Φ(2) + 2 φ(2)
}
