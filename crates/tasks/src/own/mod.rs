//! A task from files of one's own.

mod columns;
mod labels;

use std::path::{Path, PathBuf};

pub(crate) use columns::Columns;
use labels::{Seen, TestLabels};

use crate::error::TaskError;
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::table::{Table, listed};
use crate::source::{Format, HeldOut, Part, Source, TableColumns};
use crate::task::{EvaluationSet, Task};

/// Most classes of a task. A column with more different labels is probably another one.
const MAX_CLASSES: usize = 1000;

/// Describes a task by files of one's own, with the options of transformers' `run_glue.py`.
///
/// What formats there are, and how files are read, is said at [`TableColumns`].
///
/// | field | default | purpose |
/// |---|---|---|
/// | `train` | | the file to train on; its labels are the classes |
/// | `validation` | none | the file to evaluate on, the evaluation set `validation` |
/// | `validation_split` | none | in place of it, the share of `train` to hold out, between 0 and 1 |
/// | `split_seed` | 0 | keys the draw of that share |
/// | `test` | none | a file to predict, the evaluation set `test`; without labels, or labels of -1, it is not scored |
/// | `text_column` | guessed | the column of the sentence, or of the first of a pair |
/// | `text_pair_column` | guessed | the column of the second |
/// | `label_column` | `label` | the column of the label |
/// | `regression` | false | labels are scores, even if all are whole numbers |
///
/// A column is found by its name; a spelling that differs in case and surrounding white space will do if
/// only one column has it. If no text column is named, it is `sentence1` with `sentence2`, or another
/// pair or sentence of `run_glue.py`'s table, or `text`. If there is none of them, the only column beside the
/// label that holds more than numbers is taken. Anything else is an error that lists the columns.
///
/// Classes are the different labels of the training file, sorted as `run_glue.py` sorts them: words by code
/// points, integers by value. Numbers of which one has a fraction are scores, as they are for
/// `run_glue.py`; floats that are all whole (`1.0`) are an error unless `regression` says that they are
/// scores. The range of scores is that of all labelled files.
///
/// # Examples
///
/// ```no_run
/// use tasks::OwnFiles;
///
/// let mut files = OwnFiles::new("reviews.csv");
/// files.validation_split = Some(0.1);
/// let own = files.task()?;
/// println!("{}", own.statement);
/// let train = own.task.read_train()?;
/// # Ok::<(), tasks::TaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OwnFiles {
    /// The file to train on.
    pub train: PathBuf,
    /// The file to evaluate on.
    pub validation: Option<PathBuf>,
    /// The file to predict.
    pub test: Option<PathBuf>,
    /// The share of `train` to hold out in place of `validation`.
    pub validation_split: Option<f64>,
    /// Keys the draw of that share.
    pub split_seed: u64,
    /// The column of the sentence, or of the first of a pair.
    pub text_column: Option<String>,
    /// The column of the second sentence of a pair.
    pub text_pair_column: Option<String>,
    /// The column of the label.
    pub label_column: Option<String>,
    /// Whether labels are scores.
    pub regression: bool,
}

/// A task from files of one's own, and how they were understood.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTask {
    /// The task. Its evaluation sets are `validation` and, if there is such a file, `test`.
    pub task: Task,
    /// The columns, the classes and the files, in one line.
    pub statement: String,
}

/// A file with its columns.
struct OwnFile {
    table: Table,
    columns: Columns,
}

impl OwnFiles {
    /// Describes a task by its training file, with defaults for everything else.
    pub fn new(train: impl Into<PathBuf>) -> Self {
        Self {
            train: train.into(),
            validation: None,
            test: None,
            validation_split: None,
            split_seed: 0,
            text_column: None,
            text_pair_column: None,
            label_column: None,
            regression: false,
        }
    }

