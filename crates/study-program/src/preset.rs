//! The presets: the JSON files under `presets/`.

use program::preset::Preset;
use program::source::Source;
use serde::Deserialize;
use study::StudyConfig;

/// The presets by name.
pub(crate) static PRESETS: [Preset; 4] = [QUICK, STANDARD, PAPER, XTREME];

const QUICK: Preset = Preset {
    name: "quick",
    about: "The bundled model, and the bundled sentences if no others are named; learning rate 1e-3, 2 epochs: two minutes on a laptop",
    json: include_str!("../presets/quick.json"),
};

const STANDARD: Preset = Preset {
    name: "standard",
    about: "all-MiniLM-L6-v2 on all training rows, learning rate 5e-5, no padding",
    json: include_str!("../presets/standard.json"),
};

const PAPER: Preset = Preset {
    name: "paper",
    about: "BERT-base on all training rows by the standard recipe: learning rate 2e-5, shuffled batches",
    json: include_str!("../presets/paper.json"),
};

pub(crate) const XTREME: Preset = Preset {
    name: "xtreme",
    about: "XLM-R base by XTREME's recipe: 5 epochs, learning rate 2e-5 without warm-up or weight decay; λ 0.1, token embeddings without noise",
    json: include_str!("../presets/xtreme.json"),
};

/// The contents of a preset. Options on the command line override them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// A value of `--model`.
    pub(crate) model: String,
    /// A value of `--data`.
    pub(crate) data: String,
    /// Everything else.
    pub(crate) study: StudyConfig,
}

/// The preset of a command line without `--preset`. The bundled model is small and needs a learning
/// rate at which a BERT of the usual size diverges, so other models get a recipe that suits them.
pub(crate) fn suited_to(model: Option<&Source>) -> &'static Preset {
    match model {
        None | Some(Source::Bundled) => &PRESETS[0],
        Some(Source::Hub(_) | Source::Folder(_)) => &PRESETS[1],
    }
}

#[cfg(test)]
mod tests {
    use study::statistics::fewest_pairs;
    use study::{Batching, NoiseSelection, Recipe, StudyKind, plan};

    use super::*;

    #[test]
    fn every_preset_reads_and_is_valid() {
        for preset in &PRESETS {
            let options: Options = preset.read();
            assert!(options.study.validate().is_ok(), "{}", preset.name);
        }
    }

    /// Two pairs may come out without a difference, which counts for nothing.
    #[test]
    fn every_preset_has_pairs_enough_for_evidence_whatever_study_is_asked_for() {
        const SPARE: usize = 2;
        for preset in &PRESETS {
            let mut study = preset.read::<Options>().study;
            let tasks = match preset.name {
                // Its model is for one task.
                "quick" => 1,
                "xtreme" => tasks::xtreme::xnli().languages.len(),
                _ => tasks::glue::all().len(),
            };
            assert!(study.seeds > fewest_pairs(tasks), "{}", preset.name);
            // Tuned arms are compared twice, which 8 pairs can show, though with one to spare instead of two.
            study.studies = vec![StudyKind::Baseline];
            let tuned = plan::plan(&study, 8_192);
            assert_eq!(plan::too_few_pairs(&tuned), [""; 0], "{}", preset.name);
            let mut asked: Vec<Vec<StudyKind>> =
                StudyKind::BY_ONE_RECIPE.map(|kind| vec![kind]).to_vec();
            asked.push(StudyKind::BY_ONE_RECIPE.to_vec());
            for studies in asked {
                study.studies = studies;
                let plan = plan::plan(&study, 8_192);
                assert_eq!(plan::too_few_pairs(&plan), [""; 0], "{}", preset.name);
                let pairs = plan[0].points[0].runs.len();
                let needed = fewest_pairs(plan::comparisons(&plan));
                assert!(
                    pairs >= needed + SPARE,
                    "{} {:?}",
                    preset.name,
                    study.studies
                );
            }
        }
    }

    #[test]
    fn paper_is_the_standard_recipe_and_the_others_differ_where_help_says_so() {
        let recipe = |preset: Preset| preset.read::<Options>().study.recipe;
        assert_eq!(recipe(PAPER), Recipe::default());
        for (preset, learning_rate, epochs) in [(QUICK, 1e-3, 2), (STANDARD, 5e-5, 3)] {
            let expected = Recipe {
                learning_rate,
                epochs,
                batching: Batching::Packed,
                ..Recipe::default()
            };
            assert_eq!(recipe(preset), expected, "{}", preset.name);
        }
    }

    #[test]
    fn xtreme_is_xtremes_recipe_with_the_papers_noise_for_it() {
        let study = XTREME.read::<Options>().study;
        // `scripts/train_xnli.sh` and `third_party/run_classify.py` of XTREME, for xlm-roberta-base.
        let expected = Recipe {
            epochs: 5,
            learning_rate: 2e-5,
            weight_decay: 0.0,
            warmup_ratio: 0.0,
            batching: Batching::Packed,
            ..Recipe::default()
        };
        assert_eq!(study.recipe, expected);
        assert_eq!(study.lambda, 0.1);
        let without_tables = NoiseSelection::ExceptTokenEmbeddings;
        assert_eq!(study.noise_selection, without_tables);
    }

    #[test]
    fn an_unknown_option_in_a_preset_is_refused() {
        let text = include_str!("../presets/quick.json").replace("\"seeds\"", "\"sedes\"");
        let error = serde_json::from_str::<Options>(&text).expect_err("no such option");
        assert!(
            error.to_string().contains("unknown field `sedes`"),
            "{error}"
        );
    }
}
