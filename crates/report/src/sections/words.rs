//! What the statistics of a study say, in plain words.

use study::statistics::{ALPHA, MAX_PAIRS, p_equals};
use study::summary::StudyResult;

use crate::material::{Contrast, contrasts};
use crate::number::{count, sentence, thousands};

/// The verdict, and whether it could have been another.
pub(crate) fn verdict(study: &StudyResult) -> String {
    let verdict = sentence(&study.verdict);
    match too_few(study) {
        Some(too_few) => format!("{verdict} {too_few}"),
        None => verdict,
    }
}

/// `None` where enough pairs of runs are compared for some difference to be evidence.
pub(crate) fn too_few(study: &StudyResult) -> Option<String> {
    let contrasts = contrasts(study);
    let pairs = contrasts.iter().map(|c| c.comparison.paired.n);
    let tested: Vec<usize> = pairs.filter(|n| *n > 1).collect();
    let most = *tested.iter().max()?;
    // 2 of 2^n assignments of signs are as far out as can be, and Holm counts the comparisons.
    let least = tested.len() as f64 * 0.5_f64.powi(most as i32 - 1);
    (least >= ALPHA).then(|| {
        format!(
            "There are too few pairs for evidence of any difference, however large: over {} pairs of runs{} p cannot be less than {:.3}.",
            thousands(most),
            match tested.len() {
                1 => String::new(),
                several => format!(" and {several} comparisons"),
            },
            least.min(1.0),
        )
    })
}

/// McNemar's test, the stochastic order and the power statement, as far as they are known.
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
        "Sentence by sentence, over all pairs: {treatment} alone is right {}, {control} alone {} (McNemar, exact {}). \
         The same sentences come back with every seed, so this p is too small; the test on pairs of runs is the one to trust.",
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
        "Over the whole distribution of scores, {finding}: violation ratio {:.2}, upper 95 % bound {:.2}, which has to be under 0.50 \
         (almost stochastic order, a secondary test: it takes the runs for unpaired, and few of them make it too sure).",
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
        "If further pairs scatter as these do, a true difference of 0.4 points takes {} of runs to be seen in 4 of 5 studies, \
         and one of 0.2 points {}. Here there are {}.",
        pairs(needed.for_0_4_points),
        pairs(needed.for_0_2_points),
        thousands(contrast.comparison.paired.n),
    ))
}
