//! The head that a checkpoint brings, for a task of one's own.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::check::{Head, TensorInfo};
use crate::classifier::Classifier;
use crate::error::{EncoderError, TensorProblem};
use crate::family::AnyFamily;
use crate::snapshot::{LoadedClassifier, Snapshot};
use crate::weights::Weights;

/// How a checkpoint's head fits a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnHead {
    /// For each output of the task, the output of the head that it is.
    pub order: Vec<usize>,
    /// What a user should know about head and weights, one line each.
    pub notes: Vec<String>,
}

impl Snapshot {
    /// Checks the weights with the checkpoint's head for a task, without loading them.
    ///
    /// Each class of the task has one name or several; a score is an output without a name. Where the labels in
    /// `config.json` are the classes', each output is the class of its label; where none is, the order is the task's.
    /// Names are compared without case, and `-`, `_` and spaces are the same.
    ///
    /// # Errors
    /// [`EncoderError::Head`] if the checkpoint has no head, one of another width, or labels of which only some are
    /// the classes'; [`EncoderError::Config`] if `id2label` does not name the outputs from 0 on; otherwise those of [`classifier`](Self::classifier).
    pub fn own_head(
        &self,
        outputs: &[Vec<String>],
        device: &Device,
    ) -> Result<OwnHead, EncoderError> {
        let wrong = |reason: String| EncoderError::Head {
            path: self.folder().to_path_buf(),
            reason,
        };
        self.check_pooling()?;
        let labels = self.labels_of_head()?;
        let width = self.width_of_head(device)?;
        let width = width.ok_or_else(|| wrong("the checkpoint has no head".to_owned()))?;
        if width != outputs.len() {
            let of = match labels.len() == width {
                true => format!(" ({})", labels.join(", ")),
                false => String::new(),
            };
            return Err(wrong(format!(
                "the checkpoint's head has {width} outputs{of}, the task has {}",
                outputs.len()
            )));
        }
        let (order, how) = matched(&labels, outputs).map_err(wrong)?;
        let model = Classifier(AnyFamily::new(self.config(), width, device));
        let (weights, _) = self.check(&model, &model.0.names(), Head::Checkpoint)?;
        let mut notes = weights.notes;
        notes.push(files::one_line(&format!(
            "the checkpoint's head is kept; {how}"
        )));
        Ok(OwnHead { order, notes })
    }

    /// Loads the encoder with the checkpoint's own head, its outputs in this order.
    ///
    /// # Errors
    /// Those of [`finetuned_classifier`](Self::finetuned_classifier).
    pub fn classifier_with_own_head(
        &self,
        order: &[usize],
        device: &Device,
    ) -> Result<LoadedClassifier, EncoderError> {
        let mut loaded = self.finetuned_classifier(order.len(), device)?;
        if !order.iter().copied().eq(0..order.len()) {
            let layer = loaded.model.0.names().head_layers.last();
            loaded.model = loaded.model.map(&mut Reorder {
                layer: layer.expect("every family has a head"),
                order,
                path: Vec::new(),
            });
        }
        Ok(loaded)
    }

    /// The number of outputs of the checkpoint's head, if it has one.
    pub(crate) fn width_of_head(&self, device: &Device) -> Result<Option<usize>, EncoderError> {
        let model = Classifier(AnyFamily::new(self.config(), 1, device));
        let names = model.0.names();
        let layer = names.head_layers.last().expect("every family has a head");
        let path = format!("{layer}.weight");
        let needed = names.needed(&model).into_iter();
        let mut needed = needed.filter(|(_, needed)| needed.path == path);
        let (name, needed) = needed.next().expect("a head has a weight");
        let weights = Weights::open(self.folder())?;
        let mut tensors = weights.tensors.iter();
        let weight = tensors.find(|(theirs, _)| names.current(theirs) == name);
        let Some((theirs, TensorInfo { shape, .. })) = weight else {
            return Ok(None);
        };
        let inputs = &needed.shape[1..];
        match shape.split_first() {
            // With a dimension of 0, a tensor without any value could have any number of outputs.
            Some((&width, rest)) if width > 0 && rest == inputs => Ok(Some(width)),
            _ => {
                let width = shape.first().map_or(1, |width| *width.max(&1));
                Err(EncoderError::Tensors {
                    path: weights.path.clone(),
                    problems: vec![TensorProblem::Shape {
                        name: theirs.clone(),
                        expected: [&[width][..], inputs].concat(),
                        found: shape.clone(),
                    }],
                })
            }
        }
    }
}

