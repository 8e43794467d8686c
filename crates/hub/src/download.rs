//! From the hub into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::Cache;
use hf_hub::api::sync::{Api, ApiBuilder};

use crate::checkout::Checkout;
use crate::error::HubError;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::repository::{Repository, is_commit, is_path};
use crate::transfer::Client;

/// The hub and its cache on this machine.
#[derive(Clone, Debug)]
pub struct Hub {
    pub(crate) api: Api,
    pub(crate) client: Client,
    pub(crate) cache: Cache,
    pub(crate) endpoint: String,
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
        let client = Client::new(&endpoint, cache.token());
        let api = ApiBuilder::from_cache(cache.clone())
            .with_endpoint(endpoint.clone())
            .with_progress(false)
            .build()
            .expect("only native TLS can fail");
        Ok(Self {
            api,
            client,
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
    /// Every [`HubError`] but [`Name`](HubError::Name), [`Endpoint`](HubError::Endpoint),
    /// [`NoHome`](HubError::NoHome), [`Index`](HubError::Index) and [`Unreadable`](HubError::Unreadable). A file that
    /// is incomplete, or not what the hub announced, does not stay in the cache under its name.
    pub fn snapshot(
        &self,
        repository: &Repository,
        files: &[&str],
        progress: &mut dyn Progress,
    ) -> Result<Snapshot, HubError> {
        if let Some(file) = files.iter().find(|file| !is_path(file)) {
            return Err(HubError::FileName {
                repository: repository.to_string(),
                file: (*file).to_owned(),
            });
        }
        let checkout = self.checkout(repository)?;
        for file in files {
            checkout.need(file, progress)?;
        }
        Ok(checkout.into_snapshot())
    }

    /// The repository at the commit that its revision has now.
    pub(crate) fn checkout<'a>(
        &'a self,
        repository: &'a Repository,
    ) -> Result<Checkout<'a>, HubError> {
        let commit = match repository.commit() {
            Some(commit) => commit.to_owned(),
            None => self.look_up(repository)?,
        };
        Ok(Checkout::new(self, repository, commit))
    }

    /// The commit of a branch or tag.
    fn look_up(&self, repository: &Repository) -> Result<String, HubError> {
        let repo = repository.at(repository.revision());
        match self.api.repo(repo.clone()).info().map_err(Failure::from) {
            // It becomes the name of a folder.
            Ok(info) if !is_commit(&info.sha) => {
                let reason = format!("the commit {:?} is none", info.sha);
                Err(Failure::Answer(files::one_line(&reason)).of(repository, &self.endpoint))
            }
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
                    (Failure::Unreachable(_), Ok(commit)) if is_commit(&commit) => Ok(commit),
                    (failure, _) => Err(failure.of(repository, &self.endpoint)),
                }
            }
        }
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
