//! What is refused, and in which words.

use std::fs;

use hub::{Hub, HubError};

use crate::world::{FILES, OTHER, World, model};

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

/// What is around the cache of a hub in a folder of its own, after a download.
fn around(change: impl FnOnce(&mut crate::server::Repository)) -> (String, Vec<String>) {
    let world = World::new();
    world.server.change(|all| change(&mut all[0]));
    let home = world.cache.path().join("home");
    let hub = Hub::at(&world.server.endpoint, &home.join("hub")).unwrap();
    let error = hub
        .snapshot(&model("mini/bert"), &FILES, &mut ())
        .unwrap_err();
    let names = |folder: &std::path::Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().display().to_string())
            .collect()
    };
    let found = [
        names(world.cache.path()),
        names(&home),
        names(&home.join("hub")),
    ]
    .concat();
    (error.to_string(), found)
}

#[test]
fn an_answer_that_leads_out_of_the_cache_is_refused() {
    let up = "../../../../outside";
    for commit in [
        up,
        "/tmp/outside",
        "main",
        "",
        "0123456789abcdef0123456789abcdef0123456g",
    ] {
        let (text, found) = around(|repository| repository.commit = commit.to_owned());
        assert!(
            text.ends_with(&format!("the commit {commit:?} is none")),
            "{text}"
        );
        assert!(
            found.iter().all(|name| name == "home" || name == "hub"),
            "{found:?}"
        );
    }
    for etag in [up, "..", "/tmp/outside", "", "a/b", ".hidden"] {
        let (text, found) = around(|repository| {
            for file in repository.files.values_mut() {
                file.etag = etag.to_owned();
            }
        });
        assert!(
            text.ends_with(&format!("the etag {etag:?} names no file")),
            "{text}"
        );
        assert_eq!(found, ["home", "hub", "models--mini--bert"]);
    }
}
