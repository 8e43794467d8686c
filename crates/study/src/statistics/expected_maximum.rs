//! What the best of a number of runs can be expected to score.

use super::error::{Error, check};

/// The expected highest of n scores, for n from 1 to the number of scores: n are drawn from them with replacement.
///
/// With the scores in ascending order and B of them, the i-th is the highest of n draws with probability
/// (i / B)^n - ((i - 1) / B)^n. This is the expected validation performance of Dodge et al. (2019), "Show Your Work", section 3:
/// the plug-in estimate, which their figures draw and which is a little below the truth where n is close to B.
///
/// # Errors
/// [`Error::TooFew`] when there are none, [`Error::NotFinite`].
pub fn expected_maximum(values: &[f64]) -> Result<Vec<f64>, Error> {
    check(values, 1)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let all = sorted.len() as f64;
    let expected = |draws: usize| {
        let draws = draws as f64;
        let below = |rank: usize| (rank as f64 / all).powf(draws);
        let terms = sorted.iter().enumerate();
        terms
            .map(|(at, value)| value * (below(at + 1) - below(at)))
            .sum()
    };
    Ok((1..=sorted.len()).map(expected).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_draw_is_the_mean_and_more_draws_approach_the_best() {
        let expected = expected_maximum(&[0.75, 0.25]).expect("two scores");
        // Of two draws, both are the lower one in one case of four.
        assert_eq!(expected, [0.5, 0.625]);
        assert_eq!(expected_maximum(&[0.5; 3]).expect("three"), [0.5; 3]);
        assert!(expected_maximum(&[]).is_err());
    }
}
