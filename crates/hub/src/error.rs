//! What can go wrong with a download.

use std::path::Path;

use files::{FileError, one_line};

use crate::kind::Kind;

/// An error of this crate: one line with the repository, what happened and what is expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The text does not name a repository.
    #[error("{text:?} is not a hub repository, expected OWNER/NAME or OWNER/NAME@REVISION")]
    Name {
        /// The text, shortened.
        text: String,
    },
    /// The text is not the address of a hub.
    #[error("{text:?} is not the address of a hub, expected https://HOST or http://HOST")]
    Endpoint {
        /// The text.
        text: String,
    },
    /// The text does not name a file in a repository.
    #[error(
        "{repository}: {file:?} does not name a file, expected a path such as config.json or sst2/train.parquet"
    )]
    FileName {
        /// The repository.
        repository: String,
        /// The text.
        file: String,
    },
    /// There is no home folder to hold the cache.
    #[error("there is no home folder for the hub's cache; set HF_HOME to a folder")]
    NoHome,
    /// The hub cannot be reached.
    #[error("{repository}: {endpoint} cannot be reached: {reason}")]
    Offline {
        /// What was asked for.
        repository: String,
        /// The hub's address.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The hub does not show such a repository.
    #[error("{repository}: no such {kind} without a login at {endpoint} (HTTP {status})")]
    NoRepository {
        /// What was asked for.
        repository: String,
        /// Model or dataset.
        kind: Kind,
        /// The hub's address.
        endpoint: String,
        /// Usually 401 or 403: the hub does not say whether a private repository exists.
        status: u16,
    },
    /// The repository, or this revision of it, does not exist.
    #[error(
        "{repository}: no such {kind}, or no such revision of it, at {endpoint}; expected a branch, a tag or a commit"
    )]
    NoRevision {
        /// What was asked for.
        repository: String,
        /// Model or dataset.
        kind: Kind,
        /// The hub's address.
        endpoint: String,
    },
    /// The repository does not have the file.
    #[error("{repository}: no file {file}; it has {}", one_line(files))]
    NoFile {
        /// What was asked for.
        repository: String,
        /// The file.
        file: String,
        /// The files it has, shortened.
        files: String,
    },
    /// The repository has a part of a model only in a form that is not read.
    #[error(
        "{repository}: {reason}; fetch it with: hf download {name} --revision {revision} --local-dir {folder}, then name that folder to be told how to convert it"
    )]
    Unreadable {
        /// What was asked for.
        repository: String,
        /// What is missing, and what is there in its place.
        reason: String,
        /// The repository's name.
        name: String,
        /// Its revision.
        revision: String,
        /// A name for a folder.
        folder: String,
    },
    /// The index of a model's files is not one, or names something that is no file beside it.
    #[error("{repository}: {file}: {}", one_line(reason))]
    Index {
        /// What was asked for.
        repository: String,
        /// The index.
        file: String,
        /// What is wrong with it, and what is accepted.
        reason: String,
    },
    /// The hub answered with an error, or not as a hub does.
    #[error(
        "{repository}: unexpected answer from {endpoint}: {}",
        one_line(reason)
    )]
    Answer {
        /// What was asked for.
        repository: String,
        /// The hub's address.
        endpoint: String,
        /// The HTTP status, or what is wrong with the answer.
        reason: String,
    },
    /// A download stopped.
    #[error(
        "{repository}: {file} stopped at {received} of {size} bytes: {reason}; run the same command again to continue"
    )]
    Interrupted {
        /// What was asked for.
        repository: String,
        /// The file.
        file: String,
        /// Bytes on disk.
        received: u64,
        /// Bytes of the whole file.
        size: u64,
        /// Why.
        reason: String,
    },
    /// A downloaded file is not what the hub announced; it was removed.
    #[error(
        "{repository}: {file} arrived with {found}, but the hub announced {expected}; removed from the cache"
    )]
    Damaged {
        /// What was asked for.
        repository: String,
        /// The file.
        file: String,
        /// Its length or SHA-256.
        found: String,
        /// The length or SHA-256 it should have.
        expected: String,
    },
    /// Another process is downloading the same file.
    #[error(
        "{repository}: another process is downloading {file}; wait for it, then run the same command again"
    )]
    Busy {
        /// What was asked for.
        repository: String,
        /// The file.
        file: String,
    },
    /// The cache cannot be read or written.
    #[error(transparent)]
    Cache(#[from] FileError),
}

impl HubError {
    pub(crate) fn cache(path: &Path, source: std::io::Error) -> Self {
        Self::Cache(FileError::io(path, source))
    }
}