    /// Looks for the columns and the classes, and checks every label.
    ///
    /// The task is named after the training file, and after the share that is held out of it.
    ///
    /// # Errors
    ///
    /// - [`TaskError::Description`] for options that contradict each other;
    /// - [`TaskError::Unreadable`], [`TaskError::NotUtf8`], [`TaskError::Parquet`] and
    ///   [`TaskError::NoExamples`] for a file that cannot be used;
    /// - [`TaskError::Table`] for a column that is missing, doubtful, or no column of labels;
    /// - [`TaskError::Line`], [`TaskError::Value`] and [`TaskError::ParquetValue`] for a row or a label that
    ///   cannot be used.
    pub fn task(&self) -> Result<OwnTask, TaskError> {
        self.check_options()?;
        let table = Table::at(&self.train)?;
        let columns = Columns::of_train(&table, self)?;
        let train = OwnFile { table, columns };
        let validation = self.validation.as_deref();
        let validation = validation
            .map(|path| train.labelled_like(path))
            .transpose()?;
        let test = self.test.as_deref();
        let test = test.map(|path| train.like(path)).transpose()?;

        let seen = Seen::of(&train.table, train.label())?;
        let scores = self.regression || seen.are_scores(&train.table, train.label())?;
        let (outputs, test) = match scores {
            true => scores_of(&train, &seen, validation.as_ref(), test)?,
            false => classes_of(&train, &seen, validation.as_ref(), test)?,
        };

        if let (Outputs::Classes(names), Some(share)) = (&outputs, self.validation_split)
            && names.len() == seen.rows
        {
            return Err(TaskError::Table {
                path: self.train.clone(),
                found: format!("{} rows of {} classes", seen.rows, names.len()),
                expected: format!("a class of two rows, of which to hold {share} out"),
            });
        }
        let held_out = self.validation_split.map(|share| HeldOut {
            // As train_test_split of the datasets library rounds it.
            rows: (share * seen.rows as f64).ceil() as usize,
            seed: self.split_seed,
        });
        let validation_source = match (&validation, held_out) {
            (Some(file), _) => file.source(None),
            (None, held_out) => train.source(held_out.map(Part::Validation)),
        };
        let set = |name: &str, source| EvaluationSet {
            name: name.to_owned(),
            source,
        };
        let mut sets = vec![set("validation", validation_source)];
        sets.extend(test.as_ref().map(|file| set("test", file.source(None))));
        let task = Task::new(
            self.name(),
            outputs.clone(),
            metrics(&outputs),
            train.source(held_out.map(Part::Train)),
            sets,
        )?;
        if test.is_some() {
            // Training reads the other files, but this one may be wanted only after it.
            task.read_evaluation_set("test")?;
        }
        Ok(OwnTask {
            statement: self.statement(&train, &seen, &outputs, held_out, test.as_ref()),
            task,
        })
    }

    fn name(&self) -> String {
        let name = self.train.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').find(|part| !part.is_empty());
        let name = name.unwrap_or("own").replace(char::is_control, "_");
        match self.validation_split {
            None => name,
            Some(share) => format!("{name}-held-out-{share}-seed-{}", self.split_seed),
        }
    }

    fn check_options(&self) -> Result<(), TaskError> {
        let fault = |found: String, expected: &str| {
            Err(TaskError::Description {
                task: self.name(),
                found,
                expected: expected.to_owned(),
            })
        };
        match (&self.validation, self.validation_split) {
            (Some(_), Some(_)) => fault(
                "both a validation file and a validation split".to_owned(),
                "one of --validation-file and --validation-split",
            ),
            (None, None) => fault(
                "nothing to evaluate on".to_owned(),
                "--validation-file FILE or --validation-split 0.1",
            ),
            (None, Some(share)) if !(share > 0.0 && share < 1.0) => fault(
                format!("validation split {share}"),
                "a share between 0 and 1, such as 0.1",
            ),
            _ => Ok(()),
        }
    }

    fn statement(
        &self,
        train: &OwnFile,
        seen: &Seen,
        outputs: &Outputs,
        held_out: Option<HeldOut>,
        test: Option<&OwnFile>,
    ) -> String {
        let columns = &train.columns;
        let texts = match &columns.sentence2 {
            None => format!("text in column {:?}", columns.sentence),
            Some(second) => format!("pairs in columns {:?} and {second:?}", columns.sentence),
        };
        let labels = match outputs {
            Outputs::Classes(names) => format!("{} classes: {}", names.len(), listed(names)),
            Outputs::Score { min, max } if self.regression => format!("scores from {min} to {max}"),
            Outputs::Score { min, max } => {
                format!("scores from {min} to {max}, because labels have fractions")
            }
        };
        let validation = match (&self.validation, held_out) {
            (Some(path), _) => format!("validation on {}", path.display()),
            (None, held_out) => {
                let held_out = held_out.unwrap_or(HeldOut { rows: 0, seed: 0 });
                let counts = match outputs {
                    Outputs::Classes(_) => seen.class_counts(),
                    Outputs::Score { .. } => vec![seen.rows],
                };
                let rows = held_out.count(&counts);
                // A single row is trained on, and its class never scored.
                let singles = counts.iter().filter(|count| **count == 1).count();
                let more = match (singles, rows > held_out.rows) {
                    (0, false) => String::new(),
                    (0, true) => ", one of each class at least".to_owned(),
                    (singles, _) => {
                        let classes = match singles {
                            1 => "class".to_owned(),
                            several => format!("{several} classes"),
                        };
                        format!(", none of the {classes} with a single row")
                    }
                };
                format!(
                    "{rows} of {} rows held out for validation with seed {}{more}",
                    seen.rows, held_out.seed
                )
            }
        };
        let test = match test {
            None => String::new(),
            Some(file) => {
                let labels = if file.columns.label.is_some() {
                    "with"
                } else {
                    "without"
                };
                format!(
                    "; {} {labels} labels for testing",
                    file.table.path().display()
                )
            }
        };
        format!(
            "{}: {texts} ({}), label in column {:?} ({}); {labels}; {validation}{test}",
            self.train.display(),
            columns.text_reason,
            train.label(),
            columns.label_reason,
        )
    }
}

