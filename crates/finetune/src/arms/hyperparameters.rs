//! The numbers of an arm's own method.

use std::collections::BTreeMap;

use super::Arm;
use crate::error::FinetuneError;

/// A number of a method.
#[derive(Clone, Copy, Debug)]
pub struct Hyperparameter {
    /// The method, a dot, and the number's name.
    pub name: &'static str,
    /// Where a study does not set it.
    pub default: f64,
    /// What would do, for messages.
    pub accepted: &'static str,
    /// Whether a finite value would do.
    pub is_accepted: fn(f64) -> bool,
}

/// Checks that each of these is a number of some arm and in its range.
///
/// # Errors
/// [`FinetuneError::UnknownHyperparameter`], [`FinetuneError::Setting`].
pub fn check_known(set: &BTreeMap<String, f64>) -> Result<(), FinetuneError> {
    for (name, &value) in set {
        let known = || Arm::ALL.iter().flat_map(|arm| arm.0.hyperparameters());
        let Some(found) = known().find(|known| known.name == name) else {
            let mut names: Vec<&str> = known().map(|known| known.name).collect();
            names.dedup();
            return Err(FinetuneError::UnknownHyperparameter {
                name: name.clone(),
                known: names.join(", "),
            });
        };
        if !value.is_finite() || !(found.is_accepted)(value) {
            return Err(FinetuneError::setting(found.name, value, found.accepted));
        }
    }
    Ok(())
}
