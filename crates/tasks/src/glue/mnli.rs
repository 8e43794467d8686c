//! Multi-Genre Natural Language Inference.

use super::layout::{GlueFile, GlueTask, hub_columns, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;

/// The columns that all files have.
const PAIR: &str = "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t\
                    sentence1_parse\tsentence2_parse\tsentence1\tsentence2";

/// Describes MNLI: does a premise entail a hypothesis, contradict it, or neither?
///
/// 392,702 training examples, and two evaluation sets of each kind: of the genres of the training set
/// (matched; 9,815 dev and 9,796 test examples) and of others (mismatched; 9,832 and 9,847).
///
/// The set `ax` is GLUE's diagnostic set, 1,104 pairs without labels, predicted by a model trained on
/// MNLI. It is read from the task's folder, or from the folder beside it in which downloaders leave it.
pub fn mnli() -> GlueTask {
    let columns = |labels: &str| {
        let label = (!labels.is_empty()).then_some("gold_label");
        tsv_columns(
            &format!("{PAIR}{labels}"),
            &["sentence1", "sentence2"],
            label,
        )
    };
    let train = columns("\tlabel1\tgold_label");
    let dev = columns("\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label");
    let test = columns("");
    let diagnostic = tsv_columns(
        "index\tsentence1\tsentence2",
        &["sentence1", "sentence2"],
        None,
    );
    GlueTask {
        name: "mnli",
        folder: "MNLI",
        outputs: Outputs::classes(["entailment", "neutral", "contradiction"]),
        hub_classes: &["entailment", "neutral", "contradiction"],
        metrics: vec![Metric::Accuracy],
        hub_columns: hub_columns("premise", Some("hypothesis")),
        train: GlueFile::labelled(
            "train.tsv",
            &train,
            "mnli/train-00000-of-00001.parquet",
            392_702,
        ),
        evaluation_sets: vec![
            (
                "dev_matched",
                GlueFile::labelled(
                    "dev_matched.tsv",
                    &dev,
                    "mnli/validation_matched-00000-of-00001.parquet",
                    9_815,
                ),
            ),
            (
                "dev_mismatched",
                GlueFile::labelled(
                    "dev_mismatched.tsv",
                    &dev,
                    "mnli/validation_mismatched-00000-of-00001.parquet",
                    9_832,
                ),
            ),
            (
                "test_matched",
                GlueFile::hidden(
                    "test_matched.tsv",
                    &test,
                    "mnli/test_matched-00000-of-00001.parquet",
                    9_796,
                    "MNLI-m.tsv",
                ),
            ),
            (
                "test_mismatched",
                GlueFile::hidden(
                    "test_mismatched.tsv",
                    &test,
                    "mnli/test_mismatched-00000-of-00001.parquet",
                    9_847,
                    "MNLI-mm.tsv",
                ),
            ),
            (
                "ax",
                GlueFile {
                    elsewhere: &[
                        "diagnostic.tsv",
                        "../AX/AX.tsv",
                        "../diagnostic/diagnostic.tsv",
                    ],
                    ..GlueFile::hidden(
                        "AX.tsv",
                        &diagnostic,
                        "ax/test-00000-of-00001.parquet",
                        1_104,
                        "AX.tsv",
                    )
                },
            ),
        ],
    }
}
