//! Checks of the fields of a `config.json`; the message names the field, its value and what is accepted.

use std::fmt::Display;

use crate::blocks::Settings;

/// Far beyond any encoder, and more than memory holds: the module is laid out before a checkpoint is read.
const MOST_PARAMS: usize = 100_000_000_000;
/// Far beyond any encoder: the module is laid out layer by layer before a checkpoint is read.
const MOST_LAYERS: usize = 1_000;

/// Far beyond any encoder: distances are computed in 64 bits, with a sign.
const MOST_POSITIONS: usize = 1_000_000_000;

/// Fields of a configuration with their names: `&[("vocab_size", self.vocab_size), ..]`.
macro_rules! named {
    ($config:expr, $($field:ident),+ $(,)?) => {
        &[$((stringify!($field), $config.$field)),+]
    };
}
pub(super) use named;

/// Each count is at least 1.
pub(super) fn at_least_one(fields: &[(&str, usize)]) -> Result<(), String> {
    match fields.iter().find(|(_, value)| *value == 0) {
        None => Ok(()),
        Some((name, _)) => Err(format!("{name} is 0, accepted is at least 1")),
    }
}

/// The module fits into memory.
pub(super) fn size(params: usize, (layers_field, layers): (&str, usize)) -> Result<(), String> {
    if params > MOST_PARAMS {
        return Err(format!(
            "the encoder has {params} parameters, accepted is at most {MOST_PARAMS}"
        ));
    }
    match layers > MOST_LAYERS {
        false => Ok(()),
        true => Err(format!(
            "{layers_field} is {layers}, accepted is at most {MOST_LAYERS}"
        )),
    }
}

/// Positions that no parameter belongs to, so that [`size`] does not count them.
pub(super) fn positions(field: &str, positions: usize) -> Result<(), String> {
    match positions > MOST_POSITIONS {
        false => Ok(()),
        true => Err(format!(
            "{field} is {positions}, accepted is at most {MOST_POSITIONS}"
        )),
    }
}

/// A token has a row in the embedding.
pub(super) fn token(field: &str, token: Option<u32>, vocab_size: usize) -> Result<(), String> {
    match token {
        Some(token) if token as usize >= vocab_size => Err(format!(
            "{field} is {token}, accepted is below vocab_size {vocab_size}"
        )),
        _ => Ok(()),
    }
}

/// One count divides another.
pub(super) fn divides(
    (divisor_field, divisor): (&str, usize),
    (field, value): (&str, usize),
) -> Result<(), String> {
    match value.is_multiple_of(divisor) {
        true => Ok(()),
        false => Err(format!(
            "{divisor_field} is {divisor}, accepted is a divisor of {field} {value}"
        )),
    }
}

/// Each is the probability of a dropout.
pub(super) fn probabilities(fields: &[(&str, f64)]) -> Result<(), String> {
    match fields.iter().find(|(_, p)| !(0.0..1.0).contains(p)) {
        None => Ok(()),
        Some((name, value)) => Err(format!("{name} is {value}, accepted is 0 <= p < 1")),
    }
}

/// Each is finite and above 0.
pub(super) fn positive(fields: &[(&str, f64)]) -> Result<(), String> {
    let is_wrong = |value: f64| !(value.is_finite() && value > 0.0);
    match fields.iter().find(|(_, value)| is_wrong(*value)) {
        None => Ok(()),
        Some((name, value)) => Err(format!("{name} is {value}, accepted is a positive number")),
    }
}

/// A field has the only value that this crate computes.
pub(super) fn only<T: PartialEq + Display>(
    field: &str,
    value: T,
    accepted: T,
) -> Result<(), String> {
    match value == accepted {
        true => Ok(()),
        false => Err(format!("{field} is {value}, accepted is {accepted}")),
    }
}

/// A text field has the only value that this crate computes.
pub(super) fn only_text(field: &str, value: &str, accepted: &str) -> Result<(), String> {
    only(field, format!("`{value}`"), format!("`{accepted}`"))
}

/// What BERT, RoBERTa and ELECTRA have beside the settings of their blocks.
pub(super) struct LikeBert<'a> {
    pub(super) classifier_dropout: f64,
    pub(super) initializer_range: f64,
    pub(super) position_embedding_type: &'a str,
    pub(super) is_decoder: bool,
}

/// The checks that BERT, RoBERTa and ELECTRA share, by the names that all of them have.
pub(super) fn like_bert(settings: &Settings, others: &LikeBert<'_>) -> Result<(), String> {
    divides(
        ("num_attention_heads", settings.heads),
        ("hidden_size", settings.hidden),
    )?;
    probabilities(&[
        ("hidden_dropout_prob", settings.dropout),
        ("attention_probs_dropout_prob", settings.attention_dropout),
        ("classifier_dropout", others.classifier_dropout),
    ])?;
    positive(&[
        ("initializer_range", others.initializer_range),
        ("layer_norm_eps", settings.epsilon),
    ])?;
    let positions = others.position_embedding_type;
    only_text("position_embedding_type", positions, "absolute")?;
    only("is_decoder", others.is_decoder, false)
}
