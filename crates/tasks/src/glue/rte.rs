//! Recognizing Textual Entailment.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;

/// Describes RTE: does the first sentence entail the second (entailment) or not (not_entailment)?
///
/// 2,490 training, 277 dev and 3,000 test examples.
pub fn rte() -> GlueTask {
    let labelled = tsv_columns(
        "index\tsentence1\tsentence2\tlabel",
        &["sentence1", "sentence2"],
        Some("label"),
    );
    let unlabelled = tsv_columns(
        "index\tsentence1\tsentence2",
        &["sentence1", "sentence2"],
        None,
    );
    let (train, evaluation_sets) = train_dev_test(
        [&labelled, &labelled, &unlabelled],
        [
            "rte/train-00000-of-00001.parquet",
            "rte/validation-00000-of-00001.parquet",
            "rte/test-00000-of-00001.parquet",
        ],
        [2_490, 277, 3_000],
        "RTE.tsv",
    );
    GlueTask {
        name: "rte",
        folder: "RTE",
        outputs: Outputs::classes(["entailment", "not_entailment"]),
        hub_classes: &["entailment", "not_entailment"],
        metrics: vec![Metric::Accuracy],
        hub_columns: hub_columns("sentence1", Some("sentence2")),
        train,
        evaluation_sets,
    }
}
