//! Lengths stored as differences: DELTA_BINARY_PACKED.

/// Whether bytes begin with so many lists of lengths, none of which announces more than `most`. parquet takes memory for
/// as many as are announced.
///
/// Source: Parquet's "Delta encoding", as parquet 60.1 reads it.
pub(super) fn holds(mut bytes: &[u8], lists: usize, most: usize) -> bool {
    (0..lists).all(|_| match skip(bytes) {
        Some((count, rest)) if count <= most as u64 => {
            bytes = rest;
            true
        }
        _ => false,
    })
}

/// The number that a list announces, and what follows the list.
fn skip(mut bytes: &[u8]) -> Option<(u64, &[u8])> {
    let block = varint(&mut bytes)?;
    let parts = varint(&mut bytes)?;
    let count = varint(&mut bytes)?;
    let _first = varint(&mut bytes)?;
    let per_part = block.checked_div(parts)?;
    // The first is in the header.
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let _least = varint(&mut bytes)?;
        let widths = bytes.split_off(..usize::try_from(parts).ok()?)?;
        for &width in widths {
            if left > 0 {
                let bits = per_part.checked_mul(u64::from(width))?;
                bytes.split_off(..usize::try_from(bits / 8).ok()?)?;
            }
            left = left.saturating_sub(per_part);
        }
        if per_part == 0 {
            return None;
        }
    }
    Some((count, bytes))
}

/// Reads a number of 7 bits per byte, the lowest first.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of one block in four parts of 32, of which the first has differences of one bit.
    const LIST: [u8; 13] = [0x80, 1, 4, 3, 0, 0, 1, 0, 0, 0, 0b10, 0, 0];

    #[test]
    fn a_list_ends_where_its_last_part_does() {
        let bytes = [&LIST[..], &[0, 9]].concat();
        assert_eq!(skip(&bytes), Some((3, &[9][..])));
        // Of one value there is no block.
        assert_eq!(skip(&[0x80, 1, 4, 1, 6, 9]), Some((1, &[9][..])));
    }

    #[test]
    fn a_list_that_announces_more_is_not_held() {
        let whole = [&LIST[..], &[0], &LIST[..], &[0]].concat();
        assert!(holds(&whole, 2, 3) && !holds(&whole, 2, 2) && !holds(&whole, 3, 3));
        let mut many = whole.clone();
        many.splice(3..4, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert!(!holds(&many, 1, usize::MAX), "its blocks are not there");
        for length in 0..LIST.len() {
            assert!(!holds(&whole[..length], 1, 3), "{length}");
        }
    }
}
