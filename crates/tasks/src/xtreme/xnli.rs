//! Cross-lingual Natural Language Inference.

use super::layout::{Place, Portion, XtremeTask, classes_of_hub};
use crate::glue::{hub_columns, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::{ParquetColumns, TsvColumns};

const CLASSES: [&str; 3] = ["entailment", "neutral", "contradiction"];

/// Columns of the dev and the test file, which hold all languages.
const ALL_LANGUAGES: &str = "language\tgold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t\
                             sentence2_parse\tsentence1\tsentence2\tpromptID\tpairID\tgenre\tlabel1\tlabel2\tlabel3\tlabel4\t\
                             label5\tsentence1_tokenized\tsentence2_tokenized\tmatch";

/// Describes XNLI: does a premise entail a hypothesis, contradict it, or neither?
///
/// Trained on MNLI's 392,702 English examples; 2,490 dev and 5,010 test examples in each of 15 languages, the same ones
/// translated by people.
///
/// The archives are `XNLI-MT-1.0`, with the training file, whose word for a contradiction is `contradictory`, and `XNLI-1.0`. The hub
/// has all in `facebook/xnli`, and dev and test in `google/xtreme`, where one file holds all languages.
///
/// Source: Conneau et al., "XNLI: Evaluating Cross-lingual Sentence Representations", EMNLP 2018, arXiv:1809.05053.
pub fn xnli() -> XtremeTask {
    XtremeTask {
        name: "xnli",
        title: "XNLI",
        outputs: Outputs::classes(CLASSES),
        metrics: vec![Metric::Accuracy],
        languages: &[
            "ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi",
            "zh",
        ],
        repository: "facebook/xnli",
        folders: &["xnli", "XNLI"],
        places,
    }
}

fn places(portion: Portion, language: &str) -> Vec<Place> {
    let mut places = match portion {
        Portion::Train => archive_train(language),
        Portion::Dev => archive("xnli.dev.tsv", language),
        Portion::Test => archive("xnli.test.tsv", language),
    };
    let hub = classes_of_hub(["premise", "hypothesis"], &CLASSES);
    places.push(Place::of_hub(language, portion, hub));
    if portion != Portion::Train {
        let columns = ParquetColumns {
            label: Some("gold_label".to_owned()),
            names_as_labels: true,
            only: Some(("language".to_owned(), language.to_owned())),
            ..hub_columns("sentence1", Some("sentence2"))
        };
        places.push(Place::of_hub("XNLI", portion, columns));
    }
    places.push(Place::of_xtreme(portion, language, &[]));
    places
}

fn archive_train(language: &str) -> Vec<Place> {
    let columns = TsvColumns {
        other_words: vec![("contradictory".to_owned(), "contradiction".to_owned())],
        ..tsv_columns("premise\thypo\tlabel", &["premise", "hypo"], Some("label"))
    };
    let name = format!("multinli.train.{language}.tsv");
    ["XNLI-MT-1.0/multinli/", "multinli/", ""]
        .map(|folder| Place::tsv(format!("{folder}{name}"), columns.clone()))
        .to_vec()
}

fn archive(name: &str, language: &str) -> Vec<Place> {
    let columns = TsvColumns {
        only: Some((0, language.to_owned())),
        ..tsv_columns(
            ALL_LANGUAGES,
            &["sentence1", "sentence2"],
            Some("gold_label"),
        )
    };
    ["XNLI-1.0/", ""]
        .map(|folder| Place::tsv(format!("{folder}{name}"), columns.clone()))
        .to_vec()
}
