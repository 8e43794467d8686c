//! What `--model` and `--data` look for.

use program::source::{Kind, Wanted};
use tasks::glue::GlueTask;
use tasks::xtreme::{LanguageSets, XtremeTask};

/// The only task with bundled sentences.
pub(crate) const BUNDLED: &str = "sst2";

/// A pretrained encoder.
pub(crate) fn model() -> Wanted {
    Wanted {
        option: "--model",
        kind: Kind::Model,
        bundled: "examples/glue_sst2/assets/film-bert-3x192",
        holds: "config.json, model.safetensors and tokenizer.json",
        downloads: Vec::new(),
        short_names: &[],
    }
}

/// The sentences of a task.
pub(crate) fn data(task: &GlueTask) -> Wanted {
    Wanted {
        option: "--data",
        kind: Kind::Dataset,
        bundled: "datasets/film-notes",
        holds: "train.tsv and dev.tsv",
        downloads: task.hub_files().into_iter().map(str::to_owned).collect(),
        short_names: &[("glue", "nyu-mll/glue"), ("sst2", "nyu-mll/glue")],
    }
}

/// The sentences of a task in several languages.
pub(crate) fn languages(task: &XtremeTask, languages: &[&str], sets: LanguageSets) -> Wanted {
    Wanted {
        option: "--data",
        kind: Kind::Dataset,
        // Refused before it is looked for.
        bundled: "datasets/film-notes",
        holds: "the files of XNLI or PAWS-X",
        downloads: task.hub_files(languages, sets),
        short_names: &[
            ("xnli", "facebook/xnli"),
            ("pawsx", "google-research-datasets/paws-x"),
            ("paws-x", "google-research-datasets/paws-x"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use tasks::glue;

    use super::*;

    #[test]
    fn a_download_fetches_the_two_files_that_are_used() {
        assert_eq!(data(&glue::sst2()).downloads.len(), 2);
    }
}
