//! Files that one process has to itself.

use std::fs::{File, Metadata, TryLockError};
use std::path::Path;

use crate::error::FileError;

/// Locks a file against other processes until it is closed.
///
/// # Errors
/// [`FileError::InUse`] while another process has it, [`FileError::Unlockable`] if its file system has no locks.
pub(crate) fn lock(file: &File, path: &Path) -> Result<(), FileError> {
    or_in_use(file.try_lock(), path)
}

/// Looks whether another process has a file locked; one that is not there is nobody's. Nothing stays locked.
///
/// # Errors
/// [`FileError::InUse`], [`FileError::Unlockable`], [`FileError::Io`].
pub fn refuse_in_use(path: &Path) -> Result<(), FileError> {
    match File::open(path) {
        Ok(file) => or_in_use(file.try_lock_shared(), path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(FileError::io(path, e)),
    }
}

fn or_in_use(locked: Result<(), TryLockError>, path: &Path) -> Result<(), FileError> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(FileError::InUse {
            path: path.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(FileError::Unlockable {
            path: path.to_path_buf(),
            source,
        }),
    }
}

/// Checks that an open file is still the one at its path: what is written to a file that was removed is lost.
///
/// # Errors
/// [`FileError::Removed`], [`FileError::Io`].
pub(crate) fn still_there(file: &File, path: &Path) -> Result<(), FileError> {
    let ours = file.metadata().map_err(|e| FileError::io(path, e))?;
    match std::fs::metadata(path) {
        Ok(theirs) if is_same(&ours, &theirs) => Ok(()),
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(FileError::io(path, e)),
        _ => Err(FileError::Removed {
            path: path.to_path_buf(),
        }),
    }
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Windows removes no open file.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}
