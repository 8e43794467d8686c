//! Names and units of metrics and evaluation sets, as pages and sentences have them.

use tasks::{Metric, ValueKind};

/// A metric's name as written in a sentence.
pub fn metric_in_words(name: &str) -> String {
    Metric::named(name).map_or_else(|| name.to_owned(), |metric| metric.to_string())
}

/// What a page calls an evaluation set: `dev` for each of GLUE's dev sets, otherwise its name.
pub fn set_in_words(name: &str) -> &str {
    if name.starts_with("dev") { "dev" } else { name }
}

/// The unit of a metric's scores in points: `%` for a share, `points` for a correlation.
pub fn metric_unit(name: &str) -> &'static str {
    Metric::named(name).map_or("%", Metric::unit)
}

/// The unit of the training loss of a task with this metric: nats of cross-entropy, or a squared error.
pub fn loss_unit(name: &str) -> &'static str {
    match Metric::named(name).map(Metric::takes) {
        Some(ValueKind::Scores) => "squared error",
        _ => "nats",
    }
}
