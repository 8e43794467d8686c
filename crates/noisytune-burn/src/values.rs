//! The elements of one parameter, wherever they live.

use burn::tensor::{DType, Device, Tensor, TensorData, bf16, f16};

use crate::moments::Moments;
use crate::noise;
use crate::stream::UnitStream;

/// The elements of a parameter tensor, taken out to be measured and perturbed.
pub(crate) struct Values<const D: usize> {
    data: TensorData,
    device: Device,
    require_grad: bool,
}

/// Runs `$body` with `$values` bound to the typed elements.
macro_rules! with_elements {
    ($data:expr, $method:ident, $values:ident => $body:expr) => {
        match $data.dtype() {
            DType::F64 => typed!($data, $method, f64, $values => $body),
            DType::F32 => typed!($data, $method, f32, $values => $body),
            DType::F16 => typed!($data, $method, f16, $values => $body),
            DType::BF16 => typed!($data, $method, bf16, $values => $body),
            other => panic!("float parameter has elements of type {other:?}"),
        }
    };
}

macro_rules! typed {
    ($data:expr, $method:ident, $element:ty, $values:ident => $body:expr) => {{
        let $values = $data
            .$method::<$element>()
            .expect("the dtype was matched just before");
        $body
    }};
}

impl<const D: usize> Values<D> {
    /// Takes the elements out; storage that nobody shares is moved and not copied.
    pub(crate) fn of(tensor: Tensor<D>) -> Self {
        let device = tensor.device();
        let require_grad = tensor.is_require_grad();
        Self {
            data: tensor.without_autodiff().into_data(),
            device,
            require_grad,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.data.num_elements() == 0
    }

    pub(crate) fn moments(&self) -> Moments {
        with_elements!(self.data, as_slice, values => Moments::of(values))
    }

    /// Adds the noise and returns the root mean square of the change.
    pub(crate) fn perturb(&mut self, stream: &UnitStream, scale: f64) -> f64 {
        let count = self.data.num_elements() as f64;
        let squares = with_elements!(self.data, as_mut_slice, values => noise::perturb(values, stream, scale));
        (squares / count).sqrt()
    }

    /// Puts the elements back where they were. The result is a leaf: on an autodiff device the
    /// sum of a parameter and its noise would otherwise be a node that no gradient reaches.
    pub(crate) fn into_tensor(self) -> Tensor<D> {
        let dtype = self.data.dtype();
        let tensor = Tensor::from_data(self.data, (&self.device, dtype));
        if self.require_grad {
            tensor.require_grad()
        } else {
            tensor
        }
    }
}
