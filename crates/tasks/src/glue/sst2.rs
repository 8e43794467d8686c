//! The Stanford Sentiment Treebank.

use super::layout::{GlueFile, GlueTask};
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::{ParquetColumns, TsvColumns};

/// Describes SST-2: is a phrase of a film review negative (0) or positive (1)?
///
/// 67,349 training, 872 dev and 1,821 test examples.
pub fn sst2() -> GlueTask {
    let labelled = TsvColumns {
        header: Some("sentence\tlabel".to_owned()),
        count: 2,
        sentence: 0,
        sentence2: None,
        label: Some(1),
    };
    let unlabelled = TsvColumns {
        header: Some("index\tsentence".to_owned()),
        count: 2,
        sentence: 1,
        sentence2: None,
        label: None,
    };
    let file = |tsv, columns: &TsvColumns, hub| GlueFile {
        tsv,
        columns: columns.clone(),
        hub,
    };
    GlueTask {
        name: "sst2",
        folder: "SST-2",
        outputs: Outputs::classes(["0", "1"]),
        metrics: vec![Metric::Accuracy],
        hub_columns: ParquetColumns {
            sentence: "sentence".to_owned(),
            sentence2: None,
            label: Some("label".to_owned()),
        },
        train: file("train.tsv", &labelled, "sst2/train-00000-of-00001.parquet"),
        evaluation_sets: vec![
            (
                "dev",
                file(
                    "dev.tsv",
                    &labelled,
                    "sst2/validation-00000-of-00001.parquet",
                ),
            ),
            (
                "test",
                file("test.tsv", &unlabelled, "sst2/test-00000-of-00001.parquet"),
            ),
        ],
    }
}
