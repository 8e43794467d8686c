//! The Corpus of Linguistic Acceptability.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::TsvColumns;

/// Describes CoLA: is a sentence grammatically acceptable (1) or not (0)?
///
/// 8,551 training, 1,043 dev and 1,063 test examples. The labelled files have no header; their
/// columns are the source of the sentence, the label, the author's mark, and the sentence.
pub fn cola() -> GlueTask {
    let labelled = TsvColumns {
        count: 4,
        sentence: 3,
        label: Some(1),
        ..TsvColumns::default()
    };
    let unlabelled = tsv_columns("index\tsentence", &["sentence"], None);
    let (train, evaluation_sets) = train_dev_test(
        [&labelled, &labelled, &unlabelled],
        [
            "cola/train-00000-of-00001.parquet",
            "cola/validation-00000-of-00001.parquet",
            "cola/test-00000-of-00001.parquet",
        ],
        [8_551, 1_043, 1_063],
        "CoLA.tsv",
    );
    GlueTask {
        name: "cola",
        folder: "CoLA",
        outputs: Outputs::classes(["0", "1"]),
        hub_classes: &["unacceptable", "acceptable"],
        metrics: vec![Metric::Matthews],
        hub_columns: hub_columns("sentence", None),
        train,
        evaluation_sets,
    }
}
