//! Without VK_KHR_workgroup_memory_explicit_layout, kernels with shared memory compute wrong results (cubecl-spirv).
use burn::tensor::{Device, Tensor};

pub fn main() {
    // BURN_DEVICE=vulkan, on SwiftShader or another driver without the extension.
    let ones = Tensor::<2>::ones([4, 4096], &Device::default());
    let sums: Vec<f32> = ones.sum_dim(1).into_data().try_to_vec().unwrap();
    assert_eq!(sums, [4096.0; 4]);
}
