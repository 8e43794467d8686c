//! What the statistics of a study say, in plain words.

use study::statistics::{ALPHA, MAX_PAIRS, p_equals};
use study::summary::StudyResult;

use crate::material::{Contrast, contrasts};
use crate::number::{count, sentence, thousands};

/// The verdict, and whether there were enough pairs for any other.
pub(crate) fn verdict(study: &StudyResult) -> String {
    let verdict = sentence(&study.verdict);
    match too_few(study) {
        Some(too_few) => format!("{verdict} {too_few}"),
        None => verdict,
    }
}

/// `None` if there are enough pairs of runs for some difference to be evidence.
pub(crate) fn too_few(study: &StudyResult) -> Option<String> {
    let contrasts = contrasts(study);
    let pairs = contrasts.iter().map(|c| c.comparison.paired.n);
    let tested: Vec<usize> = pairs.filter(|n| *n > 1).collect();
    let most = *tested.iter().max()?;
    // Of 2^n sign assignments, 2 are the most extreme; Holm multiplies by the number of comparisons.
    let least = tested.len() as f64 * 0.5_f64.powi(most as i32 - 1);
    (least >= ALPHA).then(|| {
        format!(
            "There are too few pairs to be evidence of any difference, however large: with {} pairs of runs{} p cannot be less than {:.3}.",
            thousands(most),
            match tested.len() {
                1 => String::new(),
                several => format!(" and {several} comparisons"),
            },
            least.min(1.0),
        )
    })
}

/// McNemar's test, the stochastic order and the power statement, as far as they were computed.
pub(crate) fn of(contrast: &Contrast<'_>) -> Vec<String> {
    [mcnemar(contrast), order(contrast), power(contrast)]
        .into_iter()
        .flatten()
        .collect()
}

fn mcnemar(contrast: &Contrast<'_>) -> Option<String> {
    let test = contrast.comparison.mcnemar?;
    let (treatment, control) = (&contrast.treatment.label, &contrast.control.label);
    Some(format!(
        "Sentence by sentence, over all pairs: only {treatment} is right {}, only {control} {} (McNemar, exact {}). \
         Every seed scores the same sentences, so this p is too small; trust the test on pairs of runs instead.",
        count(test.only_first as usize, "time", "times"),
        count(test.only_second as usize, "time", "times"),
        p_equals(test.p_value),
    ))
}

fn order(contrast: &Contrast<'_>) -> Option<String> {
    let order = contrast.comparison.stochastic_order?;
    let (treatment, control) = (&contrast.treatment.label, &contrast.control.label);
    let finding = if order.upper_bound < 0.5 {
        format!("{treatment} is almost stochastically higher than {control}")
    } else {
        format!("{treatment} is not shown to be stochastically higher than {control}")
    };
    Some(format!(
        "Over the whole distribution of scores, {finding}: violation ratio {:.2}, upper 95 % bound {:.2}, which must be below 0.50 \
         (almost stochastic order, a secondary test: it ignores the pairing, and is overconfident with few runs).",
        order.violation_ratio, order.upper_bound,
    ))
}

fn power(contrast: &Contrast<'_>) -> Option<String> {
    let needed = contrast.comparison.pairs_needed?;
    let pairs = |pairs: Option<usize>| match pairs {
        Some(pairs) => count(pairs, "pair", "pairs"),
        None => format!("more than {} pairs", thousands(MAX_PAIRS)),
    };
    Some(format!(
        "If further pairs scatter as these do, detecting a true difference of 0.4 points in 4 of 5 studies takes {} of runs, \
         and one of 0.2 points takes {}. There are {} here.",
        pairs(needed.for_0_4_points),
        pairs(needed.for_0_2_points),
        thousands(contrast.comparison.paired.n),
    ))
}
