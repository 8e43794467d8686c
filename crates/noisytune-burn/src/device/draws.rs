//! The uniform draws of a stream in integer tensor operations of Burn: any device makes them itself, the words
//! being those of `chacha8_lanes`.
//!
//! ChaCha's sixteen words of state are held in four tensors of four rows, with a column per block. A
//! quarter round on whole rows does four of ChaCha's at once, and a diagonal round is the same after
//! rolling the rows. The host sends key, constants and position.

use burn::tensor::{DType, Device, FloatDType, Int, IntDType, Tensor, TensorData};
use chacha8_lanes::{BLOCK_WORDS, CONSTANTS, DOUBLE_ROUNDS, GROUP, LANES};

/// Block numbers in one row of the table.
const ROW: usize = 256;

/// The draws `start..start + len`, bit for bit those of the host. `start` is a whole number of
/// groups, and the range does not cross a multiple of 2³² blocks.
pub(super) fn uniform(key: &[u32; 8], start: usize, len: usize, device: &Device) -> Tensor<1> {
    uniform_in(word_type(device), key, start, len, device)
}

/// Unsigned words where the device has them: not every device's language defines what a signed sum
/// does on overflow.
fn word_type(device: &Device) -> DType {
    if device.supports_dtype(IntDType::U32) {
        DType::U32
    } else {
        DType::I32
    }
}

fn uniform_in(
    dtype: DType,
    key: &[u32; 8],
    start: usize,
    len: usize,
    device: &Device,
) -> Tensor<1> {
    let groups = len.div_ceil(GROUP);
    let words = words(dtype, key, start / GROUP, groups, device);
    // 24 bits, minus 2²³ - 1/2, divided by 2²⁴: each step is exact in f32.
    let draws = shift_right(words, 8)
        .cast(FloatDType::F32)
        .sub_scalar(8_388_607.5)
        .mul_scalar(1.0 / f64::from(1 << 24));
    draws
        .reshape([BLOCK_WORDS, groups, LANES])
        .swap_dims(0, 1)
        .reshape([groups * GROUP])
        .narrow(0, 0, len)
}

/// The words of so many groups: one row per word of a block, one column per block.
fn words(
    dtype: DType,
    key: &[u32; 8],
    group: usize,
    groups: usize,
    device: &Device,
) -> Tensor<2, Int> {
    let column = |words: &[u32]| column(words, dtype, device);
    let first = (group * LANES) as u64;
    let counters = counters(first as u32, groups * LANES, dtype, device);
    let rest = column(&[(first >> 32) as u32, 0, 0]).expand([3, groups * LANES]);
    let start = [
        column(&CONSTANTS),
        column(&key[..4]),
        column(&key[4..]),
        Tensor::cat(vec![counters, rest], 0),
    ];
    let mut state = start.clone();
    for _ in 0..DOUBLE_ROUNDS {
        let [a, b, c, d] = quarter_rounds(state);
        let diagonals = [a, roll(b, 1), roll(c, 2), roll(d, 3)];
        let [a, b, c, d] = quarter_rounds(diagonals);
        state = [a, roll(b, 3), roll(c, 2), roll(d, 1)];
    }
    let [a, b, c, d] = state;
    let [a0, b0, c0, d0] = start;
    Tensor::cat(vec![a + a0, b + b0, c + c0, d + d0], 0)
}

/// Words of the host as a column, which broadcasts over the blocks.
fn column(words: &[u32], dtype: DType, device: &Device) -> Tensor<2, Int> {
    let shape = [words.len(), 1];
    let data = if dtype == DType::I32 {
        TensorData::new(words.iter().map(|word| *word as i32).collect(), shape)
    } else {
        TensorData::new(words.to_vec(), shape)
    };
    Tensor::from_data(data, (device, dtype))
}

/// The row `first, first + 1, ..`, added up on the device from a few numbers that the host sends,
/// because Burn 0.22.1's fusion panics on `arange(..).mul_scalar(..)` of unsigned words.
fn counters(first: u32, count: usize, dtype: DType, device: &Device) -> Tensor<2, Int> {
    let rows = count.div_ceil(ROW);
    let starts: Vec<u32> = (0..rows)
        .map(|row| first.wrapping_add((row * ROW) as u32))
        .collect();
    let steps: Vec<u32> = (0..ROW as u32).collect();
    let table = column(&starts, dtype, device) + column(&steps, dtype, device).reshape([1, ROW]);
    table.reshape([1, rows * ROW]).slice([0..1, 0..count])
}

/// ChaCha's quarter round on each column of the four tensors' rows.
fn quarter_rounds([a, b, c, d]: [Tensor<2, Int>; 4]) -> [Tensor<2, Int>; 4] {
    let a = a + b.clone();
    let d = rotate_left(d.bitwise_xor(a.clone()), 16);
    let c = c + d.clone();
    let b = rotate_left(b.bitwise_xor(c.clone()), 12);
    let a = a + b.clone();
    let d = rotate_left(d.bitwise_xor(a.clone()), 8);
    let c = c + d.clone();
    let b = rotate_left(b.bitwise_xor(c.clone()), 7);
    [a, b, c, d]
}

/// Row `i` of the result is row `i + rows` of four.
fn roll(x: Tensor<2, Int>, rows: i64) -> Tensor<2, Int> {
    x.roll_dim(-rows, 0)
}

fn rotate_left(x: Tensor<2, Int>, bits: u32) -> Tensor<2, Int> {
    x.clone()
        .bitwise_left_shift_scalar(bits)
        .bitwise_or(shift_right(x, 32 - bits))
}

/// Shifts in zeros, even in a signed type, whose own shift repeats the sign.
fn shift_right(x: Tensor<2, Int>, bits: u32) -> Tensor<2, Int> {
    let signed = x.dtype() == DType::I32;
    let shifted = x.bitwise_right_shift_scalar(bits);
    if signed {
        shifted.bitwise_and_scalar(u32::MAX >> bits)
    } else {
        shifted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoiseKind;
    use crate::stream::UnitStream;

    /// (first draw, count): whole groups and parts of one, from the beginning and further on, and
    /// past block 2³², where the counter's upper half begins.
    const RANGES: [(usize, usize); 8] = [
        (0, 1),
        (0, GROUP),
        (0, 5 * GROUP + 17),
        (256, 255),
        (77 * GROUP, 4 * 4096 + 1),
        (3 << 20, 100_003),
        ((1 << 36) - 2 * GROUP, 2 * GROUP),
        (1 << 36, 2 * GROUP + 3),
    ];

    fn bits(draws: Vec<f32>) -> Vec<u32> {
        draws.into_iter().map(f32::to_bits).collect()
    }

    fn the_draws_are_the_hosts(device: &Device, dtype: DType) {
        let stream = UnitStream::new(7, "encoder.weight", NoiseKind::Uniform);
        for (start, len) in RANGES {
            let made = uniform_in(dtype, stream.key(), start, len, device).into_data();
            let made = made.try_into_vec::<f32>().expect("draws are f32");
            let expected = stream.draws(start, len);
            assert_eq!(bits(made), bits(expected), "{dtype:?} {start} {len}");
        }
    }

    #[test]
    fn every_bit_of_a_draw_made_by_tensor_operations_is_the_hosts() {
        // Flex, unless BURN_DEVICE names another backend that Burn was built with.
        let device = Device::default();
        the_draws_are_the_hosts(&device, word_type(&device));
    }

    #[test]
    fn a_device_without_unsigned_integers_makes_the_same_draws() {
        the_draws_are_the_hosts(&Device::default(), DType::I32);
    }
}
