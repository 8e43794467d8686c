//! The answer of a study in one sentence.

use tasks::counted;

use super::contrasts::contrast;
use super::{Comparison, Point, TuningResult};
use crate::kind::StudyKind;
use crate::statistics::{
    ALPHA, Finding, MIN_PAIRS, ROUNDING, fewest_pairs, listed, p_equals, points,
};

/// Says in one sentence what the comparisons of a study show together; `comparisons` are those of all studies.
pub(super) fn sentence(
    study: StudyKind,
    of_study: &[Point],
    metric: &str,
    comparisons: usize,
) -> String {
    let of = |point: &Point| contrast(of_study, point, &point.comparison.as_ref()?.against);
    let is_first = |at: usize, point: &Point| {
        let mut earlier = of_study[..at].iter();
        // Two recipes that were chosen apart can be the same, and are one comparison then.
        !earlier.any(|other| point.recipe.is_some() && of(other) == of(point))
    };
    let points = of_study.iter().enumerate();
    let compared: Vec<Compared<'_>> = points
        .filter(|(at, point)| is_first(*at, point))
        .filter_map(|(_, point)| Compared::of(point, metric, comparisons))
        .collect();
    let mut sentence = match compared.as_slice() {
        [] => {
            return format!(
                "no verdict: no seed completed two runs to compare{}",
                failed(of_study)
            );
        }
        [only] => only.sentence(),
        several => of_several(several, comparisons),
    };
    if study == StudyKind::Lambda
        && let [_, _, ..] = compared.as_slice()
    {
        sentence += &optimistic(&compared);
    }
    sentence + &failed(of_study)
}

/// By which recipes the points of the grid's study were trained, and where these were chosen.
pub(super) fn chosen(tuning: &TuningResult) -> String {
    let of_arm = |(arm, best)| format!("{arm} {best}");
    let arms = tuning.arms.iter();
    let chosen: Vec<String> = arms
        .filter_map(|tuned| Some((tuned.arm, tuned.best?)))
        .map(of_arm)
        .collect();
    match chosen.is_empty() {
        true => "; no tuning run has a score, so no recipe was chosen".to_owned(),
        false => format!(
            "; the best recipes on {} training sentences that were held out are: {}",
            tuning.rows,
            chosen.join(", ")
        ),
    }
}

/// A point with its comparison, and what that shows.
struct Compared<'a> {
    point: &'a Point,
    comparison: &'a Comparison,
    metric: &'a str,
    /// Those of all studies.
    comparisons: usize,
    /// Corrected for their number.
    p_value: Option<f64>,
    finding: Finding,
}

impl<'a> Compared<'a> {
    fn of(point: &'a Point, metric: &'a str, comparisons: usize) -> Option<Self> {
        let comparison = point.comparison.as_ref()?;
        let p_value = comparison.holm_p.or(comparison.paired.p_value);
        Some(Self {
            point,
            comparison,
            metric,
            comparisons,
            p_value,
            finding: comparison.paired.finding(p_value, comparisons),
        })
    }

    /// The sentence of a study with a single comparison.
    fn sentence(&self) -> String {
        let paired = &self.comparison.paired;
        let (treatment, control) = (&self.point.label, &self.comparison.against);
        if self.finding == Finding::TooFew {
            return self.too_few();
        }
        if paired.differing() == 0 {
            return format!(
                "no difference: over {} pairs of runs {treatment} scores exactly as {control}",
                paired.n
            );
        }
        let excludes_0 = paired.excludes_0();
        let is_small = self.p_value.is_some_and(|p| p < ALPHA);
        let finding = match self.finding {
            Finding::Higher => format!("evidence that {treatment} is higher than {control}"),
            Finding::Lower => format!("evidence that {treatment} is lower than {control}"),
            _ if excludes_0 => {
                "no firm evidence of a difference, though the interval excludes 0".to_owned()
            }
            _ if is_small => format!("no firm evidence of a difference, though p is below {ALPHA}"),
            _ => "no evidence of a difference".to_owned(),
        };
        let ruled_out = match paired.interval_beside(self.comparisons) {
            Some([low, high]) if self.finding == Finding::NoEvidence && !excludes_0 => format!(
                "; {}, a gain of more than {} points and a loss of more than {} are excluded",
                at_95(self.comparisons),
                unsigned(high),
                unsigned(low),
            ),
            _ => String::new(),
        };
        format!("{finding}: {}{ruled_out}", self.numbers())
    }

