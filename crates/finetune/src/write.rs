//! Files that are either whole or not there.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::FinetuneError;

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