impl OwnFile {
    /// Opens another file with the same columns. Its label may be missing.
    fn like(&self, path: &Path) -> Result<Self, TaskError> {
        let table = Table::at(path)?;
        let columns = self.columns.in_file(&table)?;
        Ok(Self { table, columns })
    }

    /// Opens another file with the same columns.
    fn labelled_like(&self, path: &Path) -> Result<Self, TaskError> {
        let file = self.like(path)?;
        match &file.columns.label {
            Some(_) => Ok(file),
            None => Err(file.table.no_column(self.label(), &file.table.header()?)),
        }
    }

    /// The label column, or nothing for a file without one.
    fn label(&self) -> &str {
        self.columns.label.as_deref().unwrap_or_default()
    }

    fn source(&self, part: Option<Part>) -> Source {
        let Columns {
            sentence,
            sentence2,
            label,
            ..
        } = self.columns.clone();
        Source {
            path: self.table.path().to_owned(),
            format: Format::Table(TableColumns {
                sentence,
                sentence2,
                label,
                part,
            }),
        }
    }

    /// Forgets the label column if it only has placeholders.
    fn without_placeholders(mut self, known: Option<&Outputs>) -> Result<Self, TaskError> {
        if let Some(column) = &self.columns.label
            && let TestLabels::Placeholders = TestLabels::of(&self.table, column, known)?
        {
            self.columns.label = None;
        }
        Ok(self)
    }
}

fn classes_of(
    train: &OwnFile,
    seen: &Seen,
    validation: Option<&OwnFile>,
    test: Option<OwnFile>,
) -> Result<(Outputs, Option<OwnFile>), TaskError> {
    let outputs = Outputs::Classes(seen.classes(&train.table, train.label())?);
    let test = test.map(|file| file.without_placeholders(Some(&outputs)));
    let test = test.transpose()?;
    let others = validation.into_iter().chain(&test);
    for file in others.filter(|file| file.columns.label.is_some()) {
        labels::check(&file.table, file.label(), &outputs)?;
    }
    Ok((outputs, test))
}

fn scores_of(
    train: &OwnFile,
    seen: &Seen,
    validation: Option<&OwnFile>,
    test: Option<OwnFile>,
) -> Result<(Outputs, Option<OwnFile>), TaskError> {
    let test = test.map(|file| file.without_placeholders(None));
    let test = test.transpose()?;
    seen.check_scores(&train.table, train.label())?;
    let (mut min, mut max) = (seen.min, seen.max);
    if min == max {
        return Err(TaskError::Table {
            path: train.table.path().to_owned(),
            found: format!("every label in column {:?} is {min}", train.label()),
            expected: "different scores".to_owned(),
        });
    }
    let others = validation.into_iter().chain(&test);
    for file in others.filter(|file| file.columns.label.is_some()) {
        let seen = Seen::of(&file.table, file.label())?;
        seen.check_scores(&file.table, file.label())?;
        (min, max) = (min.min(seen.min), max.max(seen.max));
    }
    Ok((Outputs::Score { min, max }, test))
}

/// The metrics of a task of one's own, the headline first.
fn metrics(outputs: &Outputs) -> Vec<Metric> {
    match outputs {
        Outputs::Classes(names) if names.len() == 2 => {
            vec![Metric::Accuracy, Metric::F1, Metric::MacroF1]
        }
        Outputs::Classes(_) => vec![Metric::Accuracy, Metric::MacroF1],
        Outputs::Score { .. } => vec![Metric::Pearson, Metric::Spearman],
    }
}
