//! Dropout and its mask, made on the device: one unit computes one block of the keystream, which decides 32 elements.

use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::zeros;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, cubecl};
use chacha8_lanes::BLOCK_WORDS;
use chacha8_lanes::cube::{Key, KeyLaunch, block};
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::launch::{element, empty};
use crate::dropout::{DropoutBackend, host_mask, plain};
use crate::key::Dropout;
use crate::mask::{self, Places};

const LANES: u32 = chacha8_lanes::LANES as u32;
const GROUP: u32 = mask::GROUP as u32;
/// Elements that one word of sixteen blocks decides.
const WORD_ELEMENTS: u32 = 2 * LANES;

impl DropoutBackend for CubeBackend {
    fn dropout_mask(
        like: &FloatTensor<Self>,
        places: Places,
        dropout: Dropout,
    ) -> FloatTensor<Self> {
        let shape = places.shape().clone();
        let [_, heads, ..] = places.dims();
        let end = places
            .sequences()
            .map(|(first, [queries, keys])| first + heads * mask::head_stride(queries, keys))
            .last();
        // The kernels count places and elements in 32 bits, the fastest on devices; units past the end need the upper
        // half of the range.
        if end.max(Some(shape.num_elements())) > Some(i32::MAX as usize) {
            return host_mask::<Self>(like, &places, &dropout);
        }
        if shape.num_elements() == 0 {
            return empty(like, shape, DType::F32);
        }
        if places.is_packed() {
            packed(like, &places, &dropout)
        } else {
            regular(like, &places, &dropout)
        }
    }

    fn fused_dropout(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        let count = x.meta.num_elements();
        match element(x.dtype) {
            Some(element) if count > 0 && count <= i32::MAX as usize => {
                dropped(into_contiguous(x), element, &dropout)
            }
            _ => plain::<Self>(x, dropout),
        }
    }
}

/// A contiguous tensor times its mask.
fn dropped(x: CubeTensor, element: ElemType, dropout: &Dropout) -> CubeTensor {
    let count = x.meta.num_elements();
    let units = count.div_ceil(mask::GROUP) * chacha8_lanes::LANES;
    let out = empty(&x, x.meta.shape().clone(), x.dtype);
    let cube_dim = CubeDim::new(&out.client, units);
    drop_kernel::launch(
        &out.client,
        calculate_cube_count_elemwise(&out.client, units, cube_dim),
        cube_dim,
        whole(&x),
        whole(&out),
        arguments(dropout),
        count as u32,
        element,
    );
    out
}

/// Key, threshold and rescaling of a dropout, as the kernels take them.
pub(super) fn arguments(dropout: &Dropout) -> MaskLaunch {
    let bytes = dropout.key().bytes();
    let word = |i: usize| u32::from_le_bytes(bytes[4 * i..4 * i + 4].try_into().expect("four"));
    let [k0, k1, k2, k3, k4, k5, k6, k7] = std::array::from_fn(word);
    MaskLaunch::new(
        KeyLaunch::new(k0, k1, k2, k3, k4, k5, k6, k7),
        u32::from(dropout.threshold),
        dropout.scale(),
    )
}

/// Heads of one size.
fn regular(like: &CubeTensor, places: &Places, dropout: &Dropout) -> CubeTensor {
    let [sequences, heads, queries, keys] = places.dims();
    let elements = queries * keys;
    let groups = elements.div_ceil(mask::GROUP);
    let units = sequences * heads * groups * chacha8_lanes::LANES;
    let out = empty(like, places.shape().clone(), DType::F32);
    let cube_dim = CubeDim::new(&out.client, units);
    regular_kernel::launch(
        &out.client,
        calculate_cube_count_elemwise(&out.client, units, cube_dim),
        cube_dim,
        whole(&out),
        arguments(dropout),
        groups as u32,
        elements as u32,
    );
    out
}

