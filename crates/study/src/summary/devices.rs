//! A study whose runs are on devices of different kinds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tasks::counted;

use crate::plan::{self, PlannedStudy, RunKey};
use crate::record::{RunRecord, device_kind};

/// On which kinds of devices the runs of a study are.
///
/// Devices of different kinds differ in the last digits of what they compute, and so after some steps in every digit: between them,
/// runs of one seed differ in more than their arms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixedDevices {
    /// Number of runs by kind.
    pub runs: BTreeMap<String, usize>,
    /// Pairs of compared runs that are on different kinds; a pair of several studies counts once.
    pub split_pairs: usize,
}

impl MixedDevices {
    /// Those of the planned runs; `None` if all are on one kind.
    pub(crate) fn of(planned: &[PlannedStudy], records: &[RunRecord]) -> Option<Self> {
        let kind = |run: &RunKey| {
            let record = records.iter().find(|record| RunKey::of(record) == *run);
            record.map(|record| device_kind(&record.settings.device))
        };
        let mut runs = BTreeMap::new();
        for kind in plan::runs(planned).iter().filter_map(kind) {
            *runs.entry(kind.to_owned()).or_insert(0) += 1;
        }
        let mut split: Vec<[RunKey; 2]> = Vec::new();
        for [point, control] in planned.iter().flat_map(PlannedStudy::contrasts) {
            for pair in point.runs.iter().zip(&control.runs) {
                let pair = [*pair.0, *pair.1];
                if let [Some(one), Some(other)] = pair.map(|run| kind(&run))
                    && one != other
                    && !split.contains(&pair)
                {
                    split.push(pair);
                }
            }
        }
        (runs.len() > 1).then_some(Self {
            runs,
            split_pairs: split.len(),
        })
    }

    /// What to know about it, in a sentence.
    pub fn in_words(&self) -> String {
        let runs = self.runs.iter();
        let runs = runs.map(|(kind, runs)| format!("{} on {kind}", counted(*runs, "run")));
        let runs = runs.collect::<Vec<_>>().join(", ");
        match self.split_pairs {
            0 => format!("different devices, the same for both runs of each pair: {runs}"),
            split => format!(
                "different devices, also within {}, whose runs differ in more than their arms: {runs}",
                counted(split, "pair")
            ),
        }
    }
}
