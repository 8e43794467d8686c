//! A hub of a few files on a local port, which answers like the real one.
//!
//! For a small file it answers with a relative redirect to its own cache, for a large one with a redirect to
//! another address and the file's SHA-256 as the tag. Ranges are honoured. It answers 401 for a repository that
//! does not exist, and 404 for a revision or a file.
#![allow(dead_code, reason = "every test that includes it uses a part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Files by their names in the repository.
pub(crate) type Files = BTreeMap<String, File>;

/// What the hub knows about a file.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    /// Without quotes; one of 64 digits is the SHA-256 of a large file.
    pub(crate) etag: String,
}

/// A repository with one commit, its `main`.
#[derive(Clone)]
pub(crate) struct Repository {
    /// As in an address: `OWNER/NAME` or `datasets/OWNER/NAME`.
    pub(crate) path: String,
    pub(crate) commit: String,
    pub(crate) files: Files,
}

/// Serves until the process ends.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
}

struct State {
    repositories: Vec<Repository>,
    requests: Vec<String>,
    break_off: Option<usize>,
}

impl Server {
    pub(crate) fn start(repositories: Vec<Repository>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(Mutex::new(State {
            repositories,
            requests: Vec::new(),
            break_off: None,
        }));
        let served = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = served.clone();
                // A client that hangs up is its own concern.
                std::thread::spawn(move || answer(stream, &state).ok());
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            state,
        }
    }

    /// Ends the next transfer of a file after so many bytes.
    pub(crate) fn break_off_after(&self, bytes: usize) {
        self.state.lock().expect("no panic").break_off = Some(bytes);
    }

    /// Changes what is served from now on.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Vec<Repository>)) {
        change(&mut self.state.lock().expect("no panic").repositories);
    }

    /// The path and range of every request since the last call.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("no panic").requests)
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let (mut path, mut host, mut range) = (String::new(), String::new(), None);
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if line.is_empty() {
            break;
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "host" => host = value.to_owned(),
                "range" => range = value.strip_prefix("bytes=").map(str::to_owned),
                _ => {}
            }
        }
    }
    let (reply, break_off) = {
        let mut state = state.lock().expect("no panic");
        let shown = range
            .as_ref()
            .map_or_else(String::new, |range| format!(" {range}"));
        state.requests.push(format!("{path}{shown}"));
        let reply = reply(&state.repositories, &path, &host, range.as_deref());
        let is_transfer = reply.body.len() > 1 && reply.status.starts_with("206");
        let break_off = state.break_off.take_if(|_| is_transfer);
        (reply, break_off)
    };
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let length = body.len();
    let sent = &body[..break_off.map_or(length, |bytes| bytes.min(length))];
    write!(
        stream,
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    )?;
    stream.write_all(sent)?;
    stream.flush()
}

struct Reply {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: &'static str, headers: String, body: &[u8]) -> Self {
        Self {
            status,
            headers,
            body: body.to_vec(),
        }
    }
}