/// Heads with the queries and keys of their own sequence, each in room for those of the longest.
fn packed(like: &CubeTensor, places: &Places, dropout: &Dropout) -> CubeTensor {
    let [sequences, heads, queries, keys] = places.dims();
    let groups = (queries * keys).div_ceil(mask::GROUP);
    let units = sequences * heads * groups * chacha8_lanes::LANES;
    let table: Vec<u32> = places
        .sequences()
        .flat_map(|(first, [queries, keys])| [first / mask::GROUP, queries * keys, keys])
        .map(|number| number as u32)
        .collect();
    let (client, device) = (like.client.clone(), like.device.clone());
    // One dimension: with more, rows may have been given room to spare between them.
    let shape = Shape::new([places.shape().num_elements()]);
    let out = zeros(device.clone(), shape, DType::F32);
    let cube_dim = CubeDim::new(&client, units);
    packed_kernel::launch(
        &client,
        calculate_cube_count_elemwise(&client, units, cube_dim),
        cube_dim,
        whole(&out),
        // SAFETY: the buffer is that of the table.
        unsafe {
            let buffer = client.create_from_slice(u32::as_bytes(&table));
            BufferArg::from_raw_parts(buffer, table.len())
        },
        arguments(dropout),
        heads as u32,
        groups as u32,
        (queries * keys) as u32,
        keys as u32,
    );
    CubeTensor::new_contiguous(
        client,
        device,
        places.shape().clone(),
        out.handle,
        DType::F32,
    )
}

/// The elements of a contiguous tensor.
fn whole(tensor: &CubeTensor) -> BufferArg {
    // SAFETY: a contiguous tensor's buffer holds its elements and nothing else.
    unsafe { BufferArg::from_raw_parts(tensor.handle.clone(), tensor.meta.num_elements()) }
}

/// How many groups of blocks decide a row of so many elements at most, wherever it starts among rows like it; `None` if their words
/// take more than the memory that the units of a cube share on every device.
pub(super) fn groups_of_row(width: usize) -> Option<usize> {
    const MOST: usize = 8;
    // Rows start at multiples of this in their first group.
    let step = 1 << width.trailing_zeros().min(mask::GROUP.ilog2());
    let groups = (mask::GROUP - step + width).div_ceil(mask::GROUP);
    (groups <= MOST).then_some(groups)
}

/// The ChaCha key, and what its keystream decides.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Mask {
    key: Key,
    threshold: u32,
    scale: f32,
}

/// `out` is `[heads, elements]`, with the heads of all sequences, each of which takes `groups` groups of blocks.
#[cube(launch)]
fn regular_kernel(out: &mut [f32], mask: Mask, groups: u32, elements: u32) {
    let unit = ABSOLUTE_POS as u32;
    let lane = unit % LANES;
    // Heads follow one another in the mask as in the tensor.
    let group = unit / LANES;
    let head = group / groups;
    let first = group % groups * GROUP + lane;
    let start = head * elements;
    if (start as usize) < out.len() {
        let words = block(&mask.key, group * LANES + lane);
        #[unroll]
        for word in 0..BLOCK_WORDS {
            let low = first + WORD_ELEMENTS * word as u32;
            let high = low + LANES;
            if low < elements {
                out[(start + low) as usize] = multiplier(words[word] & 0xffff, &mask);
            }
            if high < elements {
                out[(start + high) as usize] = multiplier(words[word] >> 16, &mask);
            }
        }
    }
}

/// Element `i` takes place `i`.
#[cube(launch)]
fn drop_kernel<E: Float>(
    x: &[E],
    out: &mut [E],
    mask: Mask,
    elements: u32,
    #[define(E)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS as u32;
    let first = unit / LANES * GROUP + unit % LANES;
    if first < elements {
        let words = block(&mask.key, unit);
        #[unroll]
        for word in 0..BLOCK_WORDS {
            let low = first + WORD_ELEMENTS * word as u32;
            let high = low + LANES;
            if low < elements {
                let kept = f32::cast_from(x[low as usize]);
                out[low as usize] = E::cast_from(kept * multiplier(words[word] & 0xffff, &mask));
            }
            if high < elements {
                let kept = f32::cast_from(x[high as usize]);
                out[high as usize] = E::cast_from(kept * multiplier(words[word] >> 16, &mask));
            }
        }
    }
}

