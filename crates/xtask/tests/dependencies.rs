//! Where dependencies come from and what their licences ask for, by `deny.toml` and without a network.
//!
//! `cargo deny check` does more: it knows advisories and the crates of every feature and system.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Without an expression in their manifest; read once, under the name of the file.
const LICENCE_FILES: [(&str, &str); 1] = [("cfg_block", "Apache-2.0")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect(name)
}

/// The quoted texts of a list in `deny.toml`.
fn list(text: &str, name: &str) -> BTreeSet<String> {
    let begin = format!("\n{name} = [");
    let rest = text
        .split(&begin)
        .nth(1)
        .unwrap_or_else(|| panic!("a list {name}"));
    let rest = rest.split("\n]").next().unwrap_or_default();
    let code = rest.lines().filter(|line| !line.trim().starts_with('#'));
    let code: String = code.collect();
    code.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The licences that `deny.toml` allows for some crates alone.
fn exceptions(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lines = text
        .lines()
        .filter(|line| line.contains("{ crate = ") && line.contains("allow = "));
    let exception = |line: &str| {
        let mut quoted = line.split('"').skip(1).step_by(2).map(str::to_owned);
        let name = quoted.next().expect("a crate");
        (name, quoted.collect())
    };
    lines.map(exception).collect()
}

/// What a command of cargo or of the compiler prints.
fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output();
    let output = output.expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Name and licence of every package that this system's build of the workspace needs, tests included.
fn licences() -> Vec<(String, String)> {
    let version = answer("rustc", &["--version", "--verbose"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let platform = format!("--filter-platform={}", host.expect("a host"));
    let metadata = answer(
        env!("CARGO"),
        &["metadata", "--locked", "--format-version=1", &platform],
    );
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let licence = |package: &Value| {
        let name = package["name"].as_str().expect("a name").to_owned();
        let of_file = || LICENCE_FILES.iter().find(|(file, _)| *file == name);
        let licence = package["license"].as_str();
        let licence = licence.or_else(|| of_file().map(|(_, licence)| *licence));
        (name.clone(), licence.unwrap_or("none").to_owned())
    };
    packages.map(licence).collect()
}

/// Whether an SPDX expression can be met with these licences; `/` is an old spelling of OR.
fn is_met(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allowed);
    assert_eq!(words.next(), None, "{expression}");
    met
}

type Words<'w> = std::iter::Peekable<std::str::SplitWhitespace<'w>>;

fn any(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let word = words.next().expect("a licence");
    if word == "(" {
        let met = any(words, allowed);
        assert_eq!(words.next(), Some(")"));
        return met;
    }
    match words.next_if_eq(&"WITH") {
        None => allowed(word),
        Some(_) => allowed(&format!(
            "{word} WITH {}",
            words.next().expect("an exception")
        )),
    }
}

#[test]
fn every_package_of_the_lock_file_is_from_crates_io_with_its_hash() {
    let lock = read("Cargo.lock");
    let packages: Vec<&str> = lock.split("[[package]]").skip(1).collect();
    assert!(packages.len() > 500, "{}", packages.len());
    let members = std::fs::read_dir(root().join("crates"))
        .expect("the crates")
        .count()
        + std::fs::read_dir(root().join("examples"))
            .expect("the programs")
            .count();
    let mut ours = 0;
    for package in packages {
        let value = |name: &str| {
            let begin = format!("{name} = \"");
            let line = package.lines().find_map(|line| line.strip_prefix(&begin));
            line.and_then(|rest| rest.strip_suffix('"'))
        };
        match value("source") {
            None => ours += 1,
            Some(source) => {
                assert_eq!(source, CRATES_IO, "{:?}", value("name"));
                assert!(
                    value("checksum").is_some_and(|hash| hash.len() == 64),
                    "{:?}",
                    value("name")
                );
            }
        }
    }
    assert!(
        ours <= members,
        "{ours} packages without a source, {members} of our own"
    );
}

#[test]
fn every_licence_of_the_build_is_allowed_or_an_exception() {
    let deny = read("deny.toml");
    let (allowed, exceptions) = (list(&deny, "allow"), exceptions(&deny));
    assert!(allowed.contains("MIT") && exceptions.contains_key("option-ext"));
    let licences = licences();
    assert!(licences.len() > 200, "{}", licences.len());
    let refused: Vec<&(String, String)> = licences
        .iter()
        .filter(|(name, licence)| {
            let of_crate = exceptions.get(name);
            !is_met(licence, &|one| {
                allowed.contains(one) || of_crate.is_some_and(|more| more.contains(one))
            })
        })
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn an_expression_is_met_as_spdx_says() {
    let met =
        |expression: &str| is_met(expression, &|one| matches!(one, "MIT" | "ISC" | "A WITH E"));
    for expression in [
        "MIT",
        "MIT/X",
        "X OR MIT",
        "MIT AND ISC",
        "(X OR MIT) AND ISC",
        "A WITH E OR X",
        "X AND Y OR MIT",
    ] {
        assert!(met(expression), "{expression}");
    }
    for expression in [
        "X",
        "A",
        "MIT AND X",
        "MIT AND (X OR Y)",
        "X OR Y AND MIT",
        "A WITH F",
    ] {
        assert!(!met(expression), "{expression}");
    }
}
