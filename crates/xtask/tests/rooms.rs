//! ARCHITECTURE.md says which room knows which; the manifests agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What each room depends on.
type Rooms = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The table of ARCHITECTURE.md: the first column names a room, the last what it depends on.
fn documented() -> Rooms {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let table = text
        .lines()
        .skip_while(|line| !line.starts_with("| room |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let names = |cell: &str| -> BTreeSet<String> {
        let quoted = cell.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    };
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let room = names(cells[0]).pop_first().expect("a room has a name");
            (room, names(cells[cells.len() - 1]))
        })
        .collect()
}

/// The crates under `crates/`, each with those that its library depends on.
fn built() -> Rooms {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo answers");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .filter(|package| text(&package["manifest_path"]).contains("/crates/"))
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("a list").iter();
            let ours = dependencies
                .filter(|other| other["kind"].is_null() && other["path"].is_string())
                .map(|other| text(&other["name"]));
            (text(&package["name"]), ours.collect())
        })
        .collect()
}

#[test]
fn the_rooms_know_what_the_architecture_says() {
    let (documented, built) = (documented(), built());
    assert!(built.len() > 10, "{built:?}");
    assert_eq!(documented, built);
}
