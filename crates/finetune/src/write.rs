//! Files that are either whole or not there.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::FinetuneError;

/// Replaces the file at `path` by these bytes at once: a reader, or a crash, meets the old or the new.
///
/// # Errors
/// [`FinetuneError::File`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FinetuneError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let wrong = |e| FinetuneError::file(path, e);
    let mut file = beside(folder).map_err(wrong)?;
    file.write_all(bytes).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|e| wrong(e.error))?;
    Ok(())
}

/// A temporary file with the rights of any new file: tempfile's own are the owner's alone.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_has_the_rights_of_any_new_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        super::replace(&ours, b"1").expect("it is written");
        std::fs::write(&plain, b"1").expect("it is written");
        let rights = |path| {
            std::fs::metadata(path)
                .expect("a file")
                .permissions()
                .mode()
        };
        assert_eq!(rights(ours), rights(plain));
    }
}
