//! The method for elements in a device's own memory. The elements stay there, and uniform draws are
//! made there: only a key goes in, and a few sums per block come out. Gaussian draws come from the
//! host. Tensor operations serve every device; some have kernels.

#[cfg(feature = "_kernels")]
mod cube;
mod draws;

use std::ops::Range;

use burn::tensor::{DType, FloatDType, Tensor, TensorData, Transaction};
use chacha8_lanes::GROUP;

use crate::moments::Moments;
use crate::stream::UnitStream;

/// Elements summed on the device; the host adds up the blocks in f64.
const BLOCK: usize = 4096;

/// Elements per step, which bounds the temporaries to a handful of 4 MiB tensors. A whole number of
/// blocks, and of the groups in which draws are made.
const PIECE: usize = 256 * BLOCK;
const _: () = assert!(PIECE.is_multiple_of(GROUP));

/// The elements of a tensor on a device without autodiff, as one row.
#[derive(Clone)]
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

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn dtype(&self) -> DType {
        self.dtype
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

    /// Starts measuring the moments; [`moments`] reads the results.
    pub(crate) fn moments(&self) -> PendingMoments {
        PendingMoments {
            count: self.count(),
            blocks: self.block_sums(),
        }
    }

    /// Mean, largest deviation d, and sum of squares over d², of each block: three rows, one after the other.
    fn block_sums(&self) -> Tensor<1> {
        #[cfg(feature = "_kernels")]
        if cube::serves(&self.flat.device(), self.dtype, self.count()) {
            return cube::block_sums(self.flat.clone());
        }
        let compute = self.compute();
        let smallest = match compute {
            FloatDType::F64 => f64::MIN_POSITIVE,
            _ => f64::from(f32::MIN_POSITIVE),
        };
        let (mut means, mut largest, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        for piece in pieces(self.count()) {
            let values = self.flat.clone().slice([piece]).cast(compute);
            for rows in blocks(values) {
                let [height, _] = rows.dims();
                // Distances to the first element, so that equal elements have no spread at all.
                let first = rows.clone().slice([0..height, 0..1]);
                let distances = rows - first.clone();
                let mean = distances.clone().mean_dim(1);
                let deviations = distances - mean.clone();
                // Squares of small or large deviations would leave the range of f32.
                let unit = deviations.clone().abs().max_dim(1).clamp_min(smallest);
                let deviations = deviations / unit.clone();
                means.push((first + mean).reshape([height]));
                largest.push(unit.reshape([height]));
                squares.push(deviations.square().sum_dim(1).reshape([height]));
            }
        }
        means.extend(largest);
        means.extend(squares);
        if means.is_empty() {
            return self.flat.clone();
        }
        Tensor::cat(means, 0)
    }

    /// Adds `scale` times the draws and starts measuring the change; [`rms`] reads the result.
    pub(crate) fn perturb(self, stream: &UnitStream, scale: f64) -> (Self, PendingRms) {
        // Squares of small changes would vanish in f32.
        let unit = scale.max(f64::from(f32::MIN_POSITIVE));
        let count = self.count();
        let (values, blocks) = self.noised(stream, scale, unit);
        let squares = PendingRms {
            count,
            unit,
            blocks,
        };
        (values, squares)
    }

    /// The values with noise, and the sum of the squared changes over `unit`² of each block.
    fn noised(mut self, stream: &UnitStream, scale: f64, unit: f64) -> (Self, Tensor<1>) {
        #[cfg(feature = "_kernels")]
        if cube::serves(&self.flat.device(), self.dtype, self.count()) && !stream.is_gaussian() {
            // Parameters live as long as their module, which Burn's memory pools want to know.
            let device = self.flat.device();
            let squares;
            (self.flat, squares) = device.memory_persistent_allocations(self.flat, |flat| {
                cube::add_noise(flat, *stream.key(), scale as f32, unit as f32)
            });
            return (self, squares);
        }
        let (stored, compute) = (FloatDType::from(self.dtype), self.compute());
        let mut squares = Vec::new();
        for piece in pieces(self.count()) {
            let draws = self.draws(stream, piece.clone()).cast(compute);
            let before = self.flat.clone().slice([piece.clone()]).cast(compute);
            let after = (before.clone() + draws.mul_scalar(scale)).cast(stored);
            let change = (after.clone().cast(compute) - before).div_scalar(unit);
            for rows in blocks(change) {
                let [height, _] = rows.dims();
                squares.push(rows.square().sum_dim(1).reshape([height]));
            }
            // In place, unless the storage is shared: then the copy is a parameter from now on.
            let device = self.flat.device();
            self.flat = device.memory_persistent_allocations(self.flat, |flat| {
                flat.slice_assign([piece.clone()], after.clone())
            });
        }
        (self, Tensor::cat(squares, 0))
    }

    /// The draws of a piece. Normal draws need f64 logarithms and sines that agree everywhere to the
    /// last bit, which few devices have, so the host makes them.
    fn draws(&self, stream: &UnitStream, piece: Range<usize>) -> Tensor<1> {
        let device = self.flat.device();
        if stream.is_gaussian() {
            let draws = TensorData::new(stream.draws(piece.start, piece.len()), [piece.len()]);
            Tensor::from_data(draws, (&device, DType::F32))
        } else {
            draws::uniform(stream.key(), piece.start, piece.len(), &device)
        }
    }

    pub(crate) fn into_tensor(self) -> Tensor<D> {
        self.flat.reshape(self.shape)
    }
}

/// Cuts `0..count` into pieces.
fn pieces(count: usize) -> impl Iterator<Item = Range<usize>> {
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

/// The moments of `count` elements, as sums on the device.
#[derive(Debug)]
pub(crate) struct PendingMoments {
    count: usize,
    blocks: Tensor<1>,
}

/// The root mean square of the change of `count` elements, as sums of squares over `unit`² on the device.
#[derive(Debug)]
pub(crate) struct PendingRms {
    count: usize,
    unit: f64,
    blocks: Tensor<1>,
}

/// The moments of each; waits for the device once.
pub(crate) fn moments(pending: &[PendingMoments]) -> Vec<Moments> {
    let rows = read(
        pending
            .iter()
            .map(|moments| moments.blocks.clone())
            .collect(),
    );
    let merge = |(PendingMoments { count, .. }, row): (&PendingMoments, Vec<f64>)| {
        let (means, rest) = row.split_at(row.len() / 3);
        let (largest, squares) = rest.split_at(means.len());
        let blocks = means.iter().zip(largest).zip(squares);
        blocks
            .zip((0..*count).step_by(BLOCK))
            .map(|(((&mean, unit), square), start)| Moments {
                count: BLOCK.min(count - start) as f64,
                mean,
                m2: square * unit * unit,
            })
            .fold(Moments::default(), Moments::merge)
    };
    pending.iter().zip(rows).map(merge).collect()
}

/// The root mean square of each change; waits for the device once.
pub(crate) fn rms(pending: &[PendingRms]) -> Vec<f64> {
    let rows = read(pending.iter().map(|rms| rms.blocks.clone()).collect());
    let rms = |(pending, row): (&PendingRms, Vec<f64>)| {
        let mean = row.into_iter().sum::<f64>() / pending.count as f64;
        pending.unit * mean.sqrt()
    };
    pending.iter().zip(rows).map(rms).collect()
}

/// Copies rows to the host; neighbours on the same device are copied together.
fn read(rows: Vec<Tensor<1>>) -> Vec<Vec<f64>> {
    rows.chunk_by(|a, b| a.device() == b.device())
        .flat_map(|rows| {
            let rows = rows.iter().cloned();
            rows.fold(Transaction::default(), Transaction::register)
                .execute()
        })
        .map(|row| row.iter::<f64>().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, bf16, f16};

    use super::*;
    use crate::element::Element;
    use crate::{NoiseKind, noise};

    /// More than two pieces, and a remainder that fills no block.
    const COUNT: usize = 2 * PIECE + 3 * BLOCK + 17;

    fn sample<E: Element>() -> Vec<E> {
        let stream = UnitStream::new(1, "sample", NoiseKind::Gaussian);
        let draws = stream.draws(0, COUNT).into_iter();
        draws.map(|draw| E::from_elem(0.7 + 0.03 * draw)).collect()
    }

    fn on<E: Element>(device: &Device, values: Vec<E>) -> DeviceValues<1> {
        let count = values.len();
        let data = TensorData::new(values, [count]);
        DeviceValues::of(Tensor::from_data(data, (device, E::dtype())))
    }

    /// On flex, unless BURN_DEVICE names another backend that Burn was built with.
    fn moments_of(values: Vec<f32>) -> Moments {
        moments(&[on(&Device::default(), values).moments()])[0]
    }

    #[test]
    fn tensor_operations_measure_the_std_of_the_host_to_1e_6() {
        let host = Moments::of(&sample::<f32>());
        let device = moments_of(sample());
        assert_eq!(host.count, device.count);
        let relative = (device.std() / host.std() - 1.0).abs();
        assert!(relative < 1e-6, "{} against {}", device.std(), host.std());
    }

    #[test]
    fn tensor_operations_measure_deviations_whose_squares_leave_the_range_of_f32() {
        for size in [1e-30f32, 1e30] {
            let values: Vec<f32> = [1.0, -2.0, 0.5].map(|x| x * size).into();
            let (host, device) = (Moments::of(&values).std(), moments_of(values).std());
            assert!(
                (device / host - 1.0).abs() < 1e-6,
                "{device} against {host}"
            );
        }
    }

    #[test]
    fn tensor_operations_find_nothing_one_element_equal_elements_nan_and_infinity() {
        assert_eq!(moments_of(Vec::new()), Moments::default());
        assert!(moments_of(vec![3.0]).std().is_nan());
        assert_eq!(moments_of(vec![0.1; 2 * BLOCK + 1]).std(), 0.0);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 1, BLOCK, BLOCK + 1] {
                let mut values = sample::<f32>();
                values.truncate(2 * BLOCK);
                values[at] = bad;
                assert!(!moments_of(values).m2.is_finite(), "{bad} at {at}");
            }
        }
    }

    fn the_noise_is_the_hosts<E: Element>() {
        for kind in [NoiseKind::Uniform, NoiseKind::Gaussian] {
            let stream = UnitStream::new(7, "weight", kind);
            let mut host = sample::<E>();
            let host_squares = noise::perturb(&mut host, &stream, 0.0045);
            let (device, squares) = on(&Device::flex(), sample::<E>()).perturb(&stream, 0.0045);
            assert_eq!(
                device.into_tensor().into_data(),
                TensorData::new(host, [COUNT]),
                "{kind:?}"
            );
            let expected = (host_squares / COUNT as f64).sqrt();
            let rms = rms(&[squares])[0];
            // The squares of a block are summed in f32.
            assert!(
                (rms / expected - 1.0).abs() < 1e-6,
                "{rms} against {expected}"
            );
        }
    }

    #[test]
    fn tensor_operations_add_the_noise_of_the_host_bit_for_bit() {
        the_noise_is_the_hosts::<f64>();
        the_noise_is_the_hosts::<f32>();
        the_noise_is_the_hosts::<f16>();
        the_noise_is_the_hosts::<bf16>();
    }
}
