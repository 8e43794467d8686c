//! The Semantic Textual Similarity Benchmark.

use super::layout::{GlueTask, hub_columns, train_dev_test, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;

/// Describes STS-B: how similar are two sentences, from 0 (unrelated) to 5 (equivalent)?
///
/// 5,749 training, 1,500 dev and 1,379 test examples.
pub fn stsb() -> GlueTask {
    let labelled = tsv_columns(
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore",
        &["sentence1", "sentence2"],
        Some("score"),
    );
    let unlabelled = tsv_columns(
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2",
        &["sentence1", "sentence2"],
        None,
    );
    let (train, evaluation_sets) = train_dev_test(
        [&labelled, &labelled, &unlabelled],
        [
            "stsb/train-00000-of-00001.parquet",
            "stsb/validation-00000-of-00001.parquet",
            "stsb/test-00000-of-00001.parquet",
        ],
        [5_749, 1_500, 1_379],
        "STS-B.tsv",
    );
    GlueTask {
        name: "stsb",
        folder: "STS-B",
        outputs: Outputs::Score { min: 0.0, max: 5.0 },
        hub_classes: &[],
        metrics: vec![Metric::Pearson, Metric::Spearman],
        hub_columns: hub_columns("sentence1", Some("sentence2")),
        train,
        evaluation_sets,
    }
}
