//! The list of metrics.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::kind::ValueKind;

/// A way to score predictions.
///
/// A metric is computed once over all predictions of a set. The mean of a metric over batches is a
/// different number: the last batch is smaller, and most of these metrics are not means at all.
///
/// | metric | takes | range | definition |
/// |---|---|---|---|
/// | accuracy | classes | 0 to 1 | share of predictions that equal their label |
/// | F1 | two classes | 0 to 1 | of class 1; 0 if class 1 is neither predicted nor a label |
/// | macro F1 | classes | 0 to 1 | mean of every class's F1, over the classes that are predicted or a label |
/// | Matthews correlation | classes | -1 to 1 | 0 if all predictions or all labels are the same class |
/// | Pearson correlation | scores | -1 to 1 | an error if all predictions or all labels are equal |
/// | Spearman correlation | scores | -1 to 1 | the same; equal values share the mean of their ranks |
///
/// These are the definitions of scikit-learn's `accuracy_score`, `f1_score(zero_division=0)`,
/// `f1_score(average="macro", zero_division=0)` and `matthews_corrcoef`, and of scipy's `pearsonr` and
/// `spearmanr`. All but macro F1 are those of transformers' `run_glue.py`. Where a correlation is
/// undefined, scipy returns NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Metric {
    /// Share of correct predictions.
    #[serde(rename = "accuracy")]
    Accuracy,
    /// Harmonic mean of the precision and recall of class 1.
    #[serde(rename = "f1")]
    F1,
    /// Mean F1 of the classes, for any number of classes.
    #[serde(rename = "f1_macro")]
    MacroF1,
    /// Correlation between predicted and true classes, for any number of classes.
    ///
    /// Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation
    /// coefficient", 2004.
    #[serde(rename = "matthews_correlation")]
    Matthews,
    /// Linear correlation.
    #[serde(rename = "pearson")]
    Pearson,
    /// Pearson correlation of the ranks.
    #[serde(rename = "spearmanr")]
    Spearman,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 6] = [
        Self::Accuracy,
        Self::F1,
        Self::MacroF1,
        Self::Matthews,
        Self::Pearson,
        Self::Spearman,
    ];

    /// Returns the key that transformers' `run_glue.py`, where it has the metric, and this project's files
    /// use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::F1 => "f1",
            Self::MacroF1 => "f1_macro",
            Self::Matthews => "matthews_correlation",
            Self::Pearson => "pearson",
            Self::Spearman => "spearmanr",
        }
    }

    /// Returns the metric of this [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Returns the kind of values that the metric takes.
    pub fn takes(self) -> ValueKind {
        match self {
            Self::Accuracy | Self::F1 | Self::MacroF1 | Self::Matthews => ValueKind::Classes,
            Self::Pearson | Self::Spearman => ValueKind::Scores,
        }
    }

    /// Returns whether it takes only two classes.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::F1)
    }

    /// Returns the lowest and the highest value of [`score`](Self::score). Higher is better.
    pub fn range(self) -> RangeInclusive<f64> {
        match self {
            Self::Accuracy | Self::F1 | Self::MacroF1 => 0.0..=1.0,
            Self::Matthews | Self::Pearson | Self::Spearman => -1.0..=1.0,
        }
    }

    /// Returns the unit of [`in_points`](Self::in_points): percent for a share, none for a
    /// correlation.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Accuracy | Self::F1 | Self::MacroF1 => "%",
            Self::Matthews | Self::Pearson | Self::Spearman => "points",
        }
    }

    /// Converts a score, or a difference of scores, to points: 1.0 is 100 points. GLUE's tables show
    /// every metric in points.
    pub fn in_points(self, score: f64) -> f64 {
        100.0 * score
    }
}

/// The name as written in a sentence.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accuracy => "accuracy",
            Self::F1 => "F1",
            Self::MacroF1 => "macro F1",
            Self::Matthews => "Matthews correlation",
            Self::Pearson => "Pearson correlation",
            Self::Spearman => "Spearman correlation",
        })
    }
}