/// For each of a task's outputs the head's, and how they were found.
fn matched(labels: &[String], outputs: &[Vec<String>]) -> Result<(Vec<usize>, String), String> {
    let in_order = || (0..outputs.len()).collect::<Vec<usize>>();
    let shown = |names: &[String]| names.first().cloned().unwrap_or_default();
    let classes: Vec<String> = outputs.iter().map(|names| shown(names)).collect();
    if labels.len() != outputs.len() || classes.iter().any(String::is_empty) {
        return Ok((
            in_order(),
            "config.json does not name its outputs, which are taken in their order".to_owned(),
        ));
    }
    let found: Vec<Option<usize>> = outputs
        .iter()
        .map(|names| {
            let names: BTreeSet<String> = names.iter().map(|name| plain(name)).collect();
            labels
                .iter()
                .position(|label| names.contains(&plain(label)))
        })
        .collect();
    let different: BTreeSet<usize> = found.iter().flatten().copied().collect();
    let (labels, classes) = (labels.join(", "), classes.join(", "));
    match different.len() {
        0 => {
            let how = format!("its labels {labels} are taken in this order for {classes}");
            Ok((in_order(), how))
        }
        matches if matches == outputs.len() => {
            let how = format!("its labels {labels} are matched by name");
            Ok((found.into_iter().flatten().collect(), how))
        }
        _ => Err(format!(
            "only some of the labels of the checkpoint's head ({labels}) are classes of the task ({classes})"
        )),
    }
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}

/// Puts the outputs of a linear layer into another order.
struct Reorder<'a> {
    layer: &'static str,
    order: &'a [usize],
    path: Vec<String>,
}

impl ModuleMapper for Reorder<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let is_layer = path
            .strip_prefix(self.layer)
            .is_some_and(|rest| rest.starts_with('.'));
        if !is_layer {
            return param;
        }
        let order: Vec<i64> = self.order.iter().map(|&index| index as i64).collect();
        let id = param.id;
        let values = param.val();
        let shape = [order.len()];
        let order = Tensor::<1, Int>::from_data(TensorData::new(order, shape), &values.device());
        // A linear layer's weight is `[input, output]` here, its bias `[output]`.
        let values = values.select(D - 1, order);
        param.transform_for_load(values, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(classes: &[&[&str]]) -> Vec<Vec<String>> {
        let owned = |names: &&[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        classes.iter().map(owned).collect()
    }

    fn order(labels: &[&str], classes: &[&[&str]]) -> Result<Vec<usize>, String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        matched(&labels, &outputs(classes)).map(|(order, _)| order)
    }

    #[test]
    fn labels_are_matched_by_any_name_of_a_class_without_case() {
        let sst2: &[&[&str]] = &[&["0", "negative"], &["1", "positive"]];
        assert_eq!(order(&["NEGATIVE", "POSITIVE"], sst2), Ok(vec![0, 1]));
        assert_eq!(order(&["Positive", "Negative"], sst2), Ok(vec![1, 0]));
        assert_eq!(order(&["1", "0"], sst2), Ok(vec![1, 0]));
        let rte: &[&[&str]] = &[&["entailment"], &["not_entailment"]];
        assert_eq!(
            order(&["not-entailment", "Entailment"], rte),
            Ok(vec![1, 0])
        );
    }

    #[test]
    fn labels_that_are_no_classes_are_taken_in_their_order() {
        let classes: &[&[&str]] = &[&["no"], &["yes"]];
        assert_eq!(order(&["LABEL_0", "LABEL_1"], classes), Ok(vec![0, 1]));
        assert_eq!(order(&[], classes), Ok(vec![0, 1]));
        assert_eq!(order(&["LABEL_0"], &[&[]]), Ok(vec![0]));
    }

    #[test]
    fn labels_of_which_only_some_are_classes_are_refused() {
        let classes: &[&[&str]] = &[&["no"], &["yes"]];
        let text = order(&["yes", "LABEL_1"], classes).expect_err("one is missing");
        let expected = "only some of the labels of the checkpoint's head (yes, LABEL_1) are classes of the task (no, yes)";
        assert_eq!(text, expected);
        assert!(order(&["yes", "yes"], classes).is_err());
    }
}
