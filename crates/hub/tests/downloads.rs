//! Downloads from a hub on a local port.

mod server;

use std::fs;
use std::path::PathBuf;

use files::sha256_of as sha256;
use hub::{Hub, HubError, Kind, Progress, Repository, Snapshot};
use server::Server;
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba98";
const FILES: [&str; 2] = ["config.json", "model.safetensors"];

/// A server, and a client with an empty cache.
struct World {
    server: Server,
    hub: Hub,
    cache: TempDir,
}

impl World {
    fn new() -> Self {
        let server = Server::start(vec![
            served("mini/bert", COMMIT, "weights"),
            served("datasets/mini/bert", OTHER, "a dataset"),
        ]);
        let cache = tempfile::tempdir().unwrap();
        let hub = Hub::at(&server.endpoint, cache.path()).unwrap();
        Self { server, hub, cache }
    }

    fn get(&self, name: &str) -> Result<Snapshot, HubError> {
        self.hub.snapshot(&model(name), &FILES, &mut ())
    }

    /// Every file of the cache that is not a lock.
    fn cached(&self) -> Vec<PathBuf> {
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

fn served(path: &str, commit: &str, weights: &str) -> server::Repository {
    let files = [
        ("config.json", b"{\"model_type\": \"bert\"}".to_vec()),
        ("model.safetensors", weights.repeat(10_000).into_bytes()),
        ("sub/part.parquet", b"rows".to_vec()),
    ];
    server::Repository::new(path, commit, &files, sha256)
}

fn model(name: &str) -> Repository {
    Repository::parse(Kind::Model, name).unwrap()
}

fn weights(snapshot: &Snapshot) -> Vec<u8> {
    fs::read(snapshot.folder.join("model.safetensors")).unwrap()
}

#[test]
fn a_snapshot_has_the_files_and_the_commit() {
    let world = World::new();
    let snapshot = world.get("mini/bert").unwrap();
    assert_eq!(snapshot.commit, COMMIT);
    assert_eq!(weights(&snapshot), "weights".repeat(10_000).into_bytes());
    assert_eq!(
        fs::read(snapshot.folder.join("config.json")).unwrap(),
        b"{\"model_type\": \"bert\"}"
    );
    // The same folder as Python's huggingface_hub uses.
    let folder = format!("models--mini--bert/snapshots/{COMMIT}");
    assert_eq!(snapshot.folder, world.cache.path().join(folder));
    assert!(
        !snapshot.folder.join("sub").exists(),
        "only what was asked for"
    );
}

#[test]
fn a_dataset_and_a_model_of_the_same_name_are_different_repositories() {
    let world = World::new();
    let dataset = Repository::parse(Kind::Dataset, "mini/bert").unwrap();
    let files = ["model.safetensors", "sub/part.parquet"];
    let snapshot = world.hub.snapshot(&dataset, &files, &mut ()).unwrap();
    assert_eq!(snapshot.commit, OTHER);
    assert_eq!(weights(&snapshot), "a dataset".repeat(10_000).into_bytes());
    assert_eq!(
        fs::read(snapshot.folder.join("sub/part.parquet")).unwrap(),
        b"rows"
    );
}

#[test]
fn a_commit_in_the_cache_costs_no_request() {
    let world = World::new();
    let first = world.get(&format!("mini/bert@{COMMIT}")).unwrap();
    assert!(!world.server.take_requests().is_empty());
    let again = world.get(&format!("mini/bert@{COMMIT}")).unwrap();
    assert_eq!(again, first);
    assert_eq!(world.server.take_requests(), [""; 0]);
}

#[test]
fn a_branch_in_the_cache_costs_one_request() {
    let world = World::new();
    let first = world.get("mini/bert").unwrap();
    world.server.take_requests();
    assert_eq!(world.get("mini/bert").unwrap(), first);
    assert_eq!(
        world.server.take_requests(),
        ["/api/models/mini/bert/revision/main"]
    );
}

#[test]
fn a_branch_that_moved_is_followed() {
    let world = World::new();
    world.get("mini/bert").unwrap();
    world
        .server
        .change(|all| all[0] = served("mini/bert", OTHER, "better weights"));
    let moved = world.get("mini/bert").unwrap();
    assert_eq!(moved.commit, OTHER);
    assert_eq!(
        weights(&moved),
        "better weights".repeat(10_000).into_bytes()
    );
}

#[test]
fn an_interrupted_download_continues_where_it_stopped() {
    let world = World::new();
    world.server.break_off_after(10);
    // The small file is transferred too.
    let error = world.get("mini/bert").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("config.json stopped at 10 of 22 bytes"),
        "{error}"
    );

    world.server.take_requests();
    world
        .hub
        .snapshot(&model("mini/bert"), &FILES[..1], &mut ())
        .unwrap();
    let requests = world.server.take_requests();
    assert_eq!(
        requests[3..],
        [
            format!("/mini/bert/resolve/{COMMIT}/config.json 10-"),
            format!("/api/resolve-cache/mini/bert/{COMMIT}/config.json 10-"),
        ]
    );

    world.server.break_off_after(12_345);
    let error = world.get("mini/bert").unwrap_err();
    assert!(
        matches!(
            error,
            HubError::Interrupted {
                received: 12_345,
                size: 70_000,
                ..
            }
        ),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.starts_with("mini/bert@main: model.safetensors stopped at 12345 of 70000 bytes: "),
        "{text}"
    );
    assert!(
        text.ends_with("run the same command again to continue"),
        "{text}"
    );

    world.server.take_requests();
    let mut heard = Heard::default();
    let snapshot = world
        .hub
        .snapshot(&model("mini/bert"), &FILES, &mut heard)
        .unwrap();
    assert_eq!(weights(&snapshot), "weights".repeat(10_000).into_bytes());
    let transfer = world.server.take_requests().pop().unwrap();
    assert_eq!(
        transfer,
        format!("/cdn/mini/bert/{COMMIT}/model.safetensors 12345-")
    );
    assert_eq!(heard.lines, ["model.safetensors 70000", "finished"]);
    assert_eq!((heard.first, heard.received), (12_345, 70_000));
}

#[test]
fn a_part_that_is_complete_or_too_long_is_downloaded_again() {
    let world = World::new();
    let etag = sha256("weights".repeat(10_000).as_bytes());
    let blobs = world.cache.path().join("models--mini--bert/blobs");
    fs::create_dir_all(&blobs).unwrap();
    for left in [70_000, 80_000] {
        fs::write(blobs.join(&etag).with_extension("part"), vec![0; left]).unwrap();
        let snapshot = world.get("mini/bert").unwrap();
        assert_eq!(
            weights(&snapshot),
            "weights".repeat(10_000).into_bytes(),
            "{left}"
        );
        fs::remove_dir_all(&snapshot.folder).unwrap();
    }
}

#[test]
fn progress_adds_up_to_the_sizes() {
    let world = World::new();
    let mut heard = Heard::default();
    world
        .hub
        .snapshot(&model("mini/bert"), &FILES, &mut heard)
        .unwrap();
    assert_eq!(
        heard.lines,
        [
            "config.json 22",
            "finished",
            "model.safetensors 70000",
            "finished"
        ]
    );
    assert_eq!(heard.received, 22 + 70_000);
    let mut nothing = Heard::default();
    world
        .hub
        .snapshot(&model("mini/bert"), &FILES, &mut nothing)
        .unwrap();
    assert_eq!(nothing.lines, [""; 0]);
}

#[test]
fn a_large_file_that_is_not_what_the_hub_announced_is_removed() {
    let world = World::new();
    world.server.change(|all| {
        all[0].files.get_mut("model.safetensors").unwrap().bytes[7] ^= 1;
    });
    let error = world.get("mini/bert").unwrap_err();
    let text = error.to_string();
    let announced = sha256("weights".repeat(10_000).as_bytes());
    assert!(matches!(error, HubError::Damaged { .. }), "{text}");
    assert!(
        text.contains(&format!("the hub announced sha256 {announced}")),
        "{text}"
    );
    let left = world.cached();
    assert!(
        left.iter()
            .all(|path| !path.to_string_lossy().contains(&announced)),
        "{left:?}"
    );
    assert!(
        left.iter().all(|path| !path.ends_with("model.safetensors")),
        "{left:?}"
    );

    world
        .server
        .change(|all| all[0] = served("mini/bert", COMMIT, "weights"));
    world.get("mini/bert").unwrap();
}

#[test]
fn a_small_file_is_checked_by_its_length_only() {
    let world = World::new();
    world.server.change(|all| {
        all[0].files.get_mut("config.json").unwrap().bytes[7] ^= 1;
    });
    let snapshot = world.get("mini/bert").unwrap();
    let found = fs::read(snapshot.folder.join("config.json")).unwrap();
    assert_eq!(found.len(), 22);
    assert_ne!(found, b"{\"model_type\": \"bert\"}");
}

#[test]
fn a_leftover_of_another_file_does_not_end_up_in_this_one() {
    let world = World::new();
    let etag = sha256("weights".repeat(10_000).as_bytes());
    let blobs = world.cache.path().join("models--mini--bert/blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(&etag).with_extension("part"), b"junk").unwrap();
    let error = world.get("mini/bert").unwrap_err();
    assert!(matches!(error, HubError::Damaged { .. }), "{error}");
    let snapshot = world.get("mini/bert").unwrap();
    assert_eq!(weights(&snapshot), "weights".repeat(10_000).into_bytes());
}

#[test]
fn what_does_not_exist_is_named() {
    let world = World::new();
    let endpoint = &world.server.endpoint;
    for (name, expected) in [
        (
            "mini/gpt",
            format!("mini/gpt@main: no such model without a login at {endpoint} (HTTP 401)"),
        ),
        (
            "mini/bert@v2",
            format!(
                "mini/bert@v2: no such model, or no such revision of it, at {endpoint}; expected a branch, a tag or a commit"
            ),
        ),
        (
            &format!("mini/bert@{OTHER}"),
            format!(
                "mini/bert@{OTHER}: no such model, or no such revision of it, at {endpoint}; expected a branch, a tag or a commit"
            ),
        ),
    ] {
        assert_eq!(world.get(name).unwrap_err().to_string(), expected);
    }
    let error = world
        .hub
        .snapshot(&model("mini/bert"), &["tokenizer.json"], &mut ())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "mini/bert@main: no file tokenizer.json; it has config.json, model.safetensors, sub/part.parquet"
    );
    assert_eq!(
        fs::read_dir(world.cache.path()).unwrap().count(),
        1,
        "a branch that was looked up"
    );
}

#[test]
fn optional_files_are_downloaded_where_the_repository_has_them_and_asked_for_once() {
    let world = World::new();
    let optional = ["sub/part.parquet", "sub/other.json", "vocab.txt"];
    let get = |hub: &Hub| hub.snapshot_with(&model("mini/bert"), &FILES, &optional, &mut ());
    let snapshot = get(&world.hub).unwrap();
    assert!(snapshot.folder.join(optional[0]).exists());
    for file in &optional[1..] {
        assert!(!snapshot.folder.join(file).exists(), "{file}");
    }
    world.server.take_requests();
    assert_eq!(get(&world.hub).unwrap(), snapshot);
    assert_eq!(
        world.server.take_requests(),
        ["/api/models/mini/bert/revision/main"]
    );
    let offline = Hub::at("http://127.0.0.1:1", world.cache.path()).unwrap();
    assert_eq!(get(&offline).unwrap(), snapshot);
    let more = offline.snapshot_with(&model("mini/bert"), &FILES, &["merges.txt"], &mut ());
    assert!(matches!(more, Err(HubError::Offline { .. })));
}

#[test]
fn a_closed_port_is_offline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::at(&endpoint, cache.path()).unwrap();
    for name in ["mini/bert", "google-bert/bert-base-uncased"] {
        let error = hub.snapshot(&model(name), &FILES, &mut ()).unwrap_err();
        let expected = format!("{}: {endpoint} cannot be reached: ", model(name));
        assert!(matches!(error, HubError::Offline { .. }), "{error:?}");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn what_is_in_the_cache_works_offline() {
    let world = World::new();
    let online = world.get("mini/bert").unwrap();
    let offline = Hub::at("http://127.0.0.1:1", world.cache.path()).unwrap();
    for name in [
        "mini/bert",
        "mini/bert@main",
        &format!("mini/bert@{COMMIT}"),
    ] {
        assert_eq!(
            offline.snapshot(&model(name), &FILES, &mut ()).unwrap(),
            online
        );
    }
    let error = offline
        .snapshot(&model("mini/bert"), &["vocab.txt"], &mut ())
        .unwrap_err();
    assert!(matches!(error, HubError::Offline { .. }), "{error:?}");
}

#[test]
fn an_address_without_a_hub_is_refused() {
    // An address that answers, but not as a hub: the server under a path.
    let world = World::new();
    let hub = Hub::at(
        &format!("{}/mirror/", world.server.endpoint),
        world.cache.path(),
    )
    .unwrap();
    let error = hub
        .snapshot(&model("mini/bert"), &FILES, &mut ())
        .unwrap_err();
    assert!(matches!(error, HubError::NoRevision { .. }), "{error:?}");
}

#[test]
fn text_that_is_not_an_address_is_refused_before_any_request() {
    let cache = tempfile::tempdir().unwrap();
    for endpoint in [
        "",
        "not an address",
        "huggingface.co",
        "ftp://127.0.0.1",
        "https://",
        "https:///models",
        "https://huggingface.co/a b",
    ] {
        let error = Hub::at(endpoint, cache.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("is not the address of a hub, expected https://HOST or http://HOST"),
            "{error}"
        );
    }
    for endpoint in ["https://huggingface.co/", "http://[::1]:8080/mirror"] {
        Hub::at(endpoint, cache.path()).unwrap();
    }
}

#[test]
fn a_path_that_leads_out_of_the_repository_is_refused_before_any_request() {
    let world = World::new();
    // A file that exists must not be taken for one of the snapshot.
    let present = std::env::current_exe().unwrap();
    for file in [
        "",
        "/",
        "../config.json",
        "sub/../../x",
        present.to_str().unwrap(),
    ] {
        let error = world
            .hub
            .snapshot(&model("mini/bert"), &[file], &mut ())
            .unwrap_err();
        assert!(matches!(error, HubError::FileName { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("{file:?}")), "{error}");
    }
    assert_eq!(world.server.take_requests(), [""; 0]);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let world = World::new();
    let file = world.cache.path().join("file");
    fs::write(&file, "").unwrap();
    let hub = Hub::at(&world.server.endpoint, &file).unwrap();
    for name in ["mini/bert", &format!("mini/bert@{COMMIT}")] {
        let error = hub.snapshot(&model(name), &FILES, &mut ()).unwrap_err();
        assert!(matches!(error, HubError::Cache { .. }), "{error:?}");
        assert!(
            error.to_string().starts_with(&file.display().to_string()),
            "{error}"
        );
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    first: u64,
    received: u64,
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
