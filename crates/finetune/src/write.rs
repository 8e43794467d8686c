//! Files that are either whole or not there.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::FinetuneError;

/// Makes the folder and checks that a file can be written in it.
pub(crate) fn prepare_folder(folder: &Path) -> Result<(), FinetuneError> {
    std::fs::create_dir_all(folder).map_err(|e| FinetuneError::file(folder, e))?;
    NamedTempFile::new_in(folder).map_err(|e| FinetuneError::file(folder, e))?;
    Ok(())
}

/// Replaces the file at `path` by these bytes at once: a reader, or a crash, meets the old or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FinetuneError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let wrong = |e| FinetuneError::file(path, e);
    let mut file = NamedTempFile::new_in(folder).map_err(wrong)?;
    file.write_all(bytes).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|e| wrong(e.error))?;
    Ok(())
}
