//! The course of a run, for its record: the loss, and how far the parameters move.

use std::collections::BTreeMap;

use burn::module::ParamGroup;
use encoders::{Classifier, Projection, Role};
use noisytune_burn::distances;
use serde::{Deserialize, Serialize};
use study::record::{CurvePoint, ParameterChange};
use training::finite;

use crate::error::FinetuneError;
use crate::trainer::{Step, Trainer};

/// Maximum number of points of a curve.
const POINTS: usize = 100;
/// How many times a run measures how far its parameters have moved; after every step if it has fewer steps.
const MEASUREMENTS: usize = 10;

/// The name of a group, and the roles in it.
type Group = (&'static str, fn(Role) -> bool);

/// The groups of the paper's Figure 4: attention projections, the other linear layers, and everything. None contains
/// the head. A family has its three projections apart or in one product.
const GROUPS: [Group; 6] = [
    ("query", |role| is_linear(role, Projection::Query)),
    ("key", |role| is_linear(role, Projection::Key)),
    ("value", |role| is_linear(role, Projection::Value)),
    ("query_key_value", |role| {
        is_linear(role, Projection::QueryKeyValue)
    }),
    ("dense", |role| is_linear(role, Projection::Dense)),
    ("all", |role| role != Role::Head),
];

fn is_linear(role: Role, wanted: Projection) -> bool {
    matches!(role, Role::Weight(projection) | Role::Bias(projection) if projection == wanted)
}

/// The course of a run up to a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CourseSoFar {
    /// Sum of the losses since the last point of the curve, and their number.
    sum: f64,
    summed: usize,
    pub(crate) curve: Vec<CurvePoint>,
    pub(crate) changes: Vec<ParameterChange>,
}

/// Follows the course of one run, step by step.
pub(crate) struct Course {
    steps: usize,
    /// The model at the start.
    start: Classifier,
    groups: Vec<(&'static str, ParamGroup)>,
}

impl Course {
    /// Starts the course of a run of `steps` steps from these parameters.
    ///
    /// # Errors
    /// If the model has no parameters of some group.
    pub(crate) fn of(steps: usize, start: Classifier) -> Result<Self, FinetuneError> {
        let apart = |role| is_linear(role, Projection::Query);
        let left_out = match start.parameters_of("query", apart) {
            Ok(_) => &["query_key_value"][..],
            Err(_) => &["query", "key", "value"],
        };
        let groups = GROUPS.iter().filter(|(name, _)| !left_out.contains(name));
        let groups = groups.map(|&(name, is_in)| {
            let parameters = start.parameters_of(name, is_in)?;
            let paths = parameters.into_iter().map(|parameter| parameter.path);
            Ok((name, ParamGroup::from_paths(paths.collect())))
        });
        Ok(Self {
            steps,
            groups: groups.collect::<Result<_, FinetuneError>>()?,
            start,
        })
    }

    /// Adds the step that the trainer has just taken.
    pub(crate) fn add(
        &self,
        so_far: &mut CourseSoFar,
        trainer: &mut Trainer,
        step: &Step,
    ) -> Result<(), FinetuneError> {
        let taken = step.index + 1;
        so_far.sum += step.loss;
        so_far.summed += 1;
        if so_far.summed == self.steps.div_ceil(POINTS) || taken == self.steps {
            so_far.curve.push(CurvePoint {
                step: taken,
                loss: so_far.sum / so_far.summed as f64,
            });
            (so_far.sum, so_far.summed) = (0.0, 0);
        }
        // This step completes another tenth of the run.
        if taken * MEASUREMENTS / self.steps > step.index * MEASUREMENTS / self.steps {
            let change = self.change(taken, trainer)?;
            for &number in change.l1.values().chain(change.l1_norm.values()) {
                finite("change of the parameters", step.index, number)?;
            }
            so_far.changes.push(change);
        }
        Ok(())
    }

    fn change(&self, step: usize, trainer: &mut Trainer) -> Result<ParameterChange, FinetuneError> {
        let report = distances(&self.start, &trainer.model())?;
        let (mut l1, mut l1_norm) = (BTreeMap::new(), BTreeMap::new());
        for (name, group) in &self.groups {
            let total = report.total(group);
            l1.insert((*name).to_owned(), total.l1 / total.elements as f64);
            l1_norm.extend(
                total
                    .l1_norm_change
                    .map(|change| ((*name).to_owned(), change)),
            );
        }
        Ok(ParameterChange { step, l1, l1_norm })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::Device;
    use encoders::Snapshot;
    use noisytune_burn::{NoisyTune, PAPER_GROUPS};

    use super::*;

    #[test]
    fn groups_by_role_are_those_of_the_paper_without_the_head() {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden/tiny/snapshot");
        let snapshot = Snapshot::open(folder).expect("the snapshot opens");
        let loaded = snapshot.classifier(2, 0, &Device::flex());
        let start = loaded.expect("it loads").model;
        let report = distances(&start, &start.clone().noisy_tune(0.15)).expect("the same module");
        let mut body = report.clone();
        body.entries
            .retain(|entry| !entry.path.starts_with("classifier"));
        let course = Course::of(1, start).expect("every group has parameters");
        let expected = body.grouped(&PAPER_GROUPS).expect("valid patterns");
        assert_eq!(course.groups.len(), expected.len());
        for ((name, group), (their_name, theirs)) in course.groups.iter().zip(&expected) {
            assert_eq!(name, their_name);
            assert!(theirs.l1 > 0.0);
            assert_eq!(report.total(group), *theirs, "{name}");
        }
    }
}
