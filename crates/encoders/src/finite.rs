//! Whether every value of a checkpoint is a finite number.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::Dtype;

use crate::check::TensorInfo;
use crate::error::EncoderError;

/// Bytes read at a time: far less than any model, and whole numbers of every type.
const PART: usize = 1 << 20;

/// The NaN and infinite values of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotFinite {
    pub(crate) count: usize,
    /// Index of the first along each dimension.
    pub(crate) first: Vec<usize>,
}

/// Looks in a tensor of an open file for values that are NaN or infinite, or are so once they are loaded as f32.
pub(crate) fn not_finite(
    path: &Path,
    file: &mut File,
    tensor: &TensorInfo,
) -> Result<Option<NotFinite>, EncoderError> {
    let read = |error| EncoderError::read(path, error);
    file.seek(SeekFrom::Start(tensor.start)).map_err(read)?;
    let mut values = file.take(tensor.bytes);
    let (mut part, mut before, mut count, mut first) = (Vec::new(), 0, 0, None);
    loop {
        part.clear();
        (&mut values)
            .take(PART as u64)
            .read_to_end(&mut part)
            .map_err(read)?;
        if part.is_empty() {
            break;
        }
        let found = match tensor.dtype {
            Dtype::F64 => find(&part, |v| !(f64::from_le_bytes(v) as f32).is_finite()),
            Dtype::F32 => find(&part, |v| !f32::from_le_bytes(v).is_finite()),
            Dtype::F16 => find(&part, |v| u16::from_le_bytes(v) & 0x7c00 == 0x7c00),
            _ => find(&part, |v| u16::from_le_bytes(v) & 0x7f80 == 0x7f80),
        };
        if let (Some(index), true) = (found.first, first.is_none()) {
            first = Some(before + index);
        }
        count += found.count;
        before += found.values;
    }
    Ok(first.map(|index| NotFinite {
        count,
        first: along_each(index, &tensor.shape),
    }))
}

/// What a part of a tensor has.
struct Found {
    values: usize,
    count: usize,
    first: Option<usize>,
}

fn find<const N: usize>(part: &[u8], is_wrong: impl Fn([u8; N]) -> bool) -> Found {
    let (values, _) = part.as_chunks::<N>();
    let count = values.iter().filter(|value| is_wrong(**value)).count();
    let first = match count {
        0 => None,
        _ => values.iter().position(|value| is_wrong(*value)),
    };
    Found {
        values: values.len(),
        count,
        first,
    }
}

/// The index along each dimension of a value in row-major order.
fn along_each(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut along: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let here = index % size;
            index /= size;
            here
        })
        .collect();
    along.reverse();
    along
}
