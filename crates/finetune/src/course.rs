//! What a run's record keeps of its course: the loss, and how far the parameters move.

use encoders::BertModel;
use noisytune_burn::{PAPER_GROUPS, distances};

use study::record::{CurvePoint, ParameterChange};

use crate::error::FinetuneError;
use crate::trainer::{Step, Trainer};
use training::finite;

/// Points of a curve, at most.
const POINTS: usize = 100;
/// How often a run measures how far its parameters have moved, or after every step where it has fewer.
const MEASUREMENTS: usize = 10;

/// Collects the course of one run, step by step.
#[derive(Default)]
pub(crate) struct Course {
    steps: usize,
    /// `None` before the run has a model.
    start: Option<BertModel>,
    sum: f64,
    summed: usize,
    pub(crate) curve: Vec<CurvePoint>,
    pub(crate) changes: Vec<ParameterChange>,
}

impl Course {
    /// Of a run of `steps` steps from these parameters.
    pub(crate) fn of(steps: usize, start: BertModel) -> Self {
        Self {
            steps,
            start: Some(start),
            ..Self::default()
        }
    }

    /// Takes a step that the trainer has just taken.
    pub(crate) fn add(&mut self, trainer: &Trainer, step: &Step) -> Result<(), FinetuneError> {
        let taken = step.index + 1;
        self.sum += step.loss;
        self.summed += 1;
        if self.summed == self.steps.div_ceil(POINTS) || taken == self.steps {
            self.curve.push(CurvePoint {
                step: taken,
                loss: self.sum / self.summed as f64,
            });
            (self.sum, self.summed) = (0.0, 0);
        }
        // Some tenth of the run falls on this step.
        if taken * MEASUREMENTS / self.steps > step.index * MEASUREMENTS / self.steps {
            if let Some(start) = &self.start {
                let l1 = change(start, trainer)?;
                for &change in l1.values() {
                    finite("change of the parameters", step.index, change)?;
                }
                self.changes.push(ParameterChange { step: taken, l1 });
            }
        }
        Ok(())
    }
}

fn change(start: &BertModel, trainer: &Trainer) -> Result<L1, FinetuneError> {
    let report = distances(start, &trainer.model().bert)?;
    let groups = report.grouped(&PAPER_GROUPS)?.into_iter();
    Ok(groups
        .map(|(name, group)| (name, group.l1 / group.elements.max(1) as f64))
        .collect())
}

type L1 = std::collections::BTreeMap<String, f64>;
