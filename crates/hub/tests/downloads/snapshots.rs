//! What a snapshot holds, and what is said on the way.

use std::fs;

use hub::{Kind, Repository};

use crate::world::{COMMIT, FILES, Heard, OTHER, World, model, served, weights};

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
