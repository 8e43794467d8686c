//! Replacing a file as a whole, or making it once.

use std::fs;
use std::io::{ErrorKind, Write};
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
    let file = written(path, bytes)?;
    // Not `persist`, whose system call no test can let fail (crates/faults).
    fs::rename(file.path(), path).map_err(wrong)?;
    // It is no longer where it would be removed.
    let _ = file.into_temp_path().keep();
    sync_names(above(path)).map_err(wrong)
}

/// The same, unless the file holds these bytes already: several processes that agree on them leave each other's file alone.
///
/// # Errors
/// [`FileError::Io`].
pub fn update(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    match fs::read(path) {
        Ok(held) if held == bytes => Ok(()),
        _ => replace(path, bytes),
    }
}

/// Makes the file at `path` with these bytes and returns true, or returns false if there is one. Of several processes that try
/// at the same time, on one machine or on several that share the file system, one makes it; a reader finds all of it or nothing.
///
/// # Errors
/// [`FileError::Io`].
pub fn create_new(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    let wrong = |e| FileError::io(path, e);
    let file = written(path, bytes)?;
    // Unlike renaming, linking never replaces, and is one step on NFS too.
    match fs::hard_link(file.path(), path) {
        Ok(()) => sync_names(above(path)).map_err(wrong).map(|()| true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        // A file system without links: two processes may then make it within the same moment, and the later one stays.
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            match fs::exists(path).map_err(wrong)? {
                true => Ok(false),
                false => replace(path, bytes).map(|()| true),
            }
        }
        Err(e) => Err(wrong(e)),
    }
}

/// A temporary file beside `path` with these bytes, on disk.
fn written(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, FileError> {
    let wrong = |e| FileError::io(path, e);
    let mut file = beside(above(path)).map_err(wrong)?;
    // To the file itself: tempfile would add the temporary path to the error.
    file.as_file_mut().write_all(bytes).map_err(wrong)?;
    file.as_file().sync_all().map_err(wrong)?;
    Ok(file)
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
    use std::sync::Barrier;

    use super::{create_new, replace, update};

    #[test]
    fn of_many_that_make_a_file_at_the_same_time_one_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan");
        let start = Barrier::new(8);
        let make = |text: String| {
            start.wait();
            create_new(&path, text.as_bytes()).expect("it is made")
        };
        let made: Vec<bool> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|maker| scope.spawn(move || make(format!("{maker}").repeat(10_000))))
                .collect();
            let ended = makers.into_iter().map(|maker| maker.join());
            ended.map(|made| made.expect("no panic")).collect()
        });
        let maker = made.iter().position(|made| *made).expect("one made it");
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert_eq!(text, format!("{maker}").repeat(10_000));
        // No temporary file is left beside it.
        let entries = std::fs::read_dir(folder.path()).expect("a folder");
        assert_eq!(entries.count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_holds_the_bytes_already_is_left_alone() {
        use std::os::unix::fs::MetadataExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("study");
        let file = || std::fs::metadata(&path).expect("a file").ino();
        update(&path, b"1").expect("it is written");
        let first = file();
        update(&path, b"1").expect("there is nothing to write");
        assert_eq!(file(), first);
        update(&path, b"2").expect("it is replaced");
        assert_eq!(std::fs::read(&path).expect("it is there"), b"2");
    }

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
