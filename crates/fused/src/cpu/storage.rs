//! Flex tensors as slices, and slices as flex tensors.

use std::mem::MaybeUninit;

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};

/// Whether the kernels apply: they compute in single precision only.
pub(super) fn is_single(tensors: &[&FlexTensor]) -> bool {
    tensors.iter().all(|tensor| tensor.dtype() == DType::F32)
}

/// The tensor itself when its elements already lie in row-major order, else a copy that does.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The elements of a [`contiguous`] tensor.
pub(super) fn elements(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("the caller made the tensor contiguous and checked its type")
}

/// The elements for writing, after a copy if the storage is shared or not in row-major order.
pub(super) fn elements_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    let (start, end) = match tensor.layout().contiguous_offsets() {
        Some(range) if tensor.is_unique() => range,
        _ => {
            let shape = tensor.layout().shape().clone();
            let source = contiguous(tensor.clone());
            let source = elements(&source);
            let mut copy = Unwritten::new(shape);
            copy.slots().write_copy_of_slice(source);
            // SAFETY: the copy covers the slots, or panics when the lengths differ.
            *tensor = unsafe { copy.finish() };
            (0, tensor.layout().num_elements())
        }
    };
    &mut tensor.storage_mut()[start..end]
}

/// Memory for a row-major tensor, not zeroed.
pub(super) struct Unwritten {
    values: Vec<f32>,
    shape: Shape,
}

impl Unwritten {
    /// # Panics
    ///
    /// When the number of elements overflows: the wrapped product would promise less memory than the kernels write.
    pub(super) fn new(shape: Shape) -> Self {
        let mut dims = shape.iter();
        let elements = dims.try_fold(1, |product: usize, dim| product.checked_mul(*dim));
        let elements = elements.unwrap_or_else(|| panic!("a tensor {shape:?}: too many elements"));
        Self {
            values: Vec::with_capacity(elements),
            shape,
        }
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The elements, to be written.
    pub(super) fn slots(&mut self) -> &mut [MaybeUninit<f32>] {
        &mut self.values.spare_capacity_mut()[..self.shape.num_elements()]
    }

    /// The tensor.
    ///
    /// # Safety
    ///
    /// Every element has been written.
    pub(super) unsafe fn finish(mut self) -> FlexTensor {
        // SAFETY: `new` reserved that many elements, and the caller wrote them.
        unsafe { self.values.set_len(self.shape.num_elements()) };
        from_vec(self.values, self.shape)
    }
}

/// A row-major tensor of `values`.
pub(super) fn from_vec(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape),
        DType::F32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "too many elements")]
    fn a_number_of_elements_that_overflows_is_refused() {
        // Its product is 4.
        let _ = Unwritten::new(Shape::new([1, (1 << 62) + 1, 2, 2]));
    }
}
