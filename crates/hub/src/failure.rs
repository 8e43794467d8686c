//! Failures of the transfer, and the errors they become.

use hf_hub::api::sync::ApiError;

use crate::error::HubError;
use crate::repository::Repository;

/// What [`hf_hub`] and the transfer report, grouped by what a user can do about it.
pub(crate) enum Failure {
    Unreachable(String),
    Status(u16),
    Io(std::io::Error),
    Locked,
    Answer(String),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::RequestError(error) => Self::from(*error),
            ApiError::IoError(error) => Self::Io(error),
            other => Self::Answer(one_line(&other)),
        }
    }
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::StatusCode(status) => Self::Status(status),
            ureq::Error::Json(_) | ureq::Error::Protocol(_) | ureq::Error::TooManyRedirects => {
                Self::Answer(one_line(&error))
            }
            other => Self::Unreachable(one_line(&other)),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failure {
    /// The error for a request to the hub, outside of a transfer.
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
            Self::Locked => HubError::Answer {
                repository,
                endpoint,
                reason: "a file is locked".to_owned(),
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
