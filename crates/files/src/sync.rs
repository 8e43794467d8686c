//! Waiting until files and their names are on disk.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Waits until the names in a folder are on disk: syncing a file says nothing about its name.
pub(crate) fn sync_names(folder: &Path) -> io::Result<()> {
    // Windows opens no folder as a file, and NTFS journals names.
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot sync folders, and one may write into a folder that one may not read: there is nothing
        // more to do.
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Waits until all files under a folder are on disk, with their names.
pub(crate) fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        match entry.file_type()?.is_dir() {
            true => sync_all(&path)?,
            // For writing, because Windows syncs no other.
            false => File::options().write(true).open(&path)?.sync_all()?,
        }
    }
    sync_names(folder)
}

/// The folder that a path lies in.
pub(crate) fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    }
}
