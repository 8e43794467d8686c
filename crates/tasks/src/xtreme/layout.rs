//! How the files of a task are laid out, in English to train on and in each language to score.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::TaskError;
use crate::glue::{hub_columns, tsv_columns};
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::{Format, ParquetColumns, Quotes, Source, TsvColumns};
use crate::task::{EvaluationSet, Task};

use super::language_set;

/// The language of the training file and of the dev set that gives the headline.
pub(super) const ENGLISH: &str = "en";

/// The longest first line that is looked at to count a file's columns, in bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// Describes a task of XTREME, wherever its files are.
#[derive(Clone, Debug)]
pub struct XtremeTask {
    /// Name that XTREME's `scripts/train.sh` takes.
    pub name: &'static str,
    /// Name of the data set.
    pub title: &'static str,
    /// The outputs of a model's head, in the hub's order.
    pub outputs: Outputs,
    /// The metrics, the headline first.
    pub metrics: Vec<Metric>,
    /// The languages, English among them, in alphabetical order.
    pub languages: &'static [&'static str],
    /// Repository of the Hugging Face hub with the task's files.
    pub repository: &'static str,
    /// Names that the task's folder may have.
    pub folders: &'static [&'static str],
    /// Where the file of a portion in a language may be, seen from the task's folder; the first that is there is read.
    pub(super) places: fn(Portion, &str) -> Vec<Place>,
}

/// Says on which sets a model is scored in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LanguageSets {
    /// The dev sets.
    Dev,
    /// The test sets.
    Test,
}

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Portion {
    Train,
    Dev,
    Test,
}

/// A file that may hold a portion in a language.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) format: Format,
    /// Whether the file has labels in one copy and none in another: one column more or less.
    pub(super) may_lack_labels: bool,
}

impl LanguageSets {
    /// Returns the word that the names of the sets begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }

    fn portion(self) -> Portion {
        match self {
            Self::Dev => Portion::Dev,
            Self::Test => Portion::Test,
        }
    }
}

impl Portion {
    /// XTREME's word.
    fn xtreme(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }

    /// The hub's word.
    fn hub(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "validation",
            Self::Test => "test",
        }
    }
}

impl Place {
    pub(super) fn tsv(path: impl Into<String>, columns: TsvColumns) -> Self {
        Self {
            path: path.into(),
            format: Format::Tsv(columns),
            may_lack_labels: false,
        }
    }

    /// The file that XTREME's download makes, without a header. It leaves the labels out of test sets.
    pub(super) fn of_xtreme(portion: Portion, language: &str, missing: &[&str]) -> Self {
        let columns = TsvColumns {
            header: None,
            quotes: Quotes::Doubled,
            missing: missing.iter().map(|&text| text.to_owned()).collect(),
            ..tsv_columns(
                "sentence1\tsentence2\tlabel",
                &["sentence1", "sentence2"],
                Some("label"),
            )
        };
        Self {
            may_lack_labels: portion == Portion::Test,
            ..Self::tsv(format!("{}-{language}.tsv", portion.xtreme()), columns)
        }
    }

    pub(super) fn parquet(path: impl Into<String>, columns: ParquetColumns) -> Self {
        Self {
            path: path.into(),
            format: Format::Parquet(columns),
            may_lack_labels: false,
        }
    }

    /// The file of a folder of the hub, such as `de/test-00000-of-00001.parquet`.
    pub(super) fn of_hub(folder: &str, portion: Portion, columns: ParquetColumns) -> Self {
        Self::parquet(hub_path(folder, portion), columns)
    }

    /// Its source at a path that is there.
    fn source(self, path: PathBuf) -> Source {
        let mut format = self.format;
        if let (true, Format::Tsv(columns)) = (self.may_lack_labels, &mut format)
            && columns_of_first_line(&path) == Some(columns.count - 1)
        {
            columns.count -= 1;
            columns.label = None;
        }
        Source { path, format }
    }
}

/// Columns of the hub's files, whose labels are positions of these classes.
pub(super) fn classes_of_hub(sentences: [&str; 2], classes: &[&str]) -> ParquetColumns {
    ParquetColumns {
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        ..hub_columns(sentences[0], Some(sentences[1]))
    }
}

fn hub_path(folder: &str, portion: Portion) -> String {
    format!("{folder}/{}-00000-of-00001.parquet", portion.hub())
}

