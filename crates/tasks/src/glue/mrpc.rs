//! The Microsoft Research Paraphrase Corpus.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;

/// Describes MRPC: do two sentences of the news say the same (1) or not (0)?
///
/// 3,668 training, 408 dev and 1,725 test examples. The labelled files start with a byte-order mark.
pub fn mrpc() -> GlueTask {
    let labelled = tsv_columns(
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String",
        &["#1 String", "#2 String"],
        Some("Quality"),
    );
    let unlabelled = tsv_columns(
        "index\t#1 ID\t#2 ID\t#1 String\t#2 String",
        &["#1 String", "#2 String"],
        None,
    );
    let (train, evaluation_sets) = train_dev_test(
        [&labelled, &labelled, &unlabelled],
        [
            "mrpc/train-00000-of-00001.parquet",
            "mrpc/validation-00000-of-00001.parquet",
            "mrpc/test-00000-of-00001.parquet",
        ],
        [3_668, 408, 1_725],
        "MRPC.tsv",
    );
    GlueTask {
        name: "mrpc",
        folder: "MRPC",
        outputs: Outputs::classes(["0", "1"]),
        hub_classes: &["not_equivalent", "equivalent"],
        metrics: vec![Metric::Accuracy, Metric::F1],
        hub_columns: hub_columns("sentence1", Some("sentence2")),
        train,
        evaluation_sets,
    }
}
