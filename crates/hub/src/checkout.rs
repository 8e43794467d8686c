//! A repository at one commit: which of its files are in the cache, and the transfer of the others.

use std::fs;
use std::path::{Path, PathBuf};

use files::sha256_of_file;
use hf_hub::api::sync::ApiRepo;

use crate::download::{Hub, Snapshot};
use crate::error::HubError;
use crate::failure::{Failure, one_line};
use crate::progress::Progress;
use crate::repository::Repository;
use crate::transfer::Extent;

/// A repository at one commit.
pub(crate) struct Checkout<'a> {
    hub: &'a Hub,
    pub(crate) repository: &'a Repository,
    commit: String,
    pub(crate) folder: PathBuf,
    api: ApiRepo,
}

impl<'a> Checkout<'a> {
    pub(crate) fn new(hub: &'a Hub, repository: &'a Repository, commit: String) -> Self {
        let repo = repository.at(&commit);
        Self {
            folder: hub.cache.repo(repo.clone()).pointer_path(&commit),
            api: hub.api.repo(repo),
            hub,
            repository,
            commit,
        }
    }

    pub(crate) fn into_snapshot(self) -> Snapshot {
        Snapshot {
            folder: self.folder,
            commit: self.commit,
        }
    }

    /// Downloads a file that is not in the cache yet.
    pub(crate) fn need(&self, file: &str, progress: &mut dyn Progress) -> Result<(), HubError> {
        let path = self.folder.join(file);
        if !path.exists() {
            self.download(file, progress)?;
        }
        match path.exists() {
            true => Ok(()),
            false => {
                let reason = format!("{file} belongs to another commit than {}", self.commit);
                Err(self.failed(Failure::Answer(reason)))
            }
        }
    }

    /// Downloads a file where the repository has it, and tells whether it has.
    ///
    /// As in Python's cache, an empty file under `.no_exist` notes that it has one not, so that the hub is asked once.
    pub(crate) fn want(&self, file: &str, progress: &mut dyn Progress) -> Result<bool, HubError> {
        let absent = self.absent().join(file);
        if absent.exists() {
            return Ok(false);
        }
        match self.need(file, progress) {
            Ok(()) => Ok(true),
            Err(HubError::NoFile { .. }) => {
                let parent = absent.parent().expect("it is in a folder");
                let noted = fs::create_dir_all(parent).and_then(|()| fs::write(&absent, ""));
                noted.map_err(|e| HubError::cache(&absent, e))?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Python's folder for the names of files that the commit does not have.
    fn absent(&self) -> PathBuf {
        let name = self.repository.at(&self.commit).folder_name();
        let cache = self.hub.cache.path();
        cache.join(name).join(".no_exist").join(&self.commit)
    }

    /// The names of all files of the commit.
    pub(crate) fn names(&self) -> Result<Vec<String>, HubError> {
        let info = self.api.info();
        let info = info.map_err(|e| self.failed(Failure::from(e)))?;
        let names = info.siblings.into_iter();
        Ok(names.map(|sibling| sibling.rfilename).collect())
    }

    fn failed(&self, failure: Failure) -> HubError {
        failure.of(self.repository, &self.hub.endpoint)
    }

    fn download(&self, file: &str, progress: &mut dyn Progress) -> Result<(), HubError> {
        let mut extent = Extent::default();
        let name = self.repository.at(&self.commit).folder_name();
        let result = self.hub.client.transfer(
            &self.api.url(file),
            file,
            &self.commit,
            &self.hub.cache.path().join(name),
            progress,
            &mut extent,
        );
        let Extent { size, received } = extent;
        match (result, size) {
            (Ok(path), Some(size)) => self.check(file, &path, size),
            (Ok(_), None) => Ok(()),
            (Err(Failure::Status(404)), _) => Err(self.no_file(file)),
            (Err(Failure::Locked), _) => Err(HubError::Busy {
                repository: self.repository.to_string(),
                file: file.to_owned(),
            }),
            (Err(Failure::Io(error)), Some(size)) => Err(HubError::Interrupted {
                repository: self.repository.to_string(),
                file: file.to_owned(),
                received,
                size,
                reason: one_line(&error),
            }),
            // Before the transfer, only folders and locks are written.
            (Err(Failure::Io(error)), None) => Err(HubError::cache(self.hub.cache.path(), error)),
            (Err(failure), _) => Err(self.failed(failure)),
        }
    }

    /// Finds out whether it is the file or the revision that does not exist.
    pub(crate) fn no_file(&self, file: &str) -> HubError {
        const SHOWN: usize = 20;
        let names = match self.names() {
            Err(error) => return error,
            Ok(names) => names,
        };
        let mut files = names[..names.len().min(SHOWN)].join(", ");
        if names.len() > SHOWN {
            files.push_str(", …");
        }
        HubError::NoFile {
            repository: self.repository.to_string(),
            file: file.to_owned(),
            files,
        }
    }

    /// Compares a downloaded file with what the hub announced.
    fn check(&self, file: &str, path: &Path, size: u64) -> Result<(), HubError> {
        let broken = |e| HubError::cache(path, e);
        let blob = path.canonicalize().map_err(broken)?;
        let name = blob
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let length = blob.metadata().map_err(broken)?.len();
        let (found, expected) = if length != size {
            (format!("{length} bytes"), format!("{size} bytes"))
        } else if name.len() == 64 {
            // In the cache, a file from large storage is named by its SHA-256, any other by its git hash.
            (
                format!("sha256 {}", sha256_of_file(&blob)?),
                format!("sha256 {name}"),
            )
        } else {
            return Ok(());
        };
        if found == expected {
            return Ok(());
        }
        fs::remove_file(&blob).map_err(broken)?;
        // On platforms with symbolic links, the file in the snapshot is one.
        if path.is_symlink() {
            fs::remove_file(path).map_err(broken)?;
        }
        Err(HubError::Damaged {
            repository: self.repository.to_string(),
            file: file.to_owned(),
            found,
            expected,
        })
    }
}
