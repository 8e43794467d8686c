//! From the hub into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use files::sha256_of_file;
use hf_hub::Cache;
use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};

use crate::error::HubError;
use crate::failure::{Failure, one_line};
use crate::progress::{Progress, Transfer};
use crate::repository::{Repository, is_path};

/// The hub and its cache on this machine.
#[derive(Clone, Debug)]
pub struct Hub {
    api: Api,
    cache: Cache,
    endpoint: String,
}

/// Files of one commit, in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder with the files, under their names in the repository.
    pub folder: PathBuf,
    /// The commit they belong to.
    pub commit: String,
}

impl Hub {
    /// The hub that the environment describes: at `HF_ENDPOINT` or `https://huggingface.co`, with its
    /// cache in `HF_HOME` or `~/.cache/huggingface`, and with the token of `hf auth login` if there is one.
    ///
    /// # Errors
    /// [`HubError::NoHome`] or [`HubError::Endpoint`].
    pub fn from_env() -> Result<Self, HubError> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = match set("HF_HOME") {
            Some(_) => Cache::from_env(),
            // hf-hub would panic.
            None if std::env::home_dir().is_none() => return Err(HubError::NoHome),
            None => Cache::default(),
        };
        let endpoint = set("HF_ENDPOINT").map(|text| text.to_string_lossy().into_owned());
        let endpoint = endpoint.as_deref().unwrap_or("https://huggingface.co");
        Self::new(endpoint, cache)
    }

    /// The hub at an address, with its cache in a folder.
    ///
    /// # Errors
    /// [`HubError::Endpoint`].
    pub fn at(endpoint: &str, cache: &Path) -> Result<Self, HubError> {
        Self::new(endpoint, Cache::new(cache.to_path_buf()))
    }

    fn new(endpoint: &str, cache: Cache) -> Result<Self, HubError> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        if !is_address(&endpoint) {
            return Err(HubError::Endpoint { text: endpoint });
        }
        // No retries: hf-hub's retry of a resumed file starts at its beginning.
        let api = ApiBuilder::from_cache(cache.clone())
            .with_endpoint(endpoint.clone())
            .with_progress(false)
            .build()
            .expect("only native TLS can fail");
        Ok(Self {
            api,
            cache,
            endpoint,
        })
    }

    /// Downloads those files of a repository that are not in the cache yet.
    ///
    /// A branch or tag is looked up first. If the hub cannot be reached, the commit found by the last
    /// look-up is used.
    ///
    /// # Errors
    /// Those of [`snapshot_with`](Self::snapshot_with).
    pub fn snapshot(
        &self,
        repository: &Repository,
        files: &[&str],
        progress: &mut dyn Progress,
    ) -> Result<Snapshot, HubError> {
        self.snapshot_with(repository, files, &[], progress)
    }

    /// Does the same, and downloads those of the `optional` files that the repository has.
    ///
    /// As in Python's cache, an empty file under `.no_exist` notes that it has one not, so that the hub is asked once.
    ///
    /// # Errors
    /// Every [`HubError`] but [`Name`](HubError::Name), [`Endpoint`](HubError::Endpoint) and
    /// [`NoHome`](HubError::NoHome). A file that is incomplete, or not what the hub announced, does not
    /// stay in the cache under its name.
    pub fn snapshot_with(
        &self,
        repository: &Repository,
        files: &[&str],
        optional: &[&str],
        progress: &mut dyn Progress,
    ) -> Result<Snapshot, HubError> {
        let mut all = files.iter().chain(optional);
        if let Some(file) = all.find(|file| !is_path(file)) {
            return Err(HubError::FileName {
                repository: repository.to_string(),
                file: (*file).to_owned(),
            });
        }
        let commit = match repository.commit() {
            Some(commit) => commit.to_owned(),
            None => self.look_up(repository)?,
        };
        let repo = repository.at(&commit);
        let folder = self.cache.repo(repo.clone()).pointer_path(&commit);
        let api = self.api.repo(repo);
        for file in files {
            let path = folder.join(file);
            if !path.exists() {
                self.download(&api, repository, file, progress)?;
            }
            if !path.exists() {
                let reason = format!("{file} belongs to another commit than {commit}");
                return Err(Failure::Answer(reason).of(repository, &self.endpoint));
            }
        }
        for file in optional {
            let absent = self.absent(repository, &commit).join(file);
            if folder.join(file).exists() || absent.exists() {
                continue;
            }
            match self.download(&api, repository, file, progress) {
                Err(HubError::NoFile { .. }) => {
                    let parent = absent.parent().expect("it is in a folder");
                    let noted = fs::create_dir_all(parent).and_then(|()| fs::write(&absent, ""));
                    noted.map_err(|e| HubError::cache(&absent, e))?;
                }
                result => result?,
            }
        }
        Ok(Snapshot { folder, commit })
    }

    /// Python's folder for the names of files that a commit does not have.
    fn absent(&self, repository: &Repository, commit: &str) -> PathBuf {
        let name = repository.at(commit).folder_name();
        self.cache.path().join(name).join(".no_exist").join(commit)
    }

    /// The commit of a branch or tag.
    fn look_up(&self, repository: &Repository) -> Result<String, HubError> {
        let repo = repository.at(repository.revision());
        match self.api.repo(repo.clone()).info().map_err(Failure::from) {
            Ok(info) => {
                let cache = self.cache.repo(repo);
                cache
                    .create_ref(&info.sha)
                    .map_err(|e| HubError::cache(self.cache.path(), e))?;
                Ok(info.sha)
            }
            Err(failure) => {
                let refs = self.cache.path().join(repo.folder_name()).join("refs");
                match (failure, fs::read_to_string(refs.join(repo.revision()))) {
                    (Failure::Unreachable(_), Ok(commit)) => Ok(commit),
                    (failure, _) => Err(failure.of(repository, &self.endpoint)),
                }
            }
        }
    }

    fn download(
        &self,
        api: &ApiRepo,
        repository: &Repository,
        file: &str,
        progress: &mut dyn Progress,
    ) -> Result<(), HubError> {
        let mut transfer = Transfer::new(progress);
        let mut result = api
            .download_with_progress(file, &mut transfer)
            .map_err(Failure::from);
        if matches!(result, Err(Failure::Leftover)) {
            self.remove_leftover(api, repository, file)?;
            transfer.received = 0;
            result = api
                .download_with_progress(file, &mut transfer)
                .map_err(Failure::from);
        }
        let Transfer { size, received, .. } = transfer;
        match (result, size) {
            (Ok(path), Some(size)) => self.check(repository, file, &path, size),
            (Ok(_), None) => Ok(()),
            (Err(Failure::Status(404)), _) => Err(self.no_file(api, repository, file)),
            (Err(Failure::Locked), _) => Err(HubError::Busy {
                repository: repository.to_string(),
                file: file.to_owned(),
            }),
            (Err(Failure::Io(error)), Some(size)) => Err(HubError::Interrupted {
                repository: repository.to_string(),
                file: file.to_owned(),
                received,
                size,
                reason: one_line(&error),
            }),
            // Before the transfer, hf-hub writes only folders and locks.
            (Err(Failure::Io(error)), None) => Err(HubError::cache(self.cache.path(), error)),
            (Err(failure), _) => Err(failure.of(repository, &self.endpoint)),
        }
    }

    /// Finds out whether it is the file or the revision that does not exist.
    fn no_file(&self, api: &ApiRepo, repository: &Repository, file: &str) -> HubError {
        const SHOWN: usize = 20;
        match api.info().map_err(Failure::from) {
            Err(failure) => failure.of(repository, &self.endpoint),
            Ok(info) => {
                let names = info
                    .siblings
                    .iter()
                    .map(|sibling| sibling.rfilename.as_str());
                let mut files = names.take(SHOWN).collect::<Vec<_>>().join(", ");
                if info.siblings.len() > SHOWN {
                    files.push_str(", …");
                }
                HubError::NoFile {
                    repository: repository.to_string(),
                    file: file.to_owned(),
                    files,
                }
            }
        }
    }

    /// Removes the part of a file that an earlier attempt left.
    fn remove_leftover(
        &self,
        api: &ApiRepo,
        repository: &Repository,
        file: &str,
    ) -> Result<(), HubError> {
        let metadata = self.api.metadata(&api.url(file));
        let metadata = metadata.map_err(|e| Failure::from(e).of(repository, &self.endpoint))?;
        let blobs = self.cache.repo(repository.at(metadata.commit_hash()));
        // hf-hub's name for it.
        let path = blobs.blob_path(metadata.etag()).with_extension("part");
        fs::remove_file(&path).map_err(|e| HubError::cache(&path, e))
    }

    /// Compares a downloaded file with what the hub announced.
    fn check(
        &self,
        repository: &Repository,
        file: &str,
        path: &Path,
        size: u64,
    ) -> Result<(), HubError> {
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
            repository: repository.to_string(),
            file: file.to_owned(),
            found,
            expected,
        })
    }
}

/// Whether it is `http://HOST` or `https://HOST`, with or without a path.
fn is_address(endpoint: &str) -> bool {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| endpoint.strip_prefix(scheme));
    host.is_some_and(|host| {
        host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && host.chars().all(|c| c.is_ascii_graphic())
    })
}
