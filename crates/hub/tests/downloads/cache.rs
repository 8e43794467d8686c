//! What is in the cache already, and what happens without a hub.

use std::fs;

use hub::{Hub, HubError};

use crate::world::{COMMIT, FILES, World, model};

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
