//! The elements of one parameter, measured and perturbed where they are.

use std::ops::Range;

use burn::tensor::{DType, Device, GradientCheckpointingStrategy, Tensor, TensorData, bf16, f16};

use crate::device::{self, DeviceValues, PendingMoments, PendingRms};
use crate::layout::Layout;
use crate::moments::Moments;
use crate::noise;
use crate::stream::UnitStream;

/// A parameter tensor taken apart to be measured and perturbed.
pub(crate) struct Values<const D: usize> {
    storage: Storage<D>,
    device: Device,
    /// How the autodiff device recomputes activations; `None` on a plain device.
    checkpointing: Option<GradientCheckpointingStrategy>,
    require_grad: bool,
}

/// A number that is known here, or that is still to be read from a device.
pub(crate) enum Measured<Known, Pending> {
    Known(Known),
    Pending(Pending),
}

enum Storage<const D: usize> {
    /// In host memory: in place, on all cores. The layout is that of storage in another order than the
    /// tensor's.
    Host(TensorData, Option<Layout>),
    /// In the memory of a device, where the elements stay.
    Device(DeviceValues<D>),
}

/// Runs `$body` with `$values` bound to the typed elements of a [`TensorData`].
macro_rules! with_elements {
    ($data:expr, $method:ident, $values:ident => $body:expr) => {
        match $data.dtype() {
            DType::F64 => with_elements!($data, $method, f64, $values => $body),
            DType::F32 => with_elements!($data, $method, f32, $values => $body),
            DType::F16 => with_elements!($data, $method, f16, $values => $body),
            DType::BF16 => with_elements!($data, $method, bf16, $values => $body),
            other => panic!("float parameter in host memory has elements of type {other:?}"),
        }
    };
    ($data:expr, $method:ident, $element:ty, $values:ident => $body:expr) => {{
        let $values = $data
            .$method::<$element>()
            .expect("the dtype was matched just before");
        $body
    }};
}

