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
            // An arm with noise has those of the arm without.
            let mut names: Vec<&str> = Vec::new();
            for known in known() {
                if !names.contains(&known.name) {
                    names.push(known.name);
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, value: f64) -> String {
        let set = BTreeMap::from([(name.to_owned(), value)]);
        check_known(&set).expect_err("it is refused").to_string()
    }

    #[test]
    fn an_unknown_number_is_refused_with_each_known_one_once() {
        assert_eq!(
            refusal("mixout.prob", 0.5),
            "unknown hyperparameter mixout.prob, known are mixout.probability, recadam.pull, recadam.slope, \
             recadam.midpoint, neftune.alpha"
        );
    }

    #[test]
    fn a_number_out_of_its_range_is_refused() {
        for value in [1.0, -0.1, f64::NAN] {
            assert_eq!(
                refusal("mixout.probability", value),
                format!("mixout.probability is {value}, accepted is 0 to below 1")
            );
        }
    }
}
