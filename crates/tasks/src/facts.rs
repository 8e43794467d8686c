//! What is worth knowing about a file before training on it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::outputs::Outputs;
use crate::split::{Example, Split};
use crate::targets::Targets;

/// The share of the largest class above which accuracy says little.
const LARGEST_SHARE: f64 = 0.8;

/// Counts of a file's rows, for a report.
///
/// # Examples
///
/// ```
/// use tasks::{Example, Outputs, Split, SplitFacts, Targets};
///
/// let example = |sentence: &str| Example {
///     sentence: sentence.to_owned(),
///     sentence2: None,
/// };
/// let split = Split {
///     examples: vec![example("well lit"), example("dull"), example("dull")],
///     targets: Some(Targets::Classes(vec![1, 0, 1])),
///     count: 3,
///     rows: None,
///     sha256: String::new(),
///     notes: Vec::new(),
/// };
/// let facts = SplitFacts::of(&split, &Outputs::classes(["no", "yes"]));
/// assert_eq!(facts.classes, [("no".to_owned(), 1), ("yes".to_owned(), 2)]);
/// assert_eq!(facts.conflicting, 2);
/// assert_eq!(facts.warnings().len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitFacts {
    /// The rows.
    pub rows: usize,
    /// The classes in the order of the head's outputs, with the rows of each; empty for scores and for a
    /// file without labels.
    pub classes: Vec<(String, usize)>,
    /// Rows whose sentence or pair, letter for letter, is that of an earlier row.
    pub repeated: usize,
    /// Rows whose sentence or pair occurs with different labels.
    pub conflicting: usize,
}

impl SplitFacts {
    /// Counts the rows that were read.
    pub fn of(split: &Split, outputs: &Outputs) -> Self {
        let rows = split.examples.len();
        let mut classes = Vec::new();
        if let (Outputs::Classes(names), Some(Targets::Classes(targets))) =
            (outputs, &split.targets)
        {
            classes.extend(names.iter().map(|name| (name.clone(), 0)));
            for &target in targets {
                if let Some((_, count)) = classes.get_mut(target) {
                    *count += 1;
                }
            }
        }

        let mut groups: HashMap<&Example, Group> = HashMap::with_capacity(rows);
        for (row, example) in split.examples.iter().enumerate() {
            let group = groups.entry(example).or_insert(Group {
                first: row,
                rows: 0,
                conflicting: false,
            });
            group.rows += 1;
            group.conflicting |= !have_same_label(&split.targets, group.first, row);
        }
        let conflicting = groups.values().filter(|group| group.conflicting);
        Self {
            rows,
            classes,
            repeated: rows - groups.len(),
            conflicting: conflicting.map(|group| group.rows).sum(),
        }
    }

    /// Returns the name and the share of the largest class, from 0 to 1; `None` without classes.
    pub fn largest_class(&self) -> Option<(&str, f64)> {
        // The first of equals.
        let largest = self.classes.iter().rev().max_by_key(|(_, count)| *count);
        let (name, count) = largest.filter(|_| self.rows > 0)?;
        Some((name, *count as f64 / self.rows as f64))
    }

    /// Returns what to be careful with, one line each, without the name of the file.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some((name, share)) = self.largest_class()
            && share > LARGEST_SHARE
        {
            // A single row is always of one class.
            let is_all = share == 1.0 && self.rows > 1;
            warnings.push(match is_all {
                true => format!("every row is of class {name}: there is nothing to tell apart"),
                false => format!(
                    "{:.1} % of the rows are of class {name}: accuracy says little",
                    100.0 * share
                ),
            });
        }
        if self.conflicting > 0 {
            warnings.push(format!(
                "{} of {} rows have a text that occurs with different labels",
                self.conflicting, self.rows
            ));
        }
        warnings
    }
}

/// The rows of the same sentence or pair.
struct Group {
    first: usize,
    rows: usize,
    conflicting: bool,
}

fn have_same_label(targets: &Option<Targets>, one: usize, other: usize) -> bool {
    match targets {
        None => true,
        Some(Targets::Classes(classes)) => classes[one] == classes[other],
        Some(Targets::Scores(scores)) => scores[one] == scores[other],
    }
}

impl Split {
    /// Counts the rows whose sentence or pair, letter for letter, occurs in another file. A model that
    /// was trained on that file has seen them.
    pub fn shared_with(&self, other: &Self) -> usize {
        let others: HashSet<&Example> = other.examples.iter().collect();
        let shared = self.examples.iter();
        shared.filter(|example| others.contains(example)).count()
    }
}
