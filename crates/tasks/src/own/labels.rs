//! What the labels of a file of one's own say about the task.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::MAX_CLASSES;
use crate::error::{TaskError, excerpt};
use crate::outputs::Outputs;
use crate::source::contents::strip;
use crate::source::table::{Labels, Place, Table, Value, integer};
use crate::task::class_fault;

/// The labels of a file, without knowing yet what they are.
pub(super) struct Seen {
    pub(super) rows: usize,
    /// The different labels with the rows of each; one more than [`MAX_CLASSES`] if there are more than that.
    different: BTreeMap<String, usize>,
    /// The first label that is no integer.
    not_integer: Option<(Place, String)>,
    /// The first label that is no finite number.
    not_number: Option<(Place, String)>,
    /// The first label that is -1.
    minus_one: Option<Place>,
    /// The first label that cannot be the name of a class, with what would be one.
    no_name: Option<(Place, String, String)>,
    /// Whether a label is a number with a fraction.
    has_fraction: bool,
    /// The lowest label that is a number.
    pub(super) min: f32,
    /// The highest.
    pub(super) max: f32,
}

/// The labels of a file that may have placeholders for them.
pub(super) enum TestLabels {
    /// None: every label is -1, empty or null.
    Placeholders,
    /// Labels.
    Real,
}

impl Seen {
    /// Reads the labels of a file.
    pub(super) fn of(table: &Table, column: &str) -> Result<Self, TaskError> {
        let mut seen = Self {
            rows: 0,
            different: BTreeMap::new(),
            not_integer: None,
            not_number: None,
            minus_one: None,
            no_name: None,
            has_fraction: false,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
        };
        table.visit(&[column], &mut |place, values| {
            let label = strip(place.text(table.path(), column, values[0])?);
            if label.is_empty() {
                return Err(place.label_fault(table.path(), column, label, "a label"));
            }
            seen.push(place, label);
            Ok(ControlFlow::Continue(()))
        })?;
        match seen.rows {
            0 => Err(TaskError::NoExamples {
                path: table.path().to_owned(),
            }),
            _ => Ok(seen),
        }
    }

    fn push(&mut self, place: Place, label: &str) {
        self.rows += 1;
        match integer(label) {
            Some(-1) if self.minus_one.is_none() => self.minus_one = Some(place),
            None if self.not_integer.is_none() => {
                self.not_integer = Some((place, label.to_owned()));
            }
            _ => {}
        }
        match number(label) {
            Some(number) => {
                self.has_fraction |= number.fract() != 0.0;
                self.min = self.min.min(number);
                self.max = self.max.max(number);
            }
            None if self.not_number.is_none() => self.not_number = Some((place, label.to_owned())),
            None => {}
        }
        if let Some(rows) = self.different.get_mut(label) {
            *rows += 1;
        } else if self.different.len() <= MAX_CLASSES {
            self.different.insert(label.to_owned(), 1);
            if self.no_name.is_none()
                && let Some(expected) = class_fault(label)
            {
                self.no_name = Some((place, label.to_owned(), expected));
            }
        }
    }

    /// Returns the rows of each class, as [`classes`](Self::classes) tells classes apart.
    pub(super) fn class_counts(&self) -> Vec<usize> {
        let mut counts: BTreeMap<(Option<i128>, &str), usize> = BTreeMap::new();
        for (label, rows) in &self.different {
            let key = match (&self.not_integer, integer(label)) {
                (None, Some(value)) => (Some(value), ""),
                _ => (None, label.as_str()),
            };
            *counts.entry(key).or_default() += rows;
        }
        counts.into_values().collect()
    }

    /// Returns whether the labels are scores: numbers, at least one of them with a fraction.
    ///
    /// `run_glue.py` takes every column of floats for scores. Numbers such as 1.0 are as often classes that
    /// pandas wrote beside a missing value.
    pub(super) fn are_scores(&self, table: &Table, column: &str) -> Result<bool, TaskError> {
        if let Some((place, label)) = &self.not_number {
            return match self.has_fraction {
                false => Ok(false),
                // Classes are not numbered 0.5 and 1.5, so this is a slip in a column of scores.
                true => {
                    let expected = "a finite number, as other labels have fractions";
                    Err(place.label_fault(table.path(), column, label, expected))
                }
            };
        }
        match &self.not_integer {
            None => Ok(false),
            Some(_) if self.has_fraction => Ok(true),
            Some((place, label)) => {
                let expected = "integers or words for classes, or --regression for scores";
                Err(place.label_fault(table.path(), column, label, expected))
            }
        }
    }

