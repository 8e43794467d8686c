//! What can go wrong with a file, in one line each.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::reading::one_line;

/// Why a file could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system reports an error.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Another process has the file open for writing.
    #[error("{}: in use by another process; wait for it, or choose another folder", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file system has no locks, as NFS without its lock service and Lustre without `flock`.
    #[error(
        "{}: cannot be locked ({source}), so nothing would keep a second process out; choose a folder on a local disk, \
         or have this file system mounted with locks",
        path.display()
    )]
    Unlockable {
        /// The file.
        path: PathBuf,
        /// What the operating system reports.
        source: std::io::Error,
    },
    /// Someone removed or replaced the file while it was open.
    #[error(
        "{}: removed or replaced while it was in use, so nothing more can be recorded in it",
        path.display()
    )]
    Removed {
        /// The file.
        path: PathBuf,
    },
    /// A line is not what the file should hold.
    #[error("{}:{line}: not {what}: {}", path.display(), one_line(reason))]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What each line should be, with its article.
        what: &'static str,
        /// What the parser found.
        reason: String,
    },
    /// An item could not be read back once written, so it was not written.
    #[error("{}: refused to write {what} that could not be read again: {}", path.display(), one_line(reason))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the item is, with its article.
        what: &'static str,
        /// What the parser found.
        reason: String,
    },
}

impl FileError {
    /// Makes an error of the operating system, with its path.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}
