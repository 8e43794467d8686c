//! What `--model` and `--data` look for.

use program::source::{Kind, Wanted};
use tasks::glue::GlueTask;
use tasks::xtreme::{LanguageSets, XtremeTask};

/// The only task with bundled sentences.
pub(crate) const BUNDLED: &str = "sst2";

/// The sentences of a task; of its sets without labels only if they are to be predicted.
pub(crate) fn data(task: &GlueTask, is_predicted: bool) -> Wanted {
    let files = task.files();
    let files = files.filter(|file| is_predicted || file.columns.label.is_some());
    Wanted {
        option: "--data",
        kind: Kind::Dataset,
        bundled: (task.name == BUNDLED).then_some("datasets/film-notes"),
        holds: "train.tsv and dev.tsv",
        downloads: files.map(|file| file.hub.to_owned()).collect(),
        short_names: &[("glue", "nyu-mll/glue"), ("sst2", "nyu-mll/glue")],
    }
}

/// The sentences of a task in several languages.
pub(crate) fn languages(task: &XtremeTask, languages: &[&str], sets: LanguageSets) -> Wanted {
    Wanted {
        option: "--data",
        kind: Kind::Dataset,
        bundled: None,
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
    fn a_download_fetches_the_files_that_are_used() {
        let downloads = |is_predicted| data(&glue::sst2(), is_predicted).downloads;
        let labelled = [
            "sst2/train-00000-of-00001.parquet",
            "sst2/validation-00000-of-00001.parquet",
        ];
        assert_eq!(downloads(false), labelled);
        let test = "sst2/test-00000-of-00001.parquet";
        assert_eq!(downloads(true), [&labelled[..], &[test]].concat());
    }
}