/// `out` is `[sequences, heads, room]`, each room in rows of `width`. `table` has three numbers for each sequence: the
/// first group of its heads, the elements of a head and the length of a row.
#[cube(launch)]
fn packed_kernel(
    out: &mut [f32],
    table: &[u32],
    mask: Mask,
    heads: u32,
    groups: u32,
    room: u32,
    width: u32,
) {
    let unit = ABSOLUTE_POS as u32;
    let lane = unit % LANES;
    let group = unit / LANES % groups;
    let head = unit / LANES / groups;
    let start = head * room;
    if (start as usize) < out.len() {
        let sequence = (head / heads * 3) as usize;
        let elements = table[sequence + 1];
        let row = table[sequence + 2];
        if group * GROUP < elements {
            let groups_before = head % heads * elements.div_ceil(GROUP) + group;
            let words = block(&mask.key, (table[sequence] + groups_before) * LANES + lane);
            #[unroll]
            for word in 0..BLOCK_WORDS {
                let low = group * GROUP + WORD_ELEMENTS * word as u32 + lane;
                let high = low + LANES;
                if low < elements {
                    let place = start + low / row * width + low % row;
                    out[place as usize] = multiplier(words[word] & 0xffff, &mask);
                }
                if high < elements {
                    let place = start + high / row * width + high % row;
                    out[place as usize] = multiplier(words[word] >> 16, &mask);
                }
            }
        }
    }
}

/// The words of the `groups` groups of blocks from that of element `start` on, made by the units of a cube together, which all have to
/// call this. A word of all sixteen blocks of a group is followed by the next word of them.
#[cube]
pub(super) fn words_of_row(
    mask: &Mask,
    start: u32,
    #[comptime] groups: usize,
    #[comptime] units: usize,
) -> Shared<[u32]> {
    let mut all = Shared::<[u32]>::new_slice(comptime!(groups * chacha8_lanes::GROUP));
    let first = start / GROUP * LANES;
    for at in range_stepped(
        UNIT_POS as usize,
        comptime!(groups * chacha8_lanes::LANES),
        units,
    ) {
        let words = block(&mask.key, first + at as u32);
        let (group, lane) = (at as u32 / LANES, at as u32 % LANES);
        #[unroll]
        for word in 0..BLOCK_WORDS {
            all[((group * BLOCK_WORDS as u32 + word as u32) * LANES + lane) as usize] = words[word];
        }
    }
    sync_cube();
    all
}

/// What an element of a row is multiplied by, from the words of the row that starts at element `start`.
#[cube]
pub(super) fn multiplier_at(mask: &Mask, words: &Shared<[u32]>, start: u32, column: u32) -> f32 {
    let within = start % GROUP + column;
    let (group, place) = (within / GROUP, within % GROUP);
    let word = group * BLOCK_WORDS as u32 + place / WORD_ELEMENTS;
    let bits = words[(word * LANES + place % LANES) as usize];
    multiplier(
        (bits >> (place % WORD_ELEMENTS / LANES * 16)) & 0xffff,
        mask,
    )
}

#[cube]
fn multiplier(bits: u32, mask: &Mask) -> f32 {
    select(bits >= mask.threshold, mask.scale, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_words_wherever_it_starts() {
        for width in 1..3_000_usize {
            let spans = (0..mask::GROUP).map(|row| {
                let start = row * width;
                (start + width).div_ceil(mask::GROUP) - start / mask::GROUP
            });
            assert_eq!(groups_of_row(width), spans.max(), "{width}");
        }
        assert_eq!(groups_of_row(4096), Some(8));
        assert_eq!(groups_of_row(4097), None);
    }
}
