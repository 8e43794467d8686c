//! Question-answering Natural Language Inference.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;

/// Describes QNLI: does a sentence answer a question (entailment) or not (not_entailment)?
///
/// 104,743 training, 5,463 dev and 5,463 test examples.
pub fn qnli() -> GlueTask {
    let labelled = tsv_columns(
        "index\tquestion\tsentence\tlabel",
        &["question", "sentence"],
        Some("label"),
    );
    let unlabelled = tsv_columns("index\tquestion\tsentence", &["question", "sentence"], None);
    let (train, evaluation_sets) = train_dev_test(
        [&labelled, &labelled, &unlabelled],
        [
            "qnli/train-00000-of-00001.parquet",
            "qnli/validation-00000-of-00001.parquet",
            "qnli/test-00000-of-00001.parquet",
        ],
        [104_743, 5_463, 5_463],
        "QNLI.tsv",
    );
    GlueTask {
        name: "qnli",
        folder: "QNLI",
        outputs: Outputs::classes(["entailment", "not_entailment"]),
        hub_classes: &["entailment", "not_entailment"],
        metrics: vec![Metric::Accuracy],
        hub_columns: hub_columns("question", Some("sentence")),
        train,
        evaluation_sets,
    }
}
