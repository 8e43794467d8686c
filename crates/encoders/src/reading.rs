//! Reading the small files of a snapshot.

use std::fs::File;
use std::io::{Error, Read};
use std::path::Path;

use crate::error::EncoderError;

/// What a file begins with that git stores in place of a large one.
pub(crate) const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Which Windows editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens a file; a pipe or a device, which would block, is refused, and so is a git-LFS pointer.
pub(crate) fn open(path: &Path) -> Result<File, EncoderError> {
    let read = |error| EncoderError::read(path, error);
    let metadata = std::fs::metadata(path).map_err(|error| match path.is_symlink() {
        true => read(Error::new(
            error.kind(),
            "a link to a file that is not there",
        )),
        false => read(error),
    })?;
    if !metadata.is_file() {
        let what = match metadata.is_dir() {
            true => "a folder, accepted is a file",
            false => "a pipe or a device, accepted is a file",
        };
        return Err(read(Error::other(what)));
    }
    check_link(path).map_err(read)?;
    let mut start = Vec::new();
    let mut file = File::open(path).map_err(read)?;
    (&mut file)
        .take(LFS_POINTER.len() as u64)
        .read_to_end(&mut start)
        .map_err(read)?;
    if start == LFS_POINTER {
        return Err(EncoderError::LfsPointer {
            path: path.to_path_buf(),
        });
    }
    File::open(path).map_err(read)
}

/// Refuses a link that leads out of its folder: what it names is not the snapshot's, and a tokenizer's files are copied into the
/// snapshots of finetuned models.
///
/// The hub's cache keeps the files of all commits in `blobs`, beside `snapshots` with the folder of each.
fn check_link(path: &Path) -> Result<(), Error> {
    if !path.is_symlink() {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.canonicalize()?,
        _ => Path::new(".").canonicalize()?,
    };
    let target = path.canonicalize()?;
    let snapshots = folder.parent().filter(|above| above.ends_with("snapshots"));
    let model = snapshots.and_then(Path::parent);
    let blobs = model.and_then(|model| model.join("blobs").canonicalize().ok());
    let is_in = |place: &Path| target.starts_with(place);
    match is_in(&folder) || blobs.as_deref().is_some_and(is_in) {
        true => Ok(()),
        false => Err(Error::other(format!(
            "a link to {}, out of its folder; accepted is the file itself, or a link to one in the folder or in the hub's cache: copy the file, or name the folder it is in",
            target.display()
        ))),
    }
}

/// Reads a file of text without its byte-order mark.
pub(crate) fn text(path: &Path) -> Result<Vec<u8>, EncoderError> {
    let mut bytes = bytes(path)?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

/// Reads a file as it is.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, EncoderError> {
    let mut bytes = Vec::new();
    open(path)?
        .read_to_end(&mut bytes)
        .map_err(|error| EncoderError::read(path, error))?;
    Ok(bytes)
}

/// What was read of a file that need not be there.
pub(crate) fn if_there<T>(read: Result<T, EncoderError>) -> Result<Option<T>, EncoderError> {
    match read {
        Err(EncoderError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        result => result.map(Some),
    }
}
