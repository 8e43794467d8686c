//! What can go wrong with a download, one line each.

use std::path::PathBuf;

use hf_hub::api::sync::ApiError;

use crate::repository::{Kind, Repository};

/// An error of this crate: one line with the repository, what happened and what would do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The text names no repository.
    #[error("{text:?} is no repository of the hub; expected OWNER/NAME or OWNER/NAME@REVISION")]
    Name {
        /// The text, shortened.
        text: String,
    },
    /// There is no home folder, and so no place for the cache.
    #[error("there is no home folder for the cache of the hub; set HF_HOME to a folder")]
    NoHome,
    /// The hub is out of reach.
    #[error("{repository}: {endpoint} is out of reach: {reason}")]
    Offline {
        /// What was asked for.
        repository: String,
        /// The hub's address.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The hub shows no such repository.
    #[error("{repository}: no such {kind} without a login at {endpoint} (HTTP {status})")]
    NoRepository {
        /// What was asked for.
        repository: String,
        /// Model or dataset.
        kind: Kind,
        /// The hub's address.
        endpoint: String,
        /// 401 or 403 as a rule: the hub does not say whether a private repository exists.
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
    /// The repository does not have a file.
    #[error("{repository}: no file {file} there; it holds {files}")]
    NoFile {
        /// What was asked for.
        repository: String,
        /// The file.
        file: String,
        /// The files there are, shortened.
        files: String,
    },
    /// The hub answered with an error, or with what is no answer.
    #[error("{repository}: {endpoint} did not answer as the hub does: {reason}")]
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
        "{repository}: {file} stopped at {received} of {size} bytes: {reason}; the same command again continues there"
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
    /// A download is not what the hub announced; it was removed.
    #[error(
        "{repository}: {file} arrived with {found}, the hub announced {expected}; it was removed from the cache"
    )]
    Damaged {
        /// What was asked for.
        repository: String,
        /// The file.
        file: String,
        /// Length or SHA-256 it has.
        found: String,
        /// Length or SHA-256 it should have.
        expected: String,
    },
    /// Another process downloads the same file.
    #[error(
        "{repository}: another process downloads {file}; wait for it, then run the same command again"
    )]
    Busy {
        /// What was asked for.
        repository: String,
        /// The file.
        file: String,
    },
    /// The cache cannot be read or written.
    #[error("{}: {source}", path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What [`hf_hub`] reports, sorted by what a user can do about it.
pub(crate) enum Failure {
    Unreachable(String),
    Status(u16),
    Io(std::io::Error),
    Locked,
    /// What an earlier attempt left does not fit the file.
    Leftover,
    Answer(String),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::RequestError(error) => match *error {
                // The range of a download that was complete but for its renaming is not satisfiable.
                ureq::Error::StatusCode(416) => Self::Leftover,
                ureq::Error::StatusCode(status) => Self::Status(status),
                ureq::Error::Json(_) | ureq::Error::Protocol(_) | ureq::Error::TooManyRedirects => {
                    Self::Answer(one_line(&error))
                }
                other => Self::Unreachable(one_line(&other)),
            },
            ApiError::IoError(error) => Self::Io(error),
            ApiError::LockAcquisition(_) => Self::Locked,
            ApiError::InvalidResume => Self::Leftover,
            other => Self::Answer(one_line(&other)),
        }
    }
}

impl Failure {
    /// The error where nothing but an answer of the hub was expected.
    pub(crate) fn of(self, repository: &Repository, endpoint: &str) -> HubError {
        let (kind, repository) = (repository.kind(), repository.to_string());
        let endpoint = endpoint.to_owned();
        match self {
            Self::Unreachable(reason) => HubError::Offline {
                repository,
                endpoint,
                reason,
            },
            Self::Status(status @ (401 | 403)) => HubError::NoRepository {
                repository,
                kind,
                endpoint,
                status,
            },
            Self::Status(404) => HubError::NoRevision {
                repository,
                kind,
                endpoint,
            },
            Self::Status(status) => HubError::Answer {
                repository,
                endpoint,
                reason: format!("HTTP {status}"),
            },
            Self::Io(error) => HubError::Offline {
                repository,
                endpoint,
                reason: one_line(&error),
            },
            Self::Locked | Self::Leftover => HubError::Answer {
                repository,
                endpoint,
                reason: "a range was refused".to_owned(),
            },
            Self::Answer(reason) => HubError::Answer {
                repository,
                endpoint,
                reason,
            },
        }
    }
}

pub(crate) fn one_line(error: &dyn std::error::Error) -> String {
    let text = error.to_string().replace(char::is_control, " ");
    text.chars().take(200).collect()
}