    /// Makes sure that the labels are scores.
    pub(super) fn check_scores(&self, table: &Table, column: &str) -> Result<(), TaskError> {
        match &self.not_number {
            None => Ok(()),
            Some((place, label)) => {
                Err(place.label_fault(table.path(), column, label, "a finite number"))
            }
        }
    }

    /// Returns the classes, sorted as Python sorts them: integers by value, words by code points. -1 is no class beside
    /// labels that count from 0, as in the hub's files of GLUE.
    pub(super) fn classes(&self, table: &Table, column: &str) -> Result<Vec<String>, TaskError> {
        let fault = |found: String, expected: String| {
            Err(TaskError::Table {
                path: table.path().to_owned(),
                found,
                expected,
            })
        };
        let names: Vec<String> = match self.not_integer {
            None => {
                let values: BTreeSet<i128> = self
                    .different
                    .keys()
                    .filter_map(|name| integer(name))
                    .collect();
                values.iter().map(i128::to_string).collect()
            }
            Some(_) => self.different.keys().cloned().collect(),
        };
        if self.not_integer.is_none()
            && names.iter().any(|name| name == "0")
            && let Some(place) = self.minus_one
        {
            let expected = "a class: beside labels from 0, -1 means no label; remove such rows, or write the classes in words";
            return Err(place.label_fault(table.path(), column, "-1", expected));
        }
        let example = excerpt(&names[0]);
        if self.different.len() > MAX_CLASSES {
            return fault(
                format!("column {column:?} has more than {MAX_CLASSES} different labels, such as {example:?}"),
                "at most that many classes; it is probably not the label column (--label-column NAME)"
                    .to_owned(),
            );
        }
        if names.len() == self.rows && self.rows > 2 {
            return fault(
                format!("every label in column {column:?} is different, such as {example:?}"),
                "classes of several rows; it is probably not the label column (--label-column NAME)"
                    .to_owned(),
            );
        }
        if names.len() == 1 {
            return fault(
                format!("every label in column {column:?} is {example:?}"),
                "at least two classes".to_owned(),
            );
        }
        match &self.no_name {
            Some((place, label, expected)) => {
                Err(place.label_fault(table.path(), column, label, expected))
            }
            None => Ok(names),
        }
    }
}

/// Makes sure that every label of a file is one of the task's.
pub(super) fn check(table: &Table, column: &str, outputs: &Outputs) -> Result<(), TaskError> {
    let mut labels = Labels::new(outputs);
    table.visit(&[column], &mut |place, values| {
        let label = strip(place.text(table.path(), column, values[0])?);
        let pushed = labels.push(label);
        pushed.map_err(|expected| {
            let expected = match integer(label) {
                Some(-1) => format!("{expected}; -1 means no label"),
                _ => expected,
            };
            place.label_fault(table.path(), column, label, expected)
        })?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(())
}

impl TestLabels {
    /// Looks at the labels of a file; -1 is a label if `known` says so.
    pub(super) fn of(
        table: &Table,
        column: &str,
        known: Option<&Outputs>,
    ) -> Result<Self, TaskError> {
        let is_class =
            matches!(known, Some(Outputs::Classes(names)) if names.iter().any(|n| n == "-1"));
        let mut all = true;
        table.visit(&[column], &mut |_, values| {
            all = match values[0] {
                Value::Text(text) => match strip(text) {
                    "" => true,
                    label => !is_class && number(label) == Some(-1.0),
                },
                Value::Other(kind) => kind == "null" || kind == "missing",
            };
            Ok(match all {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })?;
        Ok(match all {
            true => Self::Placeholders,
            false => Self::Real,
        })
    }
}

/// Returns the value of a label that is a finite number.
fn number(label: &str) -> Option<f32> {
    label.parse().ok().filter(|number: &f32| number.is_finite())
}
