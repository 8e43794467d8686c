//! Text files: plain or compressed with gzip, with or without a byte-order mark.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::TaskError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens a file for reading after its byte-order mark, if it has one.
pub(super) fn open(path: &Path, gzip: bool) -> Result<Box<dyn BufRead>, TaskError> {
    let file = File::open(path).map_err(|error| unreadable(path, gzip, error))?;
    let mut reader: Box<dyn BufRead> = match gzip {
        false => Box::new(BufReader::with_capacity(1 << 16, file)),
        true => {
            let decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file));
            Box::new(BufReader::with_capacity(1 << 16, decoder))
        }
    };
    let mut start = Vec::new();
    (&mut reader)
        .take(BYTE_ORDER_MARK.len() as u64)
        .read_to_end(&mut start)
        .map_err(|error| unreadable(path, gzip, error))?;
    if start == BYTE_ORDER_MARK {
        return Ok(reader);
    }
    Ok(Box::new(Cursor::new(start).chain(reader)))
}

/// The error for a file that cannot be opened, or not to its end.
pub(super) fn unreadable(path: &Path, gzip: bool, source: io::Error) -> TaskError {
    TaskError::Unreadable {
        path: path.to_owned(),
        source,
        expected: match gzip {
            true => "a whole gzip file",
            false => "a file that may be read",
        },
    }
}