fn reply(repositories: &[Repository], path: &str, host: &str, range: Option<&str>) -> Reply {
    const NO_ENTRY: &str = "404 Not Found";
    let refused = |status| Reply::new(status, String::new(), b"");
    // The two places that redirects lead to.
    for prefix in ["/cdn/", "/api/resolve-cache/"] {
        let Some(rest) = path.strip_prefix(prefix) else {
            continue;
        };
        let found = repositories.iter().find_map(|repository| {
            let rest = rest.strip_prefix(&repository.path)?.strip_prefix('/')?;
            let file = rest.strip_prefix(&repository.commit)?.strip_prefix('/')?;
            Some((repository, repository.files.get(file)?))
        });
        return match found {
            Some((repository, file)) => {
                let commit = &repository.commit;
                let tags = format!("ETag: \"{}\"\r\nx-repo-commit: {commit}\r\n", file.etag);
                ranged(
                    &file.bytes,
                    range,
                    if prefix == "/cdn/" { "" } else { &tags },
                )
            }
            None => refused(NO_ENTRY),
        };
    }
    if let Some(rest) = path.strip_prefix("/api/") {
        let rest = rest.strip_prefix("models/").unwrap_or(rest);
        let Some((name, revision)) = rest.split_once("/revision/") else {
            return refused(NO_ENTRY);
        };
        let Some(repository) = repositories.iter().find(|r| r.path == name) else {
            return refused("401 Unauthorized");
        };
        if !repository.is_at(revision) {
            return refused(NO_ENTRY);
        }
        let files: Vec<_> = repository
            .files
            .keys()
            .map(|f| format!("{{\"rfilename\":{f:?}}}"))
            .collect();
        let body = format!(
            "{{\"sha\":{:?},\"siblings\":[{}]}}",
            repository.commit,
            files.join(",")
        );
        let headers = "Content-Type: application/json\r\n".to_owned();
        return Reply::new("200 OK", headers, body.as_bytes());
    }
    let Some((name, rest)) = path[1..].split_once("/resolve/") else {
        return refused(NO_ENTRY);
    };
    let Some(repository) = repositories.iter().find(|r| r.path == name) else {
        return refused("401 Unauthorized");
    };
    let (revision, name) = rest.split_once('/').unwrap_or((rest, ""));
    let Some(file) = repository
        .files
        .get(name)
        .filter(|_| repository.is_at(revision))
    else {
        return refused(NO_ENTRY);
    };
    let Repository { path, commit, .. } = repository;
    if file.etag.len() == 64 {
        let (etag, size) = (&file.etag, file.bytes.len());
        let headers = format!(
            "Location: http://{host}/cdn/{path}/{commit}/{name}\r\nx-repo-commit: {commit}\r\n\
             x-linked-etag: \"{etag}\"\r\nx-linked-size: {size}\r\n"
        );
        return Reply::new("302 Found", headers, b"Found.");
    }
    let headers = format!(
        "Location: /api/resolve-cache/{path}/{commit}/{name}\r\nx-repo-commit: {commit}\r\n"
    );
    Reply::new("307 Temporary Redirect", headers, b"Temporary Redirect.")
}

fn ranged(bytes: &[u8], range: Option<&str>, headers: &str) -> Reply {
    let Some((from, to)) = range.and_then(|range| range.split_once('-')) else {
        return Reply::new("200 OK", headers.to_owned(), bytes);
    };
    let from: usize = from.parse().unwrap_or(0);
    let to = to
        .parse()
        .map_or(bytes.len(), |to: usize| to + 1)
        .min(bytes.len());
    if from >= to {
        let headers = format!("Content-Range: bytes */{}\r\n", bytes.len());
        return Reply::new("416 Range Not Satisfiable", headers, b"");
    }
    let headers = format!(
        "{headers}Content-Range: bytes {from}-{}/{}\r\n",
        to - 1,
        bytes.len()
    );
    Reply::new("206 Partial Content", headers, &bytes[from..to])
}

impl Repository {
    /// With tags like the hub's: the SHA-256 if the name is one for large storage, or else something as long as
    /// a git hash.
    pub(crate) fn new(
        path: &str,
        commit: &str,
        files: &[(&str, Vec<u8>)],
        sha256: fn(&[u8]) -> String,
    ) -> Self {
        let file = |(name, bytes): &(&str, Vec<u8>)| {
            let mut etag = sha256(bytes);
            if !name.ends_with(".safetensors") && !name.ends_with(".parquet") {
                etag.truncate(40);
            }
            let bytes = bytes.clone();
            ((*name).to_owned(), File { bytes, etag })
        };
        Self {
            path: path.to_owned(),
            commit: commit.to_owned(),
            files: files.iter().map(file).collect(),
        }
    }

    fn is_at(&self, revision: &str) -> bool {
        revision == "main" || revision == self.commit
    }
}