    fn too_few(&self) -> String {
        let paired = &self.comparison.paired;
        let needed = fewest_pairs(self.comparisons);
        let differing = paired.differing();
        // Pairs without a difference are the reason if there are enough of them all.
        let needed = match paired.n >= needed {
            true => format!("it takes at least {needed} that differ, and {differing} do"),
            false => format!("it takes at least {needed}"),
        };
        let with = match self.comparisons {
            0 | 1 => String::new(),
            several => format!("with {several} comparisons "),
        };
        format!("too few pairs to tell: {}; {with}{needed}", self.numbers())
    }

    /// The mean difference, its interval, the p-values.
    fn numbers(&self) -> String {
        let paired = &self.comparison.paired;
        let over = match paired.n {
            1 => "in the only pair of runs".to_owned(),
            n => format!("over {n} pairs of runs"),
        };
        let mean = format!(
            "{over} {} differs from {} by {} points of {}{}",
            self.point.label,
            self.comparison.against,
            points(paired.mean),
            self.metric,
            if paired.n == 1 { "" } else { " on average" },
        );
        let inside = [interval(self.comparison), self.p_values()];
        let inside: Vec<String> = inside.into_iter().flatten().collect();
        match inside.is_empty() {
            true => mean,
            false => format!("{mean} ({})", inside.join(", ")),
        }
    }

    fn p_values(&self) -> Option<String> {
        let own = p_equals(self.comparison.paired.p_value?);
        Some(match self.comparison.holm_p {
            Some(corrected) => format!(
                "{own}, corrected for {} comparisons {}",
                self.comparisons,
                p_equals(corrected)
            ),
            None => own,
        })
    }
}

/// The interval of the mean difference, or that there is none because all differences are equal; `None` for too few pairs.
fn interval(comparison: &Comparison) -> Option<String> {
    let paired = &comparison.paired;
    let range = |[low, high]: [f64; 2]| format!("{} to {}", points(low), points(high));
    match paired.ci95 {
        Some(ends) => {
            let over_seeds = format!("95 % interval over seeds {}", range(ends));
            let sentences = comparison.seeds_and_sentences;
            Some(sentences.map_or(over_seeds.clone(), |ends| {
                format!("{over_seeds}, over seeds and sentences {}", range(ends))
            }))
        }
        None if paired.n >= MIN_PAIRS => Some("the same in every pair".to_owned()),
        None => None,
    }
}

/// The sentence for several comparisons.
fn of_several(compared: &[Compared<'_>], comparisons: usize) -> String {
    let corrected = match comparisons == compared.len() {
        true => "corrected for their number".to_owned(),
        false => format!("corrected for all {comparisons} of the report"),
    };
    let of = |finding: Finding| compared.iter().filter(move |c| c.finding == finding);
    let found: Vec<String> = compared
        .iter()
        .filter(|c| matches!(c.finding, Finding::Higher | Finding::Lower))
        .map(Compared::numbers)
        .collect();
    let untold = of(Finding::TooFew).count();
    let needed = fewest_pairs(comparisons);
    let all = compared.len();
    if untold == all {
        return format!(
            "too few pairs to tell: each of {all} comparisons takes at least {needed} pairs of runs that differ, {corrected}"
        );
    }
    let too_few = match untold {
        0 => String::new(),
        _ => format!(
            "; too few pairs to tell in {untold} more, where it takes at least {needed} that differ"
        ),
    };
    let told = all - untold;
    if !found.is_empty() {
        return format!(
            "evidence of a difference in {} of {}, {corrected}: {}{}{too_few}",
            found.len(),
            counted(told, "comparison"),
            found.join("; "),
            uncorrected(compared),
        );
    }
    let p_values = of(Finding::NoEvidence).filter_map(|c| c.p_value);
    let smallest = p_values.fold(1.0, f64::min);
    let ends: Vec<[f64; 2]> = of(Finding::NoEvidence)
        .filter_map(|c| c.comparison.paired.interval_beside(comparisons))
        .collect();
    let largest = ends.iter().map(|[_, high]| *high);
    let largest = largest.fold(f64::NEG_INFINITY, f64::max);
    // Arms that never differ have no interval.
    let which = match ends.len() {
        1 if told == 1 => "it".to_owned(),
        some if some == told => "each".to_owned(),
        some => format!("each of {some} with an interval"),
    };
    let ruled_out = match largest > 0.0 {
        true => format!(
            "; {}, {which} excludes a gain of more than {} points",
            at_95(comparisons),
            unsigned(largest)
        ),
        false => String::new(),
    };
    let ruled_out = ruled_out + &uncorrected(compared);
    let (which, smallest_of) = match told {
        1 => ("the one comparison that can tell".to_owned(), ""),
        _ => (format!("any of {told} comparisons"), "smallest "),
    };
    format!(
        "no evidence of a difference in {which}, {corrected} ({smallest_of}{}){ruled_out}{too_few}",
        p_equals(smallest)
    )
}

/// How sure it is what is excluded, beside so many comparisons.
fn at_95(comparisons: usize) -> &'static str {
    match comparisons {
        0 | 1 => "at 95 %",
        _ => "at 95 % for all together",
    }
}

