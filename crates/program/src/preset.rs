//! Named sets of options: JSON files that are part of the program.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;

/// A set of options by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its description in `--help`.
    pub about: &'static str,
    /// The options, as JSON.
    pub json: &'static str,
}

impl Preset {
    /// Reads the options. Each program should test that all its presets can be read.
    ///
    /// # Panics
    /// If the JSON does not describe a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(self.json).unwrap_or_else(|e| panic!("preset {}: {e}", self.name))
    }
}

/// Parses the name of one of the presets.
pub fn parser(presets: &'static [Preset]) -> impl TypedValueParser<Value = &'static Preset> {
    let names = presets
        .iter()
        .map(|preset| PossibleValue::new(preset.name).help(preset.about));
    PossibleValuesParser::new(names).map(|name| {
        let named = presets.iter().find(|preset| preset.name == name);
        named.expect("the parser accepts only the names of presets")
    })
}