impl<const D: usize> Values<D> {
    /// Takes the elements out. Unshared host storage is moved, not copied.
    pub(crate) fn of(tensor: Tensor<D>) -> Self {
        let device = tensor.device().without_autodiff();
        let checkpointing = tensor.gradient_checkpointing_strategy();
        let require_grad = tensor.is_require_grad();
        let tensor = tensor.without_autodiff();
        let storage = if in_host_memory(&device) {
            // Flex would copy the elements of a view into the tensor's order.
            match Layout::of(&tensor) {
                Some(layout) => {
                    let stored = layout.in_storage_order(tensor).into_data();
                    Storage::Host(stored, Some(layout))
                }
                None => Storage::Host(tensor.into_data(), None),
            }
        } else {
            Storage::Device(DeviceValues::of(tensor))
        };
        Self {
            storage,
            device,
            checkpointing,
            require_grad,
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match &self.storage {
            Storage::Host(_, Some(layout)) => layout.shape(),
            Storage::Host(data, None) => data.shape(),
            Storage::Device(values) => values.shape(),
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        match &self.storage {
            Storage::Host(data, _) => data.dtype(),
            Storage::Device(values) => values.dtype(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.storage {
            Storage::Host(data, _) => data.num_elements() == 0,
            Storage::Device(values) => values.count() == 0,
        }
    }

    pub(crate) fn moments(&self) -> Moments {
        match self.measured() {
            Measured::Known(moments) => moments,
            Measured::Pending(pending) => device::moments(&[pending])[0],
        }
    }

    /// The moments, or where they can be read once the device has measured them.
    pub(crate) fn measured(&self) -> Measured<Moments, PendingMoments> {
        match &self.storage {
            Storage::Host(data, layout) => {
                let moments = with_elements!(data, as_slice, values => match layout {
                    Some(layout) => Moments::of_ordered(layout, values),
                    None => Moments::of(values),
                });
                Measured::Known(moments)
            }
            Storage::Device(values) if values.count() == 0 => Measured::Known(Moments::default()),
            Storage::Device(values) => Measured::Pending(values.moments()),
        }
    }

    /// Whether adding `scale` times the draws would make an element infinite, or the size of the noise;
    /// the moments are those of the values.
    pub(crate) fn overflow(&self, moments: Moments, stream: &UnitStream, scale: f64) -> bool {
        let largest_noise = scale * stream.largest();
        let largest = moments.mean.abs() + moments.m2.sqrt() + largest_noise;
        let range = match self.dtype() {
            DType::F16 => f16::MAX.to_f64(),
            DType::F64 => f64::MAX,
            // As large as bf16 gets, and the type in which its noise is computed.
            _ => bf16::MAX.to_f64(),
        };
        // Nearly always this is enough, and nothing has to be tried out.
        let sum_of_squares = moments.count * largest_noise * largest_noise;
        if largest < 0.999 * range && sum_of_squares.is_finite() {
            return false;
        }
        match &self.storage {
            Storage::Host(data, layout) => with_elements!(data, as_slice, values => {
                let read = |range: Range<usize>, out: &mut Vec<_>| match layout {
                    Some(layout) => layout.gather(values, range, out),
                    None => {
                        out.clear();
                        out.extend_from_slice(&values[range]);
                    }
                };
                noise::overflows(values.len(), read, stream, scale)
            }),
            Storage::Device(values) => {
                let (_, rms) = values.clone().perturb(stream, scale);
                !device::rms(&[rms])[0].is_finite()
            }
        }
    }

    /// Adds `scale` times the draws, and returns the root mean square of the change, or where it
    /// can be read.
    pub(crate) fn perturb(
        mut self,
        stream: &UnitStream,
        scale: f64,
    ) -> (Self, Measured<f64, PendingRms>) {
        let rms;
        (self.storage, rms) = match self.storage {
            Storage::Host(mut data, layout) => {
                let count = data.num_elements() as f64;
                let squares = with_elements!(data, as_mut_slice, values => match &layout {
                    Some(layout) => noise::perturb_ordered(layout, values, stream, scale),
                    None => noise::perturb(values, stream, scale),
                });
                let rms = (squares / count).sqrt();
                (Storage::Host(data, layout), Measured::Known(rms))
            }
            Storage::Device(values) => {
                let (values, squares) = values.perturb(stream, scale);
                (Storage::Device(values), Measured::Pending(squares))
            }
        };
        (self, rms)
    }

    /// Puts the elements back where they were. The result is a leaf: otherwise, on an autodiff device,
    /// the sum of a parameter and its noise would be a node that no gradient reaches.
    pub(crate) fn into_tensor(self) -> Tensor<D> {
        let tensor = match self.storage {
            Storage::Host(data, layout) => {
                let tensor = self.device.memory_persistent_allocations(data, |data| {
                    let dtype = data.dtype();
                    Tensor::from_data(data, (&self.device, dtype))
                });
                match layout {
                    Some(layout) => layout.in_own_order(tensor),
                    None => tensor,
                }
            }
            Storage::Device(values) => values.into_tensor(),
        };
        let Some(strategy) = self.checkpointing else {
            return tensor;
        };
        let tensor = tensor
            .autodiff()
            .with_gradient_checkpointing_strategy(strategy);
        tensor.set_require_grad(self.require_grad)
    }
}

/// Whether the device's tensors are in plain host memory, or come there and go back: a remote device may
/// be a flex, and has its bits this way, as it has those of everything else. A library that enables no
/// backend can tell devices apart only by name; an unknown one is treated as having memory of its own,
/// with the same result but for the rounding of its statistics.
pub(crate) fn in_host_memory(device: &Device) -> bool {
    is_flex(device) || is_named(device, "Device<NdArray") || is_named(device, "Device<Remote")
}

pub(crate) fn is_flex(device: &Device) -> bool {
    is_named(device, "Device<Flex")
}

fn is_named(device: &Device, name: &str) -> bool {
    format!("{:?}", device.clone().without_autodiff()).starts_with(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flex_is_served_in_host_memory() {
        assert!(in_host_memory(&Device::flex()));
        assert!(in_host_memory(&Device::flex().autodiff()));
    }
}
