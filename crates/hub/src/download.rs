//! From the hub into the cache.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use hf_hub::Cache;
use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};
use sha2::{Digest, Sha256};

use crate::error::{Failure, HubError, one_line};
use crate::progress::{Progress, Transfer};
use crate::repository::Repository;

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
    /// The folder they are in, under the names they have in the repository.
    pub folder: PathBuf,
    /// The commit they belong to.
    pub commit: String,
}

impl Hub {
    /// The hub as the environment describes it: `HF_ENDPOINT`, or `https://huggingface.co`; the cache in
    /// `HF_HOME`, or `~/.cache/huggingface`; the token of `hf auth login`, if one lies there.
    ///
    /// # Errors
    /// [`HubError::NoHome`].
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
        Ok(Self::new(endpoint, cache))
    }

    /// The hub at an address, with its cache in a folder.
    pub fn at(endpoint: &str, cache: &Path) -> Self {
        Self::new(endpoint, Cache::new(cache.to_path_buf()))
    }

    fn new(endpoint: &str, cache: Cache) -> Self {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        // No retries: hf-hub's continue a resumed file at its beginning.
        let api = ApiBuilder::from_cache(cache.clone())
            .with_endpoint(endpoint.clone())
            .with_progress(false)
            .build()
            .expect("only native TLS can fail");
        Self {
            api,
            cache,
            endpoint,
        }
    }

    /// Brings the files of a repository into the cache, those that are not there yet.
    ///
    /// A branch or tag is looked up first; where the hub is out of reach, it is the commit that it was
    /// when it was last looked up.
    ///
    /// # Errors
    /// Every [`HubError`] but [`Name`](HubError::Name) and [`NoHome`](HubError::NoHome). What is
    /// not whole, or not what the hub announced, does not stay under its name in the cache.
    pub fn snapshot(
        &self,
        repository: &Repository,
        files: &[&str],
        progress: &mut dyn Progress,
    ) -> Result<Snapshot, HubError> {
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
                let reason = format!("{file} is of another commit than {commit}");
                return Err(Failure::Answer(reason).of(repository, &self.endpoint));
            }
        }
        Ok(Snapshot { folder, commit })
    }

    /// The commit of a branch or tag.
    fn look_up(&self, repository: &Repository) -> Result<String, HubError> {
        let repo = repository.at(repository.revision());
        match self.api.repo(repo.clone()).info().map_err(Failure::from) {
            Ok(info) => {
                let cache = self.cache.repo(repo);
                cache
                    .create_ref(&info.sha)
                    .map_err(|source| HubError::Cache {
                        path: self.cache.path().clone(),
                        source,
                    })?;
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
            // Before the transfer hf-hub only writes folders and locks.
            (Err(Failure::Io(source)), None) => Err(HubError::Cache {
                path: self.cache.path().clone(),
                source,
            }),
            (Err(failure), _) => Err(failure.of(repository, &self.endpoint)),
        }
    }

    /// Is it the file or the revision that does not exist?
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

    /// Removes what an earlier attempt left of a file.
    fn remove_leftover(
        &self,
        api: &ApiRepo,
        repository: &Repository,
        file: &str,
    ) -> Result<(), HubError> {
        let metadata = self.api.metadata(&api.url(file));
        let metadata = metadata.map_err(|e| Failure::from(e).of(repository, &self.endpoint))?;
        let blobs = self.cache.repo(repository.at(metadata.commit_hash()));
        // The name that hf-hub gives it.
        let path = blobs.blob_path(metadata.etag()).with_extension("part");
        fs::remove_file(&path).map_err(|source| HubError::Cache { path, source })
    }

    /// Compares a file that has just arrived with what the hub announced.
    fn check(
        &self,
        repository: &Repository,
        file: &str,
        path: &Path,
        size: u64,
    ) -> Result<(), HubError> {
        let broken = |source| HubError::Cache {
            path: path.to_path_buf(),
            source,
        };
        let blob = path.canonicalize().map_err(broken)?;
        let name = blob
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let length = blob.metadata().map_err(broken)?.len();
        let (found, expected) = if length != size {
            (format!("{length} bytes"), format!("{size} bytes"))
        } else if name.len() == 64 {
            // A large file's name in the cache is its SHA-256, a small one's git's hash of it.
            (
                format!("sha256 {}", sha256(&blob).map_err(broken)?),
                format!("sha256 {name}"),
            )
        } else {
            return Ok(());
        };
        if found == expected {
            return Ok(());
        }
        fs::remove_file(&blob).map_err(broken)?;
        // Where there are symbolic links, the name in the snapshot is one.
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

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut hasher = Sha256::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
