//! The transfer of a file into the cache, in the layout of Python's `huggingface_hub`.
//!
//! hf-hub's own transfer takes the name of the file in the cache from the answer as it is, so that a server could have any file
//! of the user's replaced; it follows redirects without end, and sends the token to whatever host they lead to.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::failure::Failure;
use crate::progress::Progress;
use crate::repository::{is_commit, is_part};

/// Redirects to another path of the same host, in a row.
const MOST_REDIRECTS: usize = 10;
/// How often a lock of another process is tried, a second apart.
const TRIES: usize = 6;
/// Bytes between two reports of progress.
const PART: usize = 1 << 16;

/// A client for files.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    /// Returns redirects as they are.
    direct: Agent,
    endpoint: String,
    token: Option<String>,
}

/// What the hub says about a file.
struct Announced {
    commit: String,
    /// The name of its bytes in the cache.
    etag: String,
    size: u64,
}

/// How far a transfer got.
#[derive(Default)]
pub(crate) struct Extent {
    /// Bytes of the whole file, once the hub has announced them.
    pub(crate) size: Option<u64>,
    /// Bytes on disk.
    pub(crate) received: u64,
}

impl Client {
    pub(crate) fn new(endpoint: &str, token: Option<String>) -> Self {
        let config = Agent::config_builder();
        let config = config.redirect_auth_headers(RedirectAuthHeaders::SameHost);
        let direct = Agent::config_builder().max_redirects(0);
        Self {
            agent: config.build().into(),
            direct: direct.build().into(),
            endpoint: endpoint.to_owned(),
            token,
        }
    }

    /// Downloads a file of a commit into the folder of its repository, and continues one that an earlier transfer left.
    pub(crate) fn transfer(
        &self,
        address: &str,
        file: &str,
        commit: &str,
        repository: &Path,
        progress: &mut dyn Progress,
        extent: &mut Extent,
    ) -> Result<PathBuf, Failure> {
        let announced = self.announced(address)?;
        if announced.commit != commit {
            let reason = format!("{file} belongs to another commit than {commit}");
            return Err(Failure::Answer(reason));
        }
        let Announced { etag, size, .. } = announced;
        let blobs = repository.join("blobs");
        fs::create_dir_all(&blobs)?;
        let blob = blobs.join(&etag);
        let lock = locked(&blobs.join(format!("{etag}.lock")))?;
        progress.started(file, size);
        extent.size = Some(size);
        let part = blobs.join(format!("{etag}.part"));
        self.receive(address, &part, size, progress, extent)?;
        fs::rename(&part, &blob)?;
        drop(lock);
        let pointer = repository.join("snapshots").join(commit).join(file);
        if let Some(folder) = pointer.parent() {
            fs::create_dir_all(folder)?;
        }
        point(&pointer, &blob, &etag, file)?;
        progress.finished();
        Ok(pointer)
    }

    /// Asks for the first byte of a file, which says everything about it.
    fn announced(&self, address: &str) -> Result<Announced, Failure> {
        const FIRST: &str = "bytes=0-0";
        let mut address = address.to_owned();
        let mut redirects = 0;
        let (mut response, elsewhere) = loop {
            let response = self.get(&self.direct, &address, FIRST)?;
            let redirect = response.status().is_redirection();
            let location = header(&response, "location").filter(|_| redirect);
            match location {
                // To another path of the same host, with the headers that count there.
                Some(path) if path.starts_with('/') && redirects < MOST_REDIRECTS => {
                    redirects += 1;
                    address = format!("{}{path}", origin(&address));
                }
                Some(path) if path.starts_with('/') => {
                    return Err(Failure::Answer("too many redirects".to_owned()));
                }
                location => break (response, location),
            }
        };
        let missing = |name: &str| Failure::Answer(format!("an answer without {name}"));
        let etag = header(&response, "x-linked-etag").or_else(|| header(&response, "etag"));
        let etag = etag.ok_or_else(|| missing("etag"))?;
        let etag = etag.trim_start_matches("W/").replace('"', "");
        // It becomes the name of a file.
        if !is_part(&etag) {
            return Err(Failure::Answer(format!("the etag {etag:?} names no file")));
        }
        let commit = header(&response, "x-repo-commit").ok_or_else(|| missing("x-repo-commit"))?;
        if !is_commit(&commit) {
            return Err(Failure::Answer(format!("the commit {commit:?} is none")));
        }
        if let Some(elsewhere) = elsewhere {
            response = self.get(&self.agent, &elsewhere, FIRST)?;
        }
        let range = header(&response, "content-range").ok_or_else(|| missing("content-range"))?;
        let size = range.rsplit('/').next().and_then(|size| size.parse().ok());
        Ok(Announced {
            commit,
            etag,
            size: size.ok_or_else(|| missing("a size in content-range"))?,
        })
    }

