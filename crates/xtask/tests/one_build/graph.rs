//! What a command of cargo compiles, by `--unit-graph`.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The units of a command.
#[derive(Deserialize)]
pub(crate) struct Graph {
    units: Vec<Unit>,
    /// What was asked for.
    roots: Vec<usize>,
    /// Of each unit with everything under it.
    #[serde(skip)]
    identities: Vec<u64>,
    #[serde(skip)]
    command: String,
}

/// One call of the compiler, or of a build script.
#[derive(Deserialize)]
struct Unit {
    pkg_id: String,
    target: Target,
    profile: Map<String, Value>,
    mode: String,
    features: Vec<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    index: usize,
    extern_crate_name: String,
}

impl Graph {
    /// Asks cargo, which needs seconds and compiles nothing.
    pub(crate) fn of(command: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let output = Command::new(env!("CARGO"))
            .current_dir(root)
            .args(command.split(' '))
            .args(["--locked", "-Z", "unstable-options", "--unit-graph"])
            // The option is not stable. A folder apart: cargo keeps there what it knows of the compiler, and with this
            // variable it knows other things.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", env!("CARGO_TARGET_TMPDIR"))
            .output()
            .expect("cargo runs");
        // `cargo run` prints the graph, and then panics because there is nothing to run.
        let line = output.stdout.split(|byte| *byte == b'\n').next();
        let mut graph: Self = serde_json::from_slice(line.unwrap_or_default())
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
        for unit in &mut graph.units {
            // A profile's name has no part in what is compiled.
            unit.profile.remove("name");
        }
        graph.command = format!("cargo {command}");
        let mut identities = vec![None; graph.units.len()];
        graph.identities = (0..graph.units.len())
            .map(|index| graph.identity(index, &mut identities))
            .collect();
        graph
    }

    fn identity(&self, index: usize, known: &mut [Option<u64>]) -> u64 {
        if let Some(identity) = known[index] {
            return identity;
        }
        let unit = &self.units[index];
        let mut hasher = DefaultHasher::new();
        unit.own().hash(&mut hasher);
        let below: BTreeSet<(&str, u64)> = unit
            .dependencies
            .iter()
            .map(|on| {
                (
                    on.extern_crate_name.as_str(),
                    self.identity(on.index, known),
                )
            })
            .collect();
        below.hash(&mut hasher);
        *known[index].insert(hasher.finish())
    }

    /// Whether a package is among the units.
    pub(crate) fn contains(&self, package: &str) -> bool {
        self.units.iter().any(|unit| unit.name() == package)
    }

    /// A line for each library of this command that `next` has to compile again, with the difference: those that are not
    /// the same there, or where these are the same, those with other libraries under them.
    pub(crate) fn compiled_again_by(&self, next: &Self) -> Vec<String> {
        self.differences(next, |_| true)
    }

    /// A line for each library of a registry that this command compiles otherwise than `other`, which compiles it too.
    pub(crate) fn other_builds_than(&self, other: &Self) -> Vec<String> {
        self.differences(other, |unit| {
            let is_there = |there: &Unit| there.kin() == unit.kin();
            unit.pkg_id.starts_with("registry+") && other.units.iter().any(is_there)
        })
    }

    fn differences(&self, other: &Self, counts: impl Fn(&Unit) -> bool) -> Vec<String> {
        let there: BTreeSet<u64> = other.identities.iter().copied().collect();
        let own: BTreeSet<String> = other.units.iter().map(Unit::own).collect();
        let others: Vec<&Unit> = (0..self.units.len())
            .filter(|index| {
                !self.roots.contains(index) && !there.contains(&self.identities[*index])
            })
            .map(|index| &self.units[index])
            .filter(|unit| counts(unit))
            .collect();
        let (themselves, through): (Vec<&Unit>, Vec<&Unit>) = others
            .into_iter()
            .partition(|unit| !own.contains(&unit.own()));
        let named = if themselves.is_empty() {
            &through
        } else {
            &themselves
        };
        let mut lines: Vec<String> = named.iter().map(|unit| unit.line(self, other)).collect();
        lines.sort();
        lines.dedup();
        lines
    }

    /// A line for each package whose library is compiled more than once, with what is different.
    pub(crate) fn built_twice(&self, counts: impl Fn(&str) -> bool) -> Vec<String> {
        let mut builds: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
        for unit in &self.units {
            if unit.mode == "build" && unit.target.kind == ["lib"] && counts(unit.name()) {
                builds.entry(&unit.pkg_id).or_default().push(unit);
            }
        }
        let twice = builds.values().filter(|builds| builds.len() > 1);
        twice
            .map(|builds| {
                let how: Vec<String> = builds.iter().map(|unit| unit.settings()).collect();
                format!("{}: {}", builds[0].name(), how.join("; and "))
            })
            .collect()
    }
}

impl Unit {
    /// Name of the package: `pkg_id` is an address with `#name@version`, or for a folder of that name `#version`.
    fn name(&self) -> &str {
        let (address, version) = self.pkg_id.rsplit_once('#').expect("a package id");
        match version.split_once('@') {
            Some((name, _)) => name,
            None => address.rsplit_once('/').expect("an address").1,
        }
    }

    /// What two units have in common that could be the same.
    fn kin(&self) -> (&str, &str, &[String], &str) {
        (
            &self.pkg_id,
            &self.target.name,
            &self.target.kind,
            &self.mode,
        )
    }

    /// Everything but what is under it.
    fn own(&self) -> String {
        format!("{:?} {:?} {:?}", self.kin(), self.features, self.profile)
    }

    fn settings(&self) -> String {
        format!(
            "features [{}], opt-level {}",
            self.features.join(", "),
            self.profile["opt_level"]
        )
    }

    /// Names the unit of `here`, and how the nearest one `there` is different.
    fn line(&self, here: &Graph, there: &Graph) -> String {
        let package = format!(
            "{} ({}, {})",
            self.name(),
            self.target.kind.join(" "),
            self.mode
        );
        let kin = there.units.iter().filter(|unit| unit.kin() == self.kin());
        let Some(nearest) = kin.min_by_key(|unit| {
            let profile = usize::from(unit.profile != self.profile);
            let features = unit.features.iter().filter(|f| !self.features.contains(f));
            let missing = self.features.iter().filter(|f| !unit.features.contains(f));
            (profile, features.count() + missing.count())
        }) else {
            return format!("{package}: not in `{}`", there.command);
        };
        let lacks = |one: &Self, other: &Self| -> Vec<String> {
            let missing = one.features.iter().filter(|f| !other.features.contains(f));
            missing.cloned().collect()
        };
        let mut differences = Vec::new();
        for (command, features) in [
            (&here.command, lacks(self, nearest)),
            (&there.command, lacks(nearest, self)),
        ] {
            if !features.is_empty() {
                differences.push(format!(
                    "`{command}` alone asks for {}",
                    features.join(", ")
                ));
            }
        }
        for (key, value) in &self.profile {
            if nearest.profile.get(key) != Some(value) {
                let other = nearest.profile.get(key).unwrap_or(&Value::Null);
                differences.push(format!("{key} is {value} and {other}"));
            }
        }
        if differences.is_empty() {
            differences.push("what it depends on differs".to_owned());
        }
        format!("{package}: {}", differences.join(", "))
    }
}