impl XtremeTask {
    /// Describes the task for files in `folder`: trained on English, with the evaluation set `dev-en` for the headline and a set
    /// of each of the languages beside it.
    ///
    /// The folder holds the files of the archives, those that XTREME's download makes of them, or the hub's Parquet files, or
    /// a folder of one of [these names](Self::folders) holds them. Of several copies, one with labels is read. With
    /// [`LanguageSets::Dev`], test sets that are there without labels can be predicted.
    ///
    /// # Errors
    ///
    /// - [`TaskError::NoLabels`] if the sets of the languages are to be scored and one of them has no labels;
    /// - [`TaskError::Description`] for a language that the task does not have, or that is there twice.
    pub fn in_folder(
        &self,
        folder: &Path,
        languages: &[&str],
        sets: LanguageSets,
    ) -> Result<Task, TaskError> {
        if let Some(other) = languages
            .iter()
            .find(|language| !self.languages.contains(language))
        {
            return Err(TaskError::Description {
                task: self.name.to_owned(),
                found: format!("language {other:?}"),
                expected: format!("one of {}", self.languages.join(", ")),
            });
        }
        let set = |sets: LanguageSets, language: &str| EvaluationSet {
            name: language_set(sets, language),
            source: self.source(folder, sets.portion(), language),
        };
        let mut evaluation_sets = vec![set(LanguageSets::Dev, ENGLISH)];
        let is_headlines = |language: &&&str| sets == LanguageSets::Dev && **language == ENGLISH;
        let others = languages.iter().filter(|language| !is_headlines(language));
        evaluation_sets.extend(others.map(|language| set(sets, language)));
        for language in languages {
            let source = self.source(folder, sets.portion(), language);
            if !source.is_labelled() {
                return Err(TaskError::NoLabels {
                    expected: format!(
                        "beside it {}, or the dev sets to be scored",
                        self.labelled_tests(folder, language)
                    ),
                    path: source.path,
                });
            }
        }
        if sets == LanguageSets::Dev {
            let tests = languages
                .iter()
                .map(|language| set(LanguageSets::Test, language));
            let is_to_predict = |set: &EvaluationSet| !set.source.is_labelled();
            evaluation_sets.extend(tests.filter(is_to_predict));
        }
        Task::new(
            self.name,
            self.outputs.clone(),
            self.metrics.clone(),
            self.source(folder, Portion::Train, ENGLISH),
            evaluation_sets,
        )
    }

    /// Returns the hub's files that are read to train on English and to score these languages.
    pub fn hub_files(&self, languages: &[&str], sets: LanguageSets) -> Vec<String> {
        let mut files = vec![
            hub_path(ENGLISH, Portion::Train),
            hub_path(ENGLISH, Portion::Dev),
        ];
        for language in languages {
            let file = hub_path(language, sets.portion());
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files
    }

    /// Whether the folder, or one in it of one of the task's names, holds the training file.
    pub fn is_in(&self, folder: &Path) -> bool {
        self.found(folder, Portion::Train, ENGLISH).is_some()
    }

    fn source(&self, folder: &Path, portion: Portion, language: &str) -> Source {
        match self.found(folder, portion, language) {
            Some(source) => source,
            None => {
                // The error about it names the archive's file, in the folder of the others.
                let first = (self.places)(portion, language).swap_remove(0);
                let mut inner = self.folders.iter().map(|inner| folder.join(inner));
                let root = inner.find(|inner| inner.is_dir());
                Source {
                    path: root.unwrap_or(folder.to_owned()).join(&first.path),
                    format: first.format,
                }
            }
        }
    }

    /// The first file that is there with labels, or else the first that is there.
    fn found(&self, folder: &Path, portion: Portion, language: &str) -> Option<Source> {
        let inner = self.folders.iter().map(|inner| folder.join(inner));
        let roots: Vec<PathBuf> = std::iter::once(folder.to_owned()).chain(inner).collect();
        let mut unlabelled = None;
        for place in (self.places)(portion, language) {
            let mut paths = roots.iter().map(|root| root.join(&place.path));
            let Some(path) = paths.find(|path| path.is_file()) else {
                continue;
            };
            let source = place.source(path);
            if source.is_labelled() {
                return Some(source);
            }
            unlabelled = unlabelled.or(Some(source));
        }
        unlabelled
    }

    /// Where a file with labels of a language may be, for a message.
    fn labelled_tests(&self, folder: &Path, language: &str) -> String {
        let mut places = (self.places)(Portion::Test, language).into_iter();
        let labelled = places.find(|place| !place.may_lack_labels);
        labelled.map_or_else(
            || "a file with labels".to_owned(),
            |place| folder.join(place.path).display().to_string(),
        )
    }
}

/// The columns of a TSV file by its first line; `None` if it cannot be read.
fn columns_of_first_line(path: &Path) -> Option<usize> {
    let mut reader = BufReader::new(File::open(path).ok()?.take(LONGEST_LINE));
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    Some(line.split(|byte| *byte == b'\t').count())
}
