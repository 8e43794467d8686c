//! The Stanford Sentiment Treebank.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;

/// Describes SST-2: is a phrase of a film review negative (0) or positive (1)?
///
/// 67,349 training, 872 dev and 1,821 test examples.
pub fn sst2() -> GlueTask {
    let labelled = tsv_columns("sentence\tlabel", &["sentence"], Some("label"));
    let unlabelled = tsv_columns("index\tsentence", &["sentence"], None);
    let (train, evaluation_sets) = train_dev_test(
        [&labelled, &labelled, &unlabelled],
        [
            "sst2/train-00000-of-00001.parquet",
            "sst2/validation-00000-of-00001.parquet",
            "sst2/test-00000-of-00001.parquet",
        ],
        [67_349, 872, 1_821],
        "SST-2.tsv",
    );
    GlueTask {
        name: "sst2",
        folder: "SST-2",
        outputs: Outputs::classes(["0", "1"]),
        hub_classes: &["negative", "positive"],
        metrics: vec![Metric::Accuracy],
        hub_columns: hub_columns("sentence", None),
        train,
        evaluation_sets,
    }
}
