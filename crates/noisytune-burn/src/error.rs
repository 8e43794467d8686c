use core::fmt;

use thiserror::Error;

use crate::SkipReason;

/// What can go wrong when noise is configured or applied, or two modules are compared.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum NoisyTuneError {
    /// The noise intensity is negative, infinite or not a number.
    #[error("lambda must be a finite number of at least 0, got {lambda}")]
    InvalidLambda {
        /// The refused intensity.
        lambda: f64,
    },
    /// One scale for the whole module was asked of a mapper, which sees one parameter after the other.
    #[error("global scale needs the whole module: use `survey` or `try_noisy_tune`")]
    SurveyNeeded,
    /// Names, presets or groups of the selection match nothing in the module.
    #[error("parts of the selection match no parameter: {}", names.join(", "))]
    UnmatchedNames {
        /// What no parameter matches.
        names: Vec<String>,
    },
    /// The module was changed after it was surveyed, or it is another one.
    #[error("module is not as surveyed at parameter {path}: survey it again")]
    StaleSurvey {
        /// Path of the first parameter that is not as it was.
        path: String,
    },
    /// Not one parameter of the module was perturbed.
    #[error("{}", nothing_perturbed(*considered, reasons))]
    NothingPerturbed {
        /// Number of float tensors that the traversal reached.
        considered: usize,
        /// How often each reason to skip occurred.
        reasons: Vec<(SkipReason, usize)>,
    },
    /// One scale for the whole module was asked for, but no finite, positive one exists.
    #[error(
        "global std of the {parameters} selected parameters is {std}, must be finite and above 0{}",
        left_out(*non_finite)
    )]
    UnusableGlobalStd {
        /// Number of selected parameters.
        parameters: usize,
        /// How many of them have a NaN or an infinity among their elements, and were left out.
        non_finite: usize,
        /// The pooled standard deviation.
        std: f64,
    },
    /// A parameter is present in only one of two compared modules.
    #[error("parameter {path} is in the {present} module only")]
    UnmatchedParameter {
        /// Path of the parameter.
        path: String,
        /// Which of the two modules has it.
        present: Side,
    },
    /// A parameter has different shapes in two compared modules.
    #[error(
        "parameter {path} has shape {first:?} in the first module and {second:?} in the second"
    )]
    ShapeMismatch {
        /// Path of the parameter.
        path: String,
        /// Shape in the first module.
        first: Vec<usize>,
        /// Shape in the second module.
        second: Vec<usize>,
    },
    /// A pattern that names a group of parameters is not a regular expression.
    #[error("pattern {pattern:?} of group {name} is not a regular expression: {message}")]
    InvalidPattern {
        /// Name of the group.
        name: String,
        /// The refused pattern.
        pattern: String,
        /// What the parser says, on one line.
        message: String,
    },
}

/// One of two modules that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one given first.
    First,
    /// The other one.
    Second,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::First => "first",
            Self::Second => "second",
        })
    }
}

/// With the reasons and their counts, such as `not selected (3), buffer (2)`.
fn nothing_perturbed(considered: usize, reasons: &[(SkipReason, usize)]) -> String {
    if considered == 0 {
        return "the module has no float parameter to perturb".to_string();
    }
    let parts: Vec<String> = reasons
        .iter()
        .map(|(reason, count)| format!("{reason} ({count})"))
        .collect();
    format!(
        "no parameter was perturbed: {considered} found, skipped as {}",
        parts.join(", ")
    )
}

fn left_out(non_finite: usize) -> String {
    match non_finite {
        0 => String::new(),
        some => format!("; left out for NaN or infinities: {some}"),
    }
}
