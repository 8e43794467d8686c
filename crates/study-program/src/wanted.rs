//! What `--model` and `--data` look for.

use program::source::{Kind, Wanted};
use tasks::glue::GlueTask;

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
        downloads: task.hub_files(),
        short_names: &[("glue", "nyu-mll/glue"), ("sst2", "nyu-mll/glue")],
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
