//! Winograd Natural Language Inference.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;

/// Describes WNLI: does a sentence entail itself with a pronoun replaced (1) or not (0)?
///
/// 635 training, 71 dev and 146 test examples.
pub fn wnli() -> GlueTask {
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
            "wnli/train-00000-of-00001.parquet",
            "wnli/validation-00000-of-00001.parquet",
            "wnli/test-00000-of-00001.parquet",
        ],
        [635, 71, 146],
        "WNLI.tsv",
    );
    GlueTask {
        name: "wnli",
        folder: "WNLI",
        outputs: Outputs::classes(["0", "1"]),
        hub_classes: &["not_entailment", "entailment"],
        metrics: vec![Metric::Accuracy],
        hub_columns: hub_columns("sentence1", Some("sentence2")),
        train,
        evaluation_sets,
    }
}
