//! What the statistics of a study say, in plain words.

use study::statistics::{MAX_PAIRS, ORDER_THRESHOLD, p_equals};
use study::summary::PairsRange;

use super::yardsticks;
use crate::document::Block;
use crate::material::{Contrast, Material};
use crate::number::{count, interval, thousands};

/// What the statistics of a comparison say, and what something simpler scores on the same data; `None` if that is nothing.
pub(super) fn list(material: &Material<'_>, contrast: Option<&Contrast<'_>>) -> Option<Block> {
    let mut sentences: Vec<String> = contrast.into_iter().flat_map(of).collect();
    sentences.extend(yardsticks::of(material));
    (!sentences.is_empty()).then_some(Block::List(sentences))
}

/// What the difference is over sentences too, what is too small to matter, McNemar's test, the stochastic order and the
/// power statement, as far as they were computed.
fn of(contrast: &Contrast<'_>) -> Vec<String> {
    [
        sentences(contrast),
        equivalence(contrast),
        mcnemar(contrast),
        order(contrast),
        power(contrast),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn sentences(contrast: &Contrast<'_>) -> Option<String> {
    let ends = contrast.comparison.seeds_and_sentences?;
    Some(format!(
        "The 95 % interval over seeds is about other seeds on the same sentences. Over seeds and sentences, had others of both been \
         drawn, it is {} points.",
        interval(Some(ends)),
    ))
}

fn equivalence(contrast: &Contrast<'_>) -> Option<String> {
    let tests = &contrast.comparison.equivalence;
    let tests: Vec<String> = tests
        .iter()
        .map(|test| {
            let margin = 100.0 * test.margin;
            format!("±{margin} points, {}", p_equals(test.p_value))
        })
        .collect();
    (!tests.is_empty()).then(|| {
        format!(
            "Two one-sided tests: a small p is evidence that the true difference, over seeds, is within {}.",
            tests.join("; within ")
        )
    })
}

fn mcnemar(contrast: &Contrast<'_>) -> Option<String> {
    if let Some(reason) = &contrast.comparison.predictions_missing {
        return Some(format!(
            "Sentence by sentence, nothing is compared, neither by McNemar's test nor in an interval over seeds and sentences, because \
             {reason}."
        ));
    }
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
    let finding = if order.is_higher() {
        format!("{treatment} is almost stochastically higher than {control}")
    } else {
        format!("{treatment} is not shown to be stochastically higher than {control}")
    };
    Some(format!(
        "Over the whole distribution of scores, {finding}: violation ratio {:.2}, upper 95 % bound {:.2}, which must be below {ORDER_THRESHOLD:.2} \
         (almost stochastic order, a secondary test, which ignores the pairing).",
        order.violation_ratio, order.upper_bound,
    ))
}

fn power(contrast: &Contrast<'_>) -> Option<String> {
    let needed = contrast.comparison.pairs_needed?;
    Some(format!(
        "If further pairs scatter as these do, detecting a true difference of 0.4 points in 4 of 5 studies takes {} of runs \
         by a t-test without correction, and one of 0.2 points takes {}. There are {} here.",
        pairs(needed.for_0_4_points),
        pairs(needed.for_0_2_points),
        thousands(contrast.comparison.paired.n),
    ))
}

/// `12 pairs (6 to 41)`: the numbers in brackets are for the ends of the 95 % interval of the standard deviation.
fn pairs(range: PairsRange) -> String {
    let estimate = match range.estimate {
        Some(pairs) => count(pairs, "pair", "pairs"),
        None => format!("more than {} pairs", thousands(MAX_PAIRS)),
    };
    match (range.fewest, range.most) {
        (None, _) => estimate,
        (Some(fewest), most) => format!(
            "{estimate} ({} to {})",
            thousands(fewest),
            most.map_or(format!("more than {}", thousands(MAX_PAIRS)), thousands)
        ),
    }
}
