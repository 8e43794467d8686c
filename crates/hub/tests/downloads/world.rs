//! A hub on a local port, and a client with an empty cache.

use std::fs;
use std::path::PathBuf;

use files::sha256_of as sha256;
use hub::{Hub, HubError, Kind, Progress, Repository, Snapshot};
use tempfile::TempDir;

use crate::server::{self, Server};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba98";
pub(crate) const FILES: [&str; 2] = ["config.json", "model.safetensors"];

/// A server, and a client with an empty cache.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) hub: Hub,
    pub(crate) cache: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let server = Server::start(vec![
            served("mini/bert", COMMIT, "weights"),
            served("datasets/mini/bert", OTHER, "a dataset"),
        ]);
        let cache = tempfile::tempdir().unwrap();
        let hub = Hub::at(&server.endpoint, cache.path()).unwrap();
        Self { server, hub, cache }
    }

    pub(crate) fn get(&self, name: &str) -> Result<Snapshot, HubError> {
        self.hub.snapshot(&model(name), &FILES, &mut ())
    }

    /// Every file of the cache that is not a lock.
    pub(crate) fn cached(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.cache.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false if path.extension().is_none_or(|e| e != "lock") => files.push(path),
                    false => {}
                }
            }
        }
        files
    }
}

pub(crate) fn served(path: &str, commit: &str, weights: &str) -> server::Repository {
    let files = [
        ("config.json", b"{\"model_type\": \"bert\"}".to_vec()),
        ("model.safetensors", weights.repeat(10_000).into_bytes()),
        ("sub/part.parquet", b"rows".to_vec()),
    ];
    server::Repository::new(path, commit, &files, sha256)
}

pub(crate) fn model(name: &str) -> Repository {
    Repository::parse(Kind::Model, name).unwrap()
}

pub(crate) fn weights(snapshot: &Snapshot) -> Vec<u8> {
    fs::read(snapshot.folder.join("model.safetensors")).unwrap()
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) lines: Vec<String>,
    pub(crate) first: u64,
    pub(crate) received: u64,
}

impl Progress for Heard {
    fn started(&mut self, file: &str, bytes: u64) {
        self.lines.push(format!("{file} {bytes}"));
        self.first = 0;
    }

    fn received(&mut self, bytes: u64) {
        if self.first == 0 {
            self.first = bytes;
        }
        self.received += bytes;
    }

    fn finished(&mut self) {
        self.lines.push("finished".to_owned());
    }
}
