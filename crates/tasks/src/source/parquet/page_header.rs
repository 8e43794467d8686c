//! The header of a page, in Thrift's compact protocol.

use super::delta::varint;

/// Structures in structures, far more than a header has.
const DEEPEST: usize = 16;

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Dictionary,
    Other,
}

/// What the header of a page announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: Kind,
    /// Bytes of the page once it is unpacked.
    pub(super) uncompressed: usize,
    /// Bytes of the page in the file.
    pub(super) compressed: usize,
    /// Its values, nulls included.
    pub(super) values: usize,
}

impl PageHeader {
    /// Reads a header and leaves what follows it; `None` if it is damaged.
    ///
    /// Source: `PageHeader` of parquet.thrift.
    pub(super) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (mut kind, mut uncompressed, mut compressed) = (None, None, None);
        let (mut in_data, mut in_dictionary, mut in_data_2) = (None, None, None);
        fields(bytes, |id, kind_of_value, bytes| {
            let number = match id {
                1 => &mut kind,
                2 => &mut uncompressed,
                3 => &mut compressed,
                5 => &mut in_data,
                7 => &mut in_dictionary,
                8 => &mut in_data_2,
                _ => return skip(kind_of_value, bytes, DEEPEST),
            };
            *number = match id {
                1..=3 => Some(int(kind_of_value, bytes)?),
                _ if kind_of_value == STRUCT => Some(first_field(bytes)?),
                _ => return None,
            };
            Some(())
        })?;
        let (kind, values) = match kind? {
            0 => (Kind::Data, in_data?),
            2 => (Kind::Dictionary, in_dictionary?),
            3 => (Kind::Data, in_data_2?),
            _ => (Kind::Other, 0),
        };
        Some(Self {
            kind,
            uncompressed: usize::try_from(uncompressed?).ok()?,
            compressed: usize::try_from(compressed?).ok()?,
            values: usize::try_from(values).ok()?,
        })
    }
}

const INT: u8 = 5;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

/// Visits the fields of a structure, each with its number and the kind of its value.
fn fields<'b>(
    bytes: &mut &'b [u8],
    mut visit: impl FnMut(i64, u8, &mut &'b [u8]) -> Option<()>,
) -> Option<()> {
    let mut id = 0_i64;
    loop {
        let byte = *bytes.split_off_first()?;
        if byte == 0 {
            return Some(());
        }
        id = match byte >> 4 {
            0 => zigzag(bytes)?,
            more => id.checked_add(i64::from(more))?,
        };
        visit(id, byte & 0xf, bytes)?;
    }
}

/// The number in a structure's first field, which is its values in each kind of page.
fn first_field(bytes: &mut &[u8]) -> Option<i32> {
    let mut number = None;
    fields(bytes, |id, kind, bytes| match id {
        1 => {
            number = Some(int(kind, bytes)?);
            Some(())
        }
        _ => skip(kind, bytes, DEEPEST),
    })?;
    number
}

fn int(kind: u8, bytes: &mut &[u8]) -> Option<i32> {
    match kind {
        INT => i32::try_from(zigzag(bytes)?).ok(),
        _ => None,
    }
}

fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let value = varint(bytes)?;
    Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
}

fn skip(kind: u8, bytes: &mut &[u8], deep: usize) -> Option<()> {
    let deep = deep.checked_sub(1)?;
    let mut leave = |count: u64| {
        let count = usize::try_from(count).ok()?;
        bytes.split_off(..count).map(|_| ())
    };
    match kind {
        // True and false, which are in the kind itself.
        1 | 2 => Some(()),
        3 => leave(1),
        7 => leave(8),
        4..=6 => varint(bytes).map(|_| ()),
        BINARY => {
            let length = varint(bytes)?;
            let length = usize::try_from(length).ok()?;
            bytes.split_off(..length).map(|_| ())
        }
        9 | 10 => {
            let byte = *bytes.split_off_first()?;
            let count = match byte >> 4 {
                15 => varint(bytes)?,
                count => u64::from(count),
            };
            (0..count).try_for_each(|_| skip_element(byte & 0xf, bytes, deep))
        }
        11 => {
            let count = varint(bytes)?;
            let kinds = match count {
                0 => 0,
                _ => *bytes.split_off_first()?,
            };
            (0..count).try_for_each(|_| {
                skip_element(kinds >> 4, bytes, deep)?;
                skip_element(kinds & 0xf, bytes, deep)
            })
        }
        STRUCT => fields(bytes, |_, kind, bytes| skip(kind, bytes, deep)),
        _ => None,
    }
}

/// In a list, true and false have a byte of their own.
fn skip_element(kind: u8, bytes: &mut &[u8], deep: usize) -> Option<()> {
    match kind {
        1 | 2 => skip(3, bytes, deep),
        _ => skip(kind, bytes, deep),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of data of 40 bytes, 30 in the file, with 5 values; statistics and a checksum are passed over.
    const DATA: [u8; 22] = [
        0x15, 0, 0x15, 80, 0x15, 60, 0x15, 2, 0x1c, 0x15, 10, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c,
        0x18, 0, 0, 0,
    ];

    #[test]
    fn a_header_says_what_the_page_is() {
        let bytes = [&DATA[..], &[0, 7]].concat();
        let mut rest = &bytes[..];
        let expected = PageHeader {
            kind: Kind::Data,
            uncompressed: 40,
            compressed: 30,
            values: 5,
        };
        assert_eq!(PageHeader::read(&mut rest), Some(expected));
        assert_eq!(rest, [7]);
    }

    #[test]
    fn a_header_that_is_cut_or_nested_too_deeply_is_damaged() {
        for length in 0..DATA.len() {
            assert_eq!(PageHeader::read(&mut &DATA[..length]), None, "{length}");
        }
        let deep = [&[0x9c][..], &[0x1c; 100], &[0; 101]].concat();
        assert_eq!(PageHeader::read(&mut &deep[..]), None);
    }
}