    /// Adds to a file what it lacks of `size` bytes.
    fn receive(
        &self,
        address: &str,
        part: &Path,
        size: u64,
        progress: &mut dyn Progress,
        extent: &mut Extent,
    ) -> Result<(), Failure> {
        let mut file = OpenOptions::new().append(true).create(true).open(part)?;
        let mut start = file.metadata()?.len();
        // Of another file, or complete and never renamed: there is no range left.
        if start >= size && start > 0 {
            file.set_len(0)?;
            start = 0;
        }
        let response = self.get(&self.agent, address, &format!("bytes={start}-"))?;
        // One byte more shows that there are too many; a server may send them without end.
        let left = (size - start).saturating_add(1);
        let mut body = response.into_body().into_reader().take(left);
        let mut buffer = vec![0; PART];
        if start > 0 {
            progress.received(start);
            extent.received = start;
        }
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            file.write_all(&buffer[..read])?;
            progress.received(read as u64);
            extent.received += read as u64;
        }
    }

    fn get(&self, agent: &Agent, address: &str, range: &str) -> Result<Response<Body>, Failure> {
        let mut request = agent.get(address).header("range", range);
        let is_ours = origin(address) == origin(&self.endpoint);
        if let (Some(token), true) = (&self.token, is_ours) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Ok(request.call()?)
    }
}

/// The scheme and host of an address.
fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |scheme| scheme + 3);
    let path = address[host..].find(['/', '?', '#']);
    &address[..path.map_or(address.len(), |path| host + path)]
}

/// The text of a header.
fn header(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// Opens a lock file and waits a little for another process to let go of it.
fn locked(path: &Path) -> Result<File, Failure> {
    let file = File::create(path)?;
    for number in 1..=TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if number < TRIES => sleep(Duration::from_secs(1)),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(Failure::Locked)
}

/// Gives the bytes their name in the snapshot: a link where there are links.
fn point(pointer: &Path, blob: &Path, etag: &str, file: &str) -> io::Result<()> {
    if pointer.is_symlink() {
        fs::remove_file(pointer)?;
    }
    #[cfg(unix)]
    {
        let _ = blob;
        let up = "../".repeat(2 + file.matches('/').count());
        std::os::unix::fs::symlink(format!("{up}blobs/{etag}"), pointer)
    }
    #[cfg(not(unix))]
    {
        let _ = (etag, file);
        fs::rename(blob, pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_hub_alone() {
        for (address, expected) in [
            ("https://huggingface.co", "https://huggingface.co"),
            ("https://huggingface.co/a/b?c", "https://huggingface.co"),
            (
                "https://huggingface.co.evil/a",
                "https://huggingface.co.evil",
            ),
            ("http://[::1]:8080/mirror/a", "http://[::1]:8080"),
            ("https://cdn?x=https://huggingface.co", "https://cdn"),
        ] {
            assert_eq!(origin(address), expected);
        }
    }
}
