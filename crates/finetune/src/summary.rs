//! `summary.json`: the arms' scores and their paired difference.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::arm::Arm;
use crate::error::FinetuneError;
use crate::record::RunRecord;
use crate::statistics::{Paired, Summary};
use crate::write;

/// Seed of the resampling behind the interval: the summary of the same records is the same.
const RESAMPLING_SEED: u64 = 0;

/// What a study found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudySummary {
    /// Name of the task.
    pub task: String,
    /// Name of the metric.
    pub metric: String,
    /// By the arm's name.
    pub arms: BTreeMap<String, ArmSummary>,
    /// Treatment less baseline over the seeds that both completed; `None` where only one arm ran.
    pub paired: Option<Paired>,
}

/// The scores of one arm, failed runs left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmSummary {
    /// By seed, ascending.
    pub values: Vec<f64>,
    /// `None` without values.
    pub mean: Option<f64>,
    /// Standard deviation (n - 1); `None` for fewer than two values.
    pub sd: Option<f64>,
    /// Number of values.
    pub n: usize,
}

impl StudySummary {
    /// Summarises the records of a study's arms and seeds.
    ///
    /// # Errors
    /// [`FinetuneError::Statistics`] if a score is not finite.
    pub fn of(
        task: &str,
        metric: &str,
        arms: &[Arm],
        records: &[&RunRecord],
    ) -> Result<Self, FinetuneError> {
        let scores = |arm: Arm| -> BTreeMap<u64, f64> {
            records
                .iter()
                .filter(|record| record.arm == arm)
                .filter_map(|record| Some((record.seed, record.dev_accuracy?)))
                .collect()
        };
        let mut summaries = BTreeMap::new();
        for &arm in arms {
            let values: Vec<f64> = scores(arm).into_values().collect();
            summaries.insert(arm.name().to_owned(), ArmSummary::of(values)?);
        }
        let paired = if arms.contains(&Arm::Baseline) && arms.contains(&Arm::Noisytune) {
            let (baseline, treated) = (scores(Arm::Baseline), scores(Arm::Noisytune));
            let pairs: (Vec<f64>, Vec<f64>) = treated
                .iter()
                .filter_map(|(seed, score)| Some((*score, *baseline.get(seed)?)))
                .unzip();
            if pairs.0.is_empty() {
                None
            } else {
                Some(Paired::of(&pairs.0, &pairs.1, RESAMPLING_SEED)?)
            }
        } else {
            None
        };
        Ok(Self {
            task: task.to_owned(),
            metric: metric.to_owned(),
            arms: summaries,
            paired,
        })
    }

    /// Writes the summary as JSON, at once or not at all.
    ///
    /// # Errors
    /// [`FinetuneError::File`].
    pub fn save(&self, path: &Path) -> Result<(), FinetuneError> {
        let mut text = serde_json::to_string_pretty(self).expect("a summary is plain data");
        text.push('\n');
        write::replace(path, text.as_bytes())
    }
}

impl ArmSummary {
    fn of(values: Vec<f64>) -> Result<Self, FinetuneError> {
        let summary = if values.is_empty() {
            None
        } else {
            Some(Summary::of(&values)?)
        };
        Ok(Self {
            mean: summary.as_ref().map(|s| s.mean),
            sd: summary.as_ref().and_then(|s| s.sd),
            n: values.len(),
            values,
        })
    }
}
