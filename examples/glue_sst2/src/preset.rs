//! Named sets of options: the JSON files under `presets/`.

use clap::ValueEnum;
use serde::Deserialize;
use study::StudyConfig;

use crate::source::Source;

/// A set of options by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetName {
    /// The bundled model and sentences, learning rate 5e-4: minutes on a laptop
    Quick,
    /// all-MiniLM-L6-v2 on the whole of SST-2, learning rate 5e-5, no padding
    Standard,
    /// BERT-base on the whole of SST-2 by the standard recipe: learning rate 2e-5, sentences shuffled
    Paper,
}

/// What a preset says; options on the command line count more.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preset {
    /// As `--model` takes it.
    pub(crate) model: String,
    /// As `--data` takes it.
    pub(crate) data: String,
    /// Everything else.
    pub(crate) study: StudyConfig,
}

impl PresetName {
    /// The preset of a command line without `--preset`. The bundled model is small and wants a learning
    /// rate at which a BERT of the usual size diverges: another model gets the recipe that suits it.
    pub(crate) fn suited_to(model: Option<&Source>) -> Self {
        match model {
            None | Some(Source::Bundled) => Self::Quick,
            Some(Source::Hub(_) | Source::Folder(_)) => Self::Standard,
        }
    }

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Paper => "paper",
        }
    }

    /// Reads the preset's file, which is part of the program.
    pub(crate) fn read(self) -> Preset {
        let text = match self {
            Self::Quick => include_str!("../presets/quick.json"),
            Self::Standard => include_str!("../presets/standard.json"),
            Self::Paper => include_str!("../presets/paper.json"),
        };
        serde_json::from_str(text).expect("a test reads every preset")
    }
}

#[cfg(test)]
mod tests {
    use study::{Batching, Recipe};

    use super::*;

    #[test]
    fn every_preset_reads_and_is_valid() {
        for name in PresetName::value_variants() {
            let preset = name.read();
            assert!(preset.study.validate().is_ok(), "{name:?}");
            assert_eq!(preset.study.seeds, 5, "{name:?}");
        }
    }

    #[test]
    fn paper_is_the_standard_recipe_and_the_others_differ_where_help_says_so() {
        let recipe = |name: PresetName| name.read().study.recipe;
        assert_eq!(recipe(PresetName::Paper), Recipe::default());
        for (name, learning_rate) in [(PresetName::Quick, 5e-4), (PresetName::Standard, 5e-5)] {
            let expected = Recipe {
                learning_rate,
                batching: Batching::Packed,
                ..Recipe::default()
            };
            assert_eq!(recipe(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_preset_has_one_name() {
        for name in PresetName::value_variants() {
            let value = name.to_possible_value().expect("none is hidden");
            assert_eq!(value.get_name(), name.name());
        }
    }

    #[test]
    fn an_unknown_option_in_a_preset_is_refused() {
        let text = include_str!("../presets/quick.json").replace("\"seeds\"", "\"sedes\"");
        let error = serde_json::from_str::<Preset>(&text).expect_err("no such option");
        assert!(
            error.to_string().contains("unknown field `sedes`"),
            "{error}"
        );
    }
}