/// Which comparisons would not be called "no evidence" so plainly if they were the only one, and for which p alone is small.
fn uncorrected(compared: &[Compared<'_>]) -> String {
    let labels = |holds: &dyn Fn(&Compared<'_>) -> bool| -> Vec<&str> {
        let found = compared.iter();
        found
            .filter(|c| c.finding == Finding::NoEvidence && holds(c))
            .map(|c| c.point.label.as_str())
            .collect()
    };
    let excluding = match labels(&|c| c.comparison.paired.excludes_0()).as_slice() {
        [] => String::new(),
        [only] => format!("; by itself, the interval of {only} excludes 0"),
        several => format!(
            "; by themselves, the intervals of {} exclude 0",
            listed(several)
        ),
    };
    let is_small = |c: &Compared<'_>| {
        let is_open = c.comparison.paired.ci95.is_some() && !c.comparison.paired.excludes_0();
        is_open && c.p_value.is_some_and(|p| p < ALPHA)
    };
    match labels(&is_small).as_slice() {
        [] => excluding,
        some => format!(
            "{excluding}; p is below {ALPHA} for {}, but the interval includes 0",
            listed(some)
        ),
    }
}

/// Runs that have no score. The pairs are of the other seeds, which need not be like these.
fn failed(of_study: &[Point]) -> String {
    let failed: Vec<String> = of_study
        .iter()
        .filter(|point| point.scores.failed > 0)
        .map(|point| {
            let runs = counted(point.scores.failed, "failed run");
            format!("{runs} of {}", point.label)
        })
        .collect();
    match failed.is_empty() {
        true => String::new(),
        false => format!("; left out: {}", failed.join(" and ")),
    }
}

