//! Named sets of options: JSON files that are part of the program.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;

/// A set of options by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// As on the command line.
    pub name: &'static str,
    /// What `--help` says of it.
    pub about: &'static str,
    /// The options, as JSON.
    pub json: &'static str,
}

impl Preset {
    /// Reads the options. A test of the program reads every preset.
    ///
    /// # Panics
    /// If the JSON does not describe a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(self.json).unwrap_or_else(|e| panic!("preset {}: {e}", self.name))
    }
}

/// Takes the name of one of the presets on the command line.
pub fn parser(presets: &'static [Preset]) -> impl TypedValueParser<Value = &'static Preset> {
    let names = presets
        .iter()
        .map(|preset| PossibleValue::new(preset.name).help(preset.about));
    PossibleValuesParser::new(names).map(|name| {
        let named = presets.iter().find(|preset| preset.name == name);
        named.expect("the parser accepts the names of presets alone")
    })
}
