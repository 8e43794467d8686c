//! Transfers that break off, and files that are not what the hub announced.

use std::fs;

use files::sha256_of as sha256;
use hub::HubError;

use crate::world::{COMMIT, FILES, Heard, World, model, served, weights};

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
