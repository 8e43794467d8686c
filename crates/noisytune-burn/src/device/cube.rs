//! The method as kernels, for the devices that Burn reaches through CubeCL: one launch where tensor operations take
//! hundreds.

mod kernels;

use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Device, Shape, Tensor};
use chacha8_lanes::{BLOCK_WORDS, GROUP};

use super::BLOCK;

/// The most elements that a kernel can number in 32 bits, with room for the units past the last one.
const MOST: usize = i32::MAX as usize - BLOCK;

/// Whether the device has a kernel for this many elements of this type.
pub(super) fn serves(device: &Device, dtype: DType, count: usize) -> bool {
    let is_cube = format!("{device:?}").starts_with("Device<Cube");
    let is_known = matches!(dtype, DType::F32 | DType::F16 | DType::BF16);
    is_cube && is_known && (1..=MOST).contains(&count)
}

/// Mean, largest deviation d, and sum of squares over d², of each block of the values: three rows, one after the other.
pub(super) fn block_sums(values: Tensor<1>) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::block_sums(values.into_dispatch()))
}

/// The values plus `scale` times the uniform draws of `key`, and the sum of the squared changes over `unit`² of each
/// block.
pub(super) fn add_noise(
    values: Tensor<1>,
    key: [u32; 8],
    scale: f32,
    unit: f32,
) -> (Tensor<1>, Tensor<1>) {
    let blocks = values.dims()[0].div_ceil(BLOCK);
    let (values, squares) = Dispatch::add_noise(values.into_dispatch(), key, scale, unit);
    let squares = Tensor::<1>::from_dispatch(squares).reshape([blocks, UNITS_PER_BLOCK]);
    let squares = squares.sum_dim(1).reshape([blocks]);
    (Tensor::from_dispatch(values), squares)
}

/// Units that make the draws for a block's elements: one per ChaCha block.
const UNITS_PER_BLOCK: usize = BLOCK / BLOCK_WORDS;
const _: () = assert!(BLOCK.is_multiple_of(GROUP));

#[backend_extension(Cube, Fusion)]
pub(crate) trait NoiseBackend: Backend {
    /// `values` is a row; see the function of the same name.
    #[fusion(
        dtype = burn::tensor::DType::F32,
        shape = burn::tensor::Shape::new([3 * values.num_elements().div_ceil(BLOCK)])
    )]
    fn block_sums(values: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `values` is a row. There is one sum of squares per unit, zero for the units that fill up the last block.
    #[fusion(meta = |values, _, _, _| (values.clone(), squares_of(values)))]
    fn add_noise(
        values: FloatTensor<Self>,
        key: [u32; 8],
        scale: f32,
        unit: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

fn squares_of(values: &TensorSpec) -> TensorSpec {
    let blocks = values.shape.num_elements().div_ceil(BLOCK);
    TensorSpec::new(Shape::new([blocks * UNITS_PER_BLOCK]), DType::F32)
}
