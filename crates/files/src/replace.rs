//! Replacing a file as a whole.

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::FileError;
use crate::sync::{above, sync_names};

/// Replaces the file at `path` with these bytes. A reader, or a crash, finds either the old content or the new; when the
/// function returns, the new content is on disk.
///
/// # Errors
/// [`FileError::Io`]; the old file then stays, unless only the wait for the disk failed.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let wrong = |e| FileError::io(path, e);
    let folder = above(path);
    let mut file = beside(folder).map_err(wrong)?;
    // To the file itself: tempfile would add the temporary path to the error.
    file.as_file_mut().write_all(bytes).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    // Not `persist`, whose system call no test can let fail (crates/faults).
    fs::rename(file.path(), path).map_err(wrong)?;
    // It is no longer where it would be removed.
    let _ = file.into_temp_path().keep();
    sync_names(folder).map_err(wrong)
}

/// A temporary file with the permissions of any new file; by default, tempfile lets only the owner read it.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        replace(&ours, b"1").expect("it is written");
        std::fs::write(&plain, b"1").expect("it is written");
        let mode = |path| {
            let metadata = std::fs::metadata(path).expect("a file");
            metadata.permissions().mode()
        };
        assert_eq!(mode(ours), mode(plain));
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a folder in the way");
        std::fs::create_dir(&path).expect("a folder");
        std::fs::write(path.join("kept"), b"1").expect("it is written");
        let error = replace(&path, b"2").expect_err("a folder is no file");
        assert!(
            error.to_string().starts_with(&path.display().to_string()),
            "{error}"
        );
        assert_eq!(std::fs::read(path.join("kept")).expect("it is there"), b"1");
        // No temporary file is left beside it.
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            1
        );
    }
}
