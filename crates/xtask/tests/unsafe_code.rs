//! The only unsafe code is in `fused`, and each block of it says why it is sound.

use std::path::{Path, PathBuf};

/// In two parts, so that this file has neither.
const KEYWORD: &str = concat!("un", "safe");
const LINT: &str = concat!("un", "safe_code");

/// The room that may have it.
const ROOM: &str = "crates/fused";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The folders of all packages, relative to the repository.
fn packages() -> Vec<PathBuf> {
    let mut packages = Vec::new();
    for rooms in ["crates", "examples"] {
        for entry in std::fs::read_dir(root().join(rooms)).expect("the rooms") {
            let name = entry.expect("an entry").file_name();
            let package = Path::new(rooms).join(name);
            if root().join(&package).join("Cargo.toml").is_file() {
                packages.push(package);
            }
        }
    }
    packages
}

/// Every Rust file under a folder, built or not.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path.file_name() != Some("target".as_ref()) {
            found.extend(sources(&path));
        } else if path.extension() == Some("rs".as_ref()) {
            found.push(path);
        }
    }
    found
}

/// A section of a manifest, line by line without comments.
fn section<'m>(manifest: &'m str, name: &str) -> Vec<&'m str> {
    let header = format!("[{name}]");
    let lines = manifest.lines().skip_while(|line| *line != header).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect()
}

/// Whether code has the keyword, or turns off the lint that looks for it. Comments and longer words do not count.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let mut words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.any(|word| word == KEYWORD || word == LINT)
}

#[test]
fn every_package_but_one_denies_unsafe_code() {
    let workspace = read(&root().join("Cargo.toml"));
    let lints = section(&workspace, "workspace.lints.rust");
    let denied = format!("{LINT} = \"deny\"");
    assert!(lints.contains(&denied.as_str()), "{lints:?}");
    let packages = packages();
    assert!(packages.len() > 20, "{packages:?}");
    assert!(packages.contains(&ROOM.into()), "{packages:?}");
    for package in packages {
        let manifest = read(&root().join(&package).join("Cargo.toml"));
        let lints = section(&manifest, "lints");
        match package == Path::new(ROOM) {
            false => assert_eq!(lints, ["workspace = true"], "{}", package.display()),
            true => {
                let (rust, clippy) = (
                    section(&manifest, "lints.rust"),
                    section(&manifest, "lints.clippy"),
                );
                assert!(
                    rust.contains(&"unsafe_op_in_unsafe_fn = \"deny\""),
                    "{rust:?}"
                );
                assert!(
                    clippy.contains(&"undocumented_unsafe_blocks = \"deny\""),
                    "{clippy:?}"
                );
            }
        }
    }
}

#[test]
fn no_other_room_has_the_word_in_its_code_or_turns_the_lint_off() {
    let mut seen = 0;
    for package in packages() {
        let is_room = package == Path::new(ROOM);
        for path in sources(&root().join(&package)) {
            let text = read(&path);
            let found = text
                .lines()
                .enumerate()
                .filter(|(_, line)| has_unsafe(line));
            let found: Vec<String> = found
                .map(|(at, line)| format!("{}:{}: {line}", path.display(), at + 1))
                .collect();
            match is_room {
                true => seen += found.len(),
                false => assert_eq!(found, Vec::<String>::new()),
            }
        }
    }
    assert!(
        seen > 10,
        "the room itself has {seen} lines: is this test blind?"
    );
}

#[test]
fn the_word_is_seen_in_code_alone() {
    assert!(has_unsafe(&format!("let x = {KEYWORD} {{ y }};")));
    assert!(has_unsafe(&format!("#[allow({LINT})]")));
    assert!(!has_unsafe(&format!("x // {KEYWORD}")));
    assert!(!has_unsafe(&format!("{KEYWORD}ly")));
}
