//! What `--model` and `--data` look for.

use program::source::{Kind, Wanted};
use tasks::glue;

/// A pretrained BERT.
pub(crate) fn model() -> Wanted {
    Wanted {
        option: "--model",
        kind: Kind::Model,
        bundled: "examples/glue_sst2/assets/film-bert-3x192",
        holds: "config.json, model.safetensors and tokenizer.json",
        downloads: vec!["config.json", "tokenizer.json", "model.safetensors"],
        short_names: &[],
    }
}

/// SST-2, or sentences like it.
pub(crate) fn data() -> Wanted {
    Wanted {
        option: "--data",
        kind: Kind::Dataset,
        bundled: "datasets/film-notes",
        holds: "train.tsv and dev.tsv",
        downloads: glue::sst2().hub_files(),
        short_names: &[("sst2", "nyu-mll/glue")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_fetches_the_two_files_that_are_used() {
        assert_eq!(data().downloads.len(), 2);
    }
}
