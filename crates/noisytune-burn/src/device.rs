//! The method in tensor operations, for elements in the memory of a device. They stay there: what
//! travels is the draws on the way in, and a few sums per block on the way out.

use burn::tensor::{DType, FloatDType, Tensor, TensorData};

use crate::moments::Moments;
use crate::stream::UnitStream;

/// Elements whose sums are formed on the device; the host adds the blocks up in f64.
const BLOCK: usize = 4096;

/// Elements per step, which bounds the temporaries: 16 MiB of draws at a time. A whole number of
/// blocks.
const PIECE: usize = 1024 * BLOCK;

/// The elements of a tensor on a device without autodiff, as one row.
pub(crate) struct DeviceValues<const D: usize> {
    flat: Tensor<1>,
    shape: [usize; D],
    dtype: DType,
}

impl<const D: usize> DeviceValues<D> {
    pub(crate) fn of(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims();
        let dtype = tensor.dtype();
        let flat = tensor.reshape([shape.iter().product::<usize>()]);
        Self { flat, shape, dtype }
    }

    pub(crate) fn count(&self) -> usize {
        self.flat.dims()[0]
    }

    /// The type to compute in: f64 for f64, f32 for everything shorter.
    fn compute(&self) -> FloatDType {
        match self.dtype {
            DType::F64 => FloatDType::F64,
            _ => FloatDType::F32,
        }
    }

    pub(crate) fn moments(&self) -> Moments {
        let mut means = Vec::new();
        let mut squares = Vec::new();
        let mut counts = Vec::new();
        for piece in pieces(self.count()) {
            let values = self.flat.clone().slice([piece]).cast(self.compute());
            for rows in blocks(values) {
                let [height, width] = rows.dims();
                // Distances to the first element, so that equal elements have no spread at all.
                let first = rows.clone().slice([0..height, 0..1]);
                let distances = rows - first.clone();
                let mean = distances.clone().mean_dim(1);
                let deviations = distances - mean.clone();
                means.push((first + mean).reshape([height]));
                squares.push(deviations.square().sum_dim(1).reshape([height]));
                counts.extend(std::iter::repeat_n(width as f64, height));
            }
        }
        let (means, squares) = (to_host(means), to_host(squares));
        counts
            .into_iter()
            .zip(means.into_iter().zip(squares))
            .map(|(count, (mean, m2))| Moments { count, mean, m2 })
            .fold(Moments::default(), Moments::merge)
    }

    pub(crate) fn perturb(mut self, stream: &UnitStream, scale: f64) -> (Self, f64) {
        let device = self.flat.device();
        let mut squares = Vec::new();
        for piece in pieces(self.count()) {
            let draws = stream.draws(piece.start, piece.len());
            let draws = TensorData::new(draws, [piece.len()]);
            let draws = Tensor::<1>::from_data(draws, (&device, DType::F32)).cast(self.compute());
            let before = self
                .flat
                .clone()
                .slice([piece.clone()])
                .cast(self.compute());
            let after =
                (before.clone() + draws.mul_scalar(scale)).cast(FloatDType::from(self.dtype));
            // Divided by the scale first: squares of small noise would vanish in f32.
            let change = (after.clone().cast(self.compute()) - before).div_scalar(scale);
            for rows in blocks(change) {
                let [height, _] = rows.dims();
                squares.push(rows.square().sum_dim(1).reshape([height]));
            }
            self.flat = self.flat.slice_assign([piece], after);
        }
        let squares: f64 = to_host(squares).into_iter().sum();
        let rms = scale * (squares / self.count() as f64).sqrt();
        (self, rms)
    }

    pub(crate) fn into_tensor(self) -> Tensor<D> {
        self.flat.reshape(self.shape)
    }
}

/// Cuts `0..count` into pieces.
fn pieces(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count)
        .step_by(PIECE)
        .map(move |start| start..count.min(start + PIECE))
}

/// Arranges the values as rows of one block each, and the rest as a row of its own.
fn blocks(values: Tensor<1>) -> Vec<Tensor<2>> {
    let count = values.dims()[0];
    let whole = count - count % BLOCK;
    let mut rows = Vec::with_capacity(2);
    if whole > 0 {
        rows.push(
            values
                .clone()
                .narrow(0, 0, whole)
                .reshape([whole / BLOCK, BLOCK]),
        );
    }
    if whole < count {
        rows.push(
            values
                .narrow(0, whole, count - whole)
                .reshape([1, count - whole]),
        );
    }
    rows
}

/// Reads a few short rows, in order.
fn to_host(rows: Vec<Tensor<1>>) -> Vec<f64> {
    if rows.is_empty() {
        return Vec::new();
    }
    let row = Tensor::cat(rows, 0).into_data();
    row.iter::<f64>().collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{NoiseKind, noise};

    /// More than two pieces, and a rest that fills no block.
    const COUNT: usize = 2 * PIECE + 3 * BLOCK + 17;

    fn sample() -> Vec<f32> {
        let stream = UnitStream::new(1, "sample", NoiseKind::Gaussian);
        let mut sample = stream.draws(0, COUNT);
        sample
            .iter_mut()
            .for_each(|value| *value = 0.7 + 0.03 * *value);
        sample
    }

    fn on_flex(values: Vec<f32>) -> DeviceValues<1> {
        let data = TensorData::new(values, [COUNT]);
        DeviceValues::of(Tensor::from_data(data, (&Device::flex(), DType::F32)))
    }

    #[test]
    fn tensor_operations_measure_the_std_of_the_host_to_1e_6() {
        let host = Moments::of(&sample());
        let device = on_flex(sample()).moments();
        assert_eq!(host.count, device.count);
        let relative = (device.std() / host.std() - 1.0).abs();
        assert!(relative < 1e-6, "{} against {}", device.std(), host.std());
    }

    #[test]
    fn tensor_operations_add_the_noise_of_the_host_bit_for_bit() {
        for kind in [NoiseKind::Uniform, NoiseKind::Gaussian] {
            let stream = UnitStream::new(7, "weight", kind);
            let mut host = sample();
            let squares = noise::perturb(&mut host, &stream, 0.0045);
            let (device, rms) = on_flex(sample()).perturb(&stream, 0.0045);
            assert_eq!(
                device.into_tensor().into_data(),
                TensorData::new(host, [COUNT])
            );
            let expected = (squares / COUNT as f64).sqrt();
            // The squares of a block are summed in f32.
            assert!(
                (rms / expected - 1.0).abs() < 1e-6,
                "{rms} against {expected}"
            );
        }
    }
}