/// That the best λ is chosen by the scores that it is reported with, or that none is better than no noise.
fn optimistic(compared: &[Compared<'_>]) -> String {
    let mean = |c: &&Compared<'_>| c.comparison.paired.mean;
    let best = compared.iter().max_by(|a, b| mean(a).total_cmp(&mean(b)));
    best.map_or(String::new(), |best| match best.comparison.paired.mean {
        gain if gain > ROUNDING => format!(
            "; {} is the best by {} points, an optimistic number, because it was chosen on the sentences that it is scored on",
            best.point.label,
            points(gain)
        ),
        _ => format!("; none scores higher than {} on average", best.comparison.against),
    })
}

/// The size of a difference in points.
fn unsigned(difference: f64) -> String {
    format!("{:.2}", 100.0 * difference.abs())
}

#[cfg(test)]
mod tests {
    use crate::Arm;
    use crate::record::Headline;
    use crate::statistics::Paired;
    use crate::summary::Scores;

    use super::*;

    const BETTER: [f64; 8] = [0.004, 0.003, 0.002, 0.005, 0.004, 0.006, 0.003, 0.004];

    fn point(differences: &[f64], holm_p: Option<f64>) -> Point {
        let control = vec![0.0; differences.len()];
        let headline = Headline {
            set: "dev".to_owned(),
            metric: "accuracy".to_owned(),
        };
        Point {
            label: "noisytune".to_owned(),
            arm: Arm::NOISYTUNE,
            lambda: None,
            train_rows: 1,
            recipe: None,
            scores: Scores::of(&[], &headline, &|_| false).expect("no scores are none"),
            others: Vec::new(),
            comparison: Some(Comparison {
                against: "baseline".to_owned(),
                paired: Paired::of(differences, &control, 0).expect("finite"),
                t_test: None,
                holm_p,
                seeds_and_sentences: None,
                equivalence: Vec::new(),
                without_collapsed: None,
                at_another_epoch: Vec::new(),
                mcnemar: None,
                predictions_missing: None,
                stochastic_order: None,
                pairs_needed: None,
            }),
        }
    }

    fn said(points: &[Point], comparisons: usize) -> String {
        sentence(StudyKind::Compare, points, "accuracy", comparisons)
    }

    #[test]
    fn a_difference_that_every_pair_shows_is_evidence_for_its_side() {
        assert_eq!(
            said(&[point(&BETTER, None)], 1),
            "evidence that noisytune is higher than baseline: over 8 pairs of runs noisytune differs from baseline by +0.39 points \
             of accuracy on average (95 % interval over seeds +0.28 to +0.49, p = 0.008)"
        );
        let worse = said(&[point(&BETTER.map(|d| -d), None)], 1);
        let begin = "evidence that noisytune is lower than baseline: over 8 pairs";
        assert!(worse.starts_with(begin), "{worse}");
    }

    #[test]
    fn an_interval_over_seeds_and_sentences_stands_beside_the_one_over_seeds() {
        let mut better = point(&BETTER, None);
        let comparison = better.comparison.as_mut().expect("it is compared");
        comparison.seeds_and_sentences = Some([-0.001, 0.0088]);
        let text = said(&[better], 1);
        let end = "(95 % interval over seeds +0.28 to +0.49, over seeds and sentences -0.10 to +0.88, p = 0.008)";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn no_evidence_says_what_is_excluded() {
        let differences = [0.004, -0.003, 0.002, -0.001, 0.0, 0.001, -0.002];
        assert_eq!(
            said(&[point(&differences, None)], 1),
            "no evidence of a difference: over 7 pairs of runs noisytune differs from baseline by +0.01 points of accuracy on \
             average (95 % interval over seeds -0.21 to +0.24, p = 1.000); at 95 %, a gain of more than 0.24 points and a loss of \
             more than 0.21 are excluded"
        );
    }

    #[test]
    fn an_interval_and_a_p_value_that_disagree_are_no_firm_evidence() {
        let text = said(&[point(&BETTER, Some(0.06))], 5);
        let begin =
            "no firm evidence of a difference, though the interval excludes 0: over 8 pairs";
        assert!(text.starts_with(begin), "{text}");
        let end = ", p = 0.008, corrected for 5 comparisons p = 0.060)";
        assert!(text.ends_with(end), "{text}");
        let mut skewed = [0.001; 8];
        skewed[0] = 0.04;
        let text = said(&[point(&skewed, None)], 1);
        let begin = "no firm evidence of a difference, though p is below 0.05: over 8 pairs";
        assert!(text.starts_with(begin), "{text}");
    }

    #[test]
    fn too_few_pairs_show_no_interval_and_say_how_many_it_takes() {
        assert_eq!(
            said(&[point(&[0.004, 0.003, 0.005], None)], 1),
            "too few pairs to tell: over 3 pairs of runs noisytune differs from baseline by +0.40 points of accuracy on average \
             (p = 0.250); it takes at least 6"
        );
        assert_eq!(
            said(&[point(&[-0.0034], None)], 1),
            "too few pairs to tell: in the only pair of runs noisytune differs from baseline by -0.34 points of accuracy; it takes \
             at least 6"
        );
        let zeros = [0.01, 0.0, 0.02, 0.0, 0.01, 0.0, 0.03, 0.02];
        let text = said(&[point(&zeros, None)], 1);
        let end = ", p = 0.062); it takes at least 6 that differ, and 5 do";
        assert!(text.ends_with(end), "{text}");
        let text = said(&[point(&BETTER, Some(0.133))], 17);
        let end = "; with 17 comparisons it takes at least 10";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn arms_that_never_differ_and_arms_that_always_differ_alike_have_no_interval() {
        assert_eq!(
            said(&[point(&[0.0; 8], None)], 1),
            "no difference: over 8 pairs of runs noisytune scores exactly as baseline"
        );
        let text = said(&[point(&[0.001; 8], None)], 1);
        let end = "by +0.10 points of accuracy on average (the same in every pair, p = 0.008)";
        assert!(
            text.ends_with(end) && text.starts_with("evidence that"),
            "{text}"
        );
    }

    #[test]
    fn several_comparisons_are_judged_by_their_corrected_p_values() {
        let mixed = [0.01, -0.01, 0.02, -0.02, 0.01, -0.01, 0.02, -0.02];
        let none = [point(&BETTER, Some(0.06)), point(&mixed, Some(1.0))];
        let text = said(&none, 2);
        let begin = "no evidence of a difference in any of 2 comparisons, corrected for their number (smallest p = 0.060); at 95 % for \
                     all together, each excludes a gain of more than ";
        assert!(text.starts_with(begin), "{text}");
        let end = " points; by itself, the interval of noisytune excludes 0";
        assert!(text.ends_with(end), "{text}");
        let one = [point(&BETTER, Some(0.016)), point(&mixed, Some(1.0))];
        let text = said(&one, 3);
        let begin = "evidence of a difference in 1 of 2 comparisons, corrected for all 3 of the report: over 8 pairs of runs \
                     noisytune differs from baseline by +0.39 points of accuracy on average (95 % interval over seeds ";
        assert!(text.starts_with(begin), "{text}");
    }

    #[test]
    fn comparisons_of_too_few_pairs_are_counted_and_judge_nothing() {
        let single = || point(&[0.1], None);
        assert_eq!(
            said(&[single(), single()], 2),
            "too few pairs to tell: each of 2 comparisons takes at least 7 pairs of runs that differ, corrected for their number"
        );
        let text = said(&[single(), point(&BETTER, Some(0.016))], 2);
        let end = "; too few pairs to tell in 1 more, where it takes at least 7 that differ";
        assert!(
            text.ends_with(end) && text.starts_with("evidence"),
            "{text}"
        );
        assert!(said(&[], 0).starts_with("no verdict: no seed"));
        // Five pairs that all differ have a smaller p than any that could be evidence against the other comparison.
        let mixed = [0.01, -0.01, 0.02, -0.02, 0.01, -0.01, 0.02, -0.02];
        let five = point(&[0.01, 0.02, 0.01, 0.03, 0.02], Some(0.125));
        let text = said(&[five, point(&mixed, Some(0.9))], 2);
        let begin = "no evidence of a difference in the one comparison that can tell, corrected for their number (p = 0.900); at 95 % for \
                     all together, it excludes a gain";
        assert!(text.starts_with(begin), "{text}");
    }

    #[test]
    fn runs_that_failed_are_in_every_verdict() {
        let mut point = point(&BETTER, None);
        point.scores.failed = 10;
        let text = said(&[point.clone()], 1);
        assert!(
            text.ends_with(", p = 0.008); left out: 10 failed runs of noisytune"),
            "{text}"
        );
        point.comparison = None;
        assert_eq!(
            said(&[point], 1),
            "no verdict: no seed completed two runs to compare; left out: 10 failed runs of noisytune"
        );
    }

    #[test]
    fn the_best_of_a_sweep_is_called_optimistic() {
        let points = [point(&BETTER, Some(0.06)), point(&[0.0; 8], Some(1.0))];
        let text = sentence(StudyKind::Lambda, &points, "accuracy", 2);
        let end = "; noisytune is the best by +0.39 points, an optimistic number, because it was chosen on the sentences that it is \
                   scored on";
        assert!(text.ends_with(end), "{text}");
        let worse = [
            point(&BETTER.map(|d| -d), Some(0.06)),
            point(&[0.0; 8], Some(1.0)),
        ];
        let text = sentence(StudyKind::Lambda, &worse, "accuracy", 2);
        let end = "; none scores higher than baseline on average";
        assert!(text.ends_with(end), "{text}");
    }
}
