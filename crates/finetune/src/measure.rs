//! What a run's record keeps of its course: the loss, and how far the parameters move.

use encoders::BertModel;
use noisytune_burn::{PAPER_GROUPS, distances};

use crate::error::FinetuneError;
use crate::record::{Checkpoint, CurvePoint};
use crate::training::{Step, Trainer};

/// Points of a curve, at most.
const POINTS: usize = 100;
/// Checkpoints of a run, or as many as it has steps.
const CHECKPOINTS: usize = 10;

/// Collects the course of one run, step by step.
pub(crate) struct Course {
    steps: usize,
    start: BertModel,
    sum: f64,
    summed: usize,
    pub(crate) curve: Vec<CurvePoint>,
    pub(crate) changes: Vec<Checkpoint>,
}

impl Course {
    /// Of a run of `steps` steps from these parameters.
    pub(crate) fn new(steps: usize, start: BertModel) -> Self {
        Self {
            steps,
            start,
            sum: 0.0,
            summed: 0,
            curve: Vec::new(),
            changes: Vec::new(),
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
        if taken * CHECKPOINTS / self.steps > step.index * CHECKPOINTS / self.steps {
            self.changes.push(Checkpoint {
                step: taken,
                l1: self.change(trainer)?,
            });
        }
        Ok(())
    }

    fn change(&self, trainer: &Trainer) -> Result<L1, FinetuneError> {
        let report = distances(&self.start, &trainer.model().bert)?;
        let groups = report.grouped(&PAPER_GROUPS)?.into_iter();
        Ok(groups
            .map(|(name, group)| (name, group.l1 / group.elements.max(1) as f64))
            .collect())
    }
}

type L1 = std::collections::BTreeMap<String, f64>;
