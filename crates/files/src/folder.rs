//! Replacing and removing a folder as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::FileError;
use crate::sync::{above, sync_all, sync_names};

/// What the name of a folder begins with while it is being written or removed.
const UNFINISHED: &str = ".unfinished-";
/// The name of a folder in the temporary one that it was moved into.
const ASIDE: &str = "aside";

/// A folder that is being written, and takes its place once it is complete.
///
/// Until then its files are in a folder beside the place, which is removed when the value is dropped;
/// [`remove_unfinished`] removes what a killed process leaves behind.
#[derive(Debug)]
pub struct NewFolder {
    place: PathBuf,
    unfinished: TempDir,
}

impl NewFolder {
    /// Begins an empty folder that is to be at `place`; the folders above are made if they are missing.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn begin(place: &Path) -> Result<Self, FileError> {
        let above = above(place);
        fs::create_dir_all(above).map_err(|e| FileError::io(above, e))?;
        Ok(Self {
            place: place.to_path_buf(),
            unfinished: beside(place)?,
        })
    }

    /// Where to write its files.
    pub fn path(&self) -> &Path {
        self.unfinished.path()
    }

    /// Puts the folder at its place, once its files are on disk. One that is there already stays until this succeeds, and
    /// is then removed.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn put(self) -> Result<(), FileError> {
        let Self { place, unfinished } = self;
        let wrong = |e| FileError::io(&place, e);
        sync_all(unfinished.path()).map_err(wrong)?;
        let old = match fs::exists(&place).map_err(wrong)? {
            false => None,
            true => Some(set_aside(&place)?),
        };
        if let Err(error) = fs::rename(unfinished.path(), &place) {
            if let Some(old) = &old {
                // Best effort: the error to report is the first one.
                let _ = fs::rename(old.path().join(ASIDE), &place);
            }
            return Err(wrong(error));
        }
        // It is no longer where it would be removed.
        let _ = unfinished.keep();
        sync_names(above(&place)).map_err(wrong)?;
        old.map_or(Ok(()), |old| old.close().map_err(wrong))
    }
}

/// Removes a folder with all that is in it, so that no reader finds a part of it; it need not be there.
///
/// # Errors
/// [`FileError::Io`].
pub fn remove_folder(path: &Path) -> Result<(), FileError> {
    if !fs::exists(path).map_err(|e| FileError::io(path, e))? {
        return Ok(());
    }
    set_aside(path)?.close().map_err(|e| FileError::io(path, e))
}

/// Removes what a killed process has left behind in a folder: parts of what a [`NewFolder`] and [`remove_folder`] had in
/// work. No other process may be using them there at the same time.
///
/// # Errors
/// [`FileError::Io`].
pub fn remove_unfinished(folder: &Path) -> Result<(), FileError> {
    let entries = fs::read_dir(folder).map_err(|e| FileError::io(folder, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| FileError::io(folder, e))?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(UNFINISHED.as_bytes())
        {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(|e| FileError::io(&path, e))?;
        }
    }
    Ok(())
}

/// Moves a folder into a temporary one beside it.
fn set_aside(path: &Path) -> Result<TempDir, FileError> {
    let aside = beside(path)?;
    fs::rename(path, aside.path().join(ASIDE)).map_err(|e| FileError::io(path, e))?;
    Ok(aside)
}

/// A temporary folder beside a path, with the permissions of any new folder; by default, tempfile lets only the owner
/// into it.
fn beside(path: &Path) -> Result<TempDir, FileError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let above = above(path);
    builder
        .tempdir_in(above)
        .map_err(|e| FileError::io(above, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(folder: &Path, text: &str) -> Result<(), FileError> {
        let path = folder.join("file");
        fs::write(&path, text).map_err(|e| FileError::io(&path, e))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    fn replace(path: &Path, text: &str) -> Result<(), FileError> {
        let new = NewFolder::begin(path)?;
        fill(new.path(), text)?;
        new.put()
    }

    #[test]
    fn a_folder_is_replaced_with_all_that_is_in_it() {
        let place = tempfile::tempdir().expect("a folder");
        let inner = place.path().join("inner");
        let path = inner.join("made");
        replace(&path, "1").expect("it is written");
        fs::write(path.join("other"), "").expect("a file");
        replace(&path, "2").expect("it is written");
        assert_eq!(names(&path), ["file"]);
        assert_eq!(fs::read(path.join("file")).expect("a file"), b"2");
        assert_eq!(names(&inner), ["made"]);
        remove_folder(&path).expect("it is removed");
        remove_folder(&path).expect("there is nothing to remove");
        assert!(names(&inner).is_empty());
    }

    #[test]
    fn a_folder_that_is_not_put_leaves_the_old_one() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("made");
        replace(&path, "1").expect("it is written");
        let new = NewFolder::begin(&path).expect("it begins");
        fill(new.path(), "2").expect("it is written");
        drop(new);
        assert_eq!(fs::read(path.join("file")).expect("a file"), b"1");
        assert_eq!(names(place.path()), ["made"]);
    }

    #[test]
    fn what_a_killed_process_leaves_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().expect("a folder");
        let left = place.path().join(format!("{UNFINISHED}abc"));
        for folder in [&left, &place.path().join("made")] {
            fs::create_dir(folder).expect("a folder");
            fill(folder, "1").expect("a file");
        }
        remove_unfinished(place.path()).expect("it is removed");
        assert_eq!(names(place.path()), ["made"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_has_the_permissions_of_any_new_folder() {
        use std::os::unix::fs::PermissionsExt;

        let place = tempfile::tempdir().expect("a folder");
        let (ours, plain) = (place.path().join("ours"), place.path().join("plain"));
        replace(&ours, "1").expect("it is written");
        fs::create_dir(&plain).expect("a folder");
        let mode = |path: &Path| {
            fs::metadata(path)
                .expect("it is there")
                .permissions()
                .mode()
        };
        assert_eq!(mode(&ours), mode(&plain));
    }
}
