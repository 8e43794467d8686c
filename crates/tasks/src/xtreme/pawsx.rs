//! The cross-lingual Paraphrase Adversaries from Word Scrambling.

use super::layout::{ENGLISH, Place, Portion, XtremeTask, classes_of_hub};
use crate::glue::{hub_columns, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::{ParquetColumns, TsvColumns};

const CLASSES: [&str; 2] = ["0", "1"];

/// What stands for a sentence that was not translated, in dev and test files. Their authors ask to leave such rows out, and their
/// table has 1,932 to 1,999 rows for a language; XTREME scores all 2,000.
///
/// Source: `pawsx/README.md` of `google-research-datasets/paws`.
const NOT_TRANSLATED: [&str; 2] = ["NS", ""];

/// Describes PAWS-X: do two sentences, often of the same words, say the same (1) or not (0)?
///
/// 49,401 English training examples; 2,000 dev and 2,000 test examples in each of 7 languages, the same ones translated by people,
/// without the rows that were not.
///
/// The archive is `x-final`; the hub has the same in `google-research-datasets/paws-x`. The files of `google/xtreme` are read too,
/// but are 226 English training examples short: they were made by a reader that took quotes in sentences for quoting.
///
/// Source: Yang et al., "PAWS-X: A Cross-lingual Adversarial Dataset for Paraphrase Identification", EMNLP 2019,
/// arXiv:1908.11828.
pub fn pawsx() -> XtremeTask {
    XtremeTask {
        name: "pawsx",
        title: "PAWS-X",
        outputs: Outputs::classes(CLASSES),
        metrics: vec![Metric::Accuracy],
        languages: &["de", "en", "es", "fr", "ja", "ko", "zh"],
        repository: "google-research-datasets/paws-x",
        folders: &["x-final", "pawsx", "PAWS-X"],
        places,
    }
}

fn places(portion: Portion, language: &str) -> Vec<Place> {
    let missing = NOT_TRANSLATED.map(str::to_owned).to_vec();
    let sentences = ["sentence1", "sentence2"];
    let archive = TsvColumns {
        missing: missing.clone(),
        ..tsv_columns("id\tsentence1\tsentence2\tlabel", &sentences, Some("label"))
    };
    let name = match portion {
        Portion::Train if language == ENGLISH => "train",
        Portion::Train => "translated_train",
        Portion::Dev => "dev_2k",
        Portion::Test => "test_2k",
    };
    let of_hub = |columns| ParquetColumns {
        missing: missing.clone(),
        ..columns
    };
    vec![
        Place::tsv(format!("{language}/{name}.tsv"), archive),
        Place::of_hub(
            language,
            portion,
            of_hub(classes_of_hub(sentences, &CLASSES)),
        ),
        Place::of_hub(
            &format!("PAWS-X.{language}"),
            portion,
            ParquetColumns {
                names_as_labels: true,
                ..of_hub(hub_columns("sentence1", Some("sentence2")))
            },
        ),
        Place::of_xtreme(portion, language, &NOT_TRANSLATED),
    ]
}
