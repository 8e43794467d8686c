//! What can be wrong with a study, in one line each.

use crate::draw::Draw;
use std::path::PathBuf;

use files::one_line;
use thiserror::Error;

use crate::shard::Shard;

/// An error of this crate: one line with the place, the value and what is accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A file cannot be read or written, or a line of it is not a record.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// λ is not a valid noise intensity.
    #[error(transparent)]
    Lambda(#[from] noisytune_burn::NoisyTuneError),
    /// A statistic cannot be computed.
    #[error(transparent)]
    Statistics(#[from] crate::statistics::Error),
    /// A setting is out of range.
    #[error("{name} is {value}, accepted is {accepted}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// Its value.
        value: String,
        /// The accepted values.
        accepted: &'static str,
    },
    /// No method has a hyperparameter of this name.
    #[error("unknown hyperparameter {name}, known are {known}")]
    UnknownHyperparameter {
        /// Its name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A file is not the configuration of a study.
    #[error("{}: not a study's configuration: {}", path.display(), one_line(reason))]
    Config {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        reason: String,
    },
    /// A file is not the plan of a study.
    #[error("{}: not a study's plan: {}", path.display(), one_line(reason))]
    Plan {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        reason: String,
    },
    /// A run's predictions are not those that its score was computed from.
    #[error(
        "{}: {metric} of these predictions is {score}, but the run recorded {recorded}; restore the file, or remove it",
        path.display()
    )]
    Predictions {
        /// The file of predictions.
        path: PathBuf,
        /// Name of the metric.
        metric: String,
        /// What they score by it.
        score: f64,
        /// What the run recorded.
        recorded: f64,
    },
    /// A run was recorded without predictions of a set that are needed now.
    #[error(
        "{}:{line}: {run} was trained without predicting {set}; choose another folder (--out DIR), where the same command trains it again and predicts {set}",
        path.display()
    )]
    NoPredictions {
        /// The file of records.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The run.
        run: String,
        /// The evaluation set.
        set: String,
    },
    /// Both points of a comparison have one run, made again for every seed.
    #[error(
        "the seeds vary {}, which decides nothing for {point} and {control}: every pair would be the same; accepted is a draw in which their runs differ, such as head, order or dropout",
        names(vary)
    )]
    SeedsDecideNothing {
        /// What the seeds decide.
        vary: Vec<Draw>,
        /// Label of the point.
        point: String,
        /// Label of the point it is compared with.
        control: String,
    },
    /// RecAdam would throw the parameters away from where they are to return to.
    #[error(
        "recadam.pull {pull} times learning rate {learning_rate} is {}, above 2, where parameters diverge; accepted are a smaller product, and any with recadam.largest-pull from above 0 to 2",
        short(pull * learning_rate)
    )]
    PullDiverges {
        /// The coefficient of the pull.
        pull: f64,
        /// The highest learning rate.
        learning_rate: f64,
    },
    /// No shard is called so.
    #[error("shard is {value}, accepted is {accepted}")]
    Shard {
        /// Its name.
        value: String,
        /// The accepted ones.
        accepted: String,
    },
    /// A folder has records of shards of different numbers of them.
    #[error(
        "{}: shards of different numbers of shards ({files}); merge those of one number (--merge) before others begin, or move them to \
         another folder",
        folder.display()
    )]
    DifferentShards {
        /// The study's folder.
        folder: PathBuf,
        /// Their files.
        files: String,
    },
    /// A folder has records of shards of another number than the one that is to begin.
    #[error(
        "{}: has shards of another number ({files}) than shard {shard}; merge them (--merge) before others begin, or choose another \
         folder",
        folder.display()
    )]
    OtherShards {
        /// The study's folder.
        folder: PathBuf,
        /// The files of the others.
        files: String,
        /// The one that is to begin.
        shard: Shard,
    },
    /// The runs of a study were made under a plan that sets out to do something else.
    #[error(
        "{}: planned with {field} {recorded}, now it is {current}; give every shard and the merge the same options, or choose another \
         folder",
        path.display()
    )]
    OtherPlan {
        /// The file of the plan.
        path: PathBuf,
        /// The field that differs, with dots for one inside another.
        field: String,
        /// Its value in the plan.
        recorded: String,
        /// Its value now.
        current: String,
    },
    /// The folder holds runs that were made on a device of another kind.
    #[error(
        "{}:{line}: recorded on device {recorded}, now it is {current}; choose another folder, or compare runs of different devices \
         (--mixed-devices)",
        path.display()
    )]
    OtherDevice {
        /// The file of records.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The device in the record.
        recorded: String,
        /// The device now.
        current: String,
    },
    /// There is nothing to summarise.
    #[error("no run is recorded; expected at least one")]
    NoRecords,
    /// The folder holds the runs of another study.
    #[error(
        "{}:{line}: recorded with {field} {recorded}, now it is {current}; choose another folder",
        path.display()
    )]
    OtherStudy {
        /// The file of records.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The setting that differs, with dots for one inside another.
        field: String,
        /// Its value in the record.
        recorded: String,
        /// Its value now.
        current: String,
    },
}

impl StudyError {
    /// Makes the error of a setting that is out of range.
    pub fn setting(name: &'static str, value: impl ToString, accepted: &'static str) -> Self {
        Self::Setting {
            name,
            value: value.to_string(),
            accepted,
        }
    }

    /// Whether the settings alone cause it, before any file is read.
    pub fn is_of_settings(&self) -> bool {
        matches!(
            self,
            Self::Lambda(_)
                | Self::Setting { .. }
                | Self::UnknownHyperparameter { .. }
                | Self::Shard { .. }
                | Self::SeedsDecideNothing { .. }
                | Self::PullDiverges { .. }
        )
    }
}

/// A product without the digits that its rounding adds.
fn short(product: f64) -> f64 {
    format!("{product:.11e}").parse().unwrap_or(product)
}

fn names(vary: &[Draw]) -> String {
    let names: Vec<&str> = vary.iter().map(|draw| draw.name()).collect();
    names.join(", ")
}
