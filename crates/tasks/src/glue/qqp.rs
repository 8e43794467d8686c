//! The Quora Question Pairs.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::{ShortRows, TsvColumns};

/// Describes QQP: do two questions ask the same (1) or not (0)?
///
/// 363,846 training, 40,430 dev and 390,965 test examples. Some archives hold a few more rows, which
/// break off before their label; these are dropped, as transformers and datasets drop them.
pub fn qqp() -> GlueTask {
    let labelled = TsvColumns {
        short_rows: ShortRows::Dropped,
        ..tsv_columns(
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
            &["question1", "question2"],
            Some("is_duplicate"),
        )
    };
    // A row without a prediction would be missing from the submission.
    let unlabelled = tsv_columns(
        "id\tquestion1\tquestion2",
        &["question1", "question2"],
        None,
    );
    let (train, evaluation_sets) = train_dev_test(
        [&labelled, &labelled, &unlabelled],
        [
            "qqp/train-00000-of-00001.parquet",
            "qqp/validation-00000-of-00001.parquet",
            "qqp/test-00000-of-00001.parquet",
        ],
        [363_846, 40_430, 390_965],
        "QQP.tsv",
    );
    GlueTask {
        name: "qqp",
        folder: "QQP",
        outputs: Outputs::classes(["0", "1"]),
        hub_classes: &["not_duplicate", "duplicate"],
        metrics: vec![Metric::Accuracy, Metric::F1],
        hub_columns: hub_columns("question1", Some("question2")),
        train,
        evaluation_sets,
    }
}
