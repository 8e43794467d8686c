//! Replacing a file as a whole, or making it once.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::FileError;
use crate::lock::still_there;
use crate::sync::{above, sync_names};

/// What the name of a file begins with until it takes its place.
const UNFINISHED: &str = ".writing-";

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

/// Removes from a folder, which need not be there, what processes have left that died while they wrote a file of it.
///
/// What is being written is locked, by whichever process on whatever machine. Where there are no locks, and on Windows, whose locks
/// would keep readers from the file, everything stays.
///
/// # Errors
/// [`FileError::Io`].
pub fn remove_abandoned(folder: &Path) -> Result<(), FileError> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(FileError::io(folder, e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| FileError::io(folder, e))?;
        let (name, path) = (entry.file_name(), entry.path());
        let is_ours = name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        // Locked until it is gone: unlocked in between, its process may have just begun to write it.
        if is_ours
            && is_file
            && let Some(_locked) = abandoned(&path)
        {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(FileError::io(&path, e)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A file that no process has locked, now locked; one that has taken its place in the meantime is not abandoned.
fn abandoned(path: &Path) -> Option<File> {
    // A lock of NFS is for those alone who may write.
    let file = File::options().write(true).open(path).ok()?;
    let is_abandoned = cfg!(unix) && file.try_lock().is_ok() && still_there(&file, path).is_ok();
    is_abandoned.then_some(file)
}

/// A temporary file with the permissions of any new file; by default, tempfile lets only the owner read it. It is locked, which
/// tells that its process lives.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let file = builder.tempfile_in(folder)?;
        if !cfg!(unix) {
            return Ok(file);
        }
        match file.as_file().try_lock() {
            Ok(()) if still_there(file.as_file(), file.path()).is_ok() => return Ok(file),
            // Another process took it for abandoned before it was locked.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            // There are no locks, so that nothing is taken for abandoned.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::{UNFINISHED, beside, create_new, remove_abandoned, replace, update};

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
    fn what_a_killed_process_was_writing_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let left = path(&format!("{UNFINISHED}abc"));
        let hidden = path(&format!("{UNFINISHED}a-folder"));
        std::fs::create_dir(&hidden).expect("a folder");
        for name in [&left, &path("kept"), &path(".tmpabc")] {
            std::fs::write(name, b"1").expect("it is written");
        }
        let in_work = beside(folder.path()).expect("it begins");
        remove_abandoned(folder.path()).expect("it is removed");
        assert!(!left.exists());
        for kept in [in_work.path(), &hidden, &path("kept"), &path(".tmpabc")] {
            assert!(kept.exists(), "{}", kept.display());
        }
        remove_abandoned(&path("nowhere")).expect("there is nothing");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_being_written_is_not_taken_for_abandoned() {
        use std::sync::atomic::{AtomicBool, Ordering};

        let folder = tempfile::tempdir().expect("a folder");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for cleaner in 0..2 {
                let is_over = &is_over;
                let folder = folder.path();
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let cleaned = remove_abandoned(folder);
                        cleaned.unwrap_or_else(|error| panic!("{cleaner}: {error}"));
                    }
                });
            }
            let path = folder.path().join("file");
            for number in 0..500 {
                let text = number.to_string();
                let written = replace(&path, text.as_bytes());
                if written.is_err() {
                    is_over.store(true, Ordering::Relaxed);
                }
                written.expect("it is written");
                let read = std::fs::read_to_string(&path);
                assert_eq!(read.expect("it is there"), text);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1);
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
