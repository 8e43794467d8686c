//! The languages of a task: their table, and whether there are pairs enough for them.

use std::fmt::Write as _;

use finetune::Session;
use study::benchmark::Parts;
use study::statistics::{ALPHA, Paired, fewest_pairs, least_p_value, p_equals, signed};
use study::summary::{Scores, metric_in_words, metric_unit};
use study::{BenchmarkSummary, StudyKind, StudySummary};
use tasks::counted;
use tasks::xtreme::{self, LanguageSets, language_set};

/// A note if no difference in any language could count as evidence, because p-values are corrected for their number.
pub(crate) fn too_few_pairs(session: &Session) -> Option<String> {
    let config = session.config();
    let task = xtreme::named(session.data().task.name())?;
    let compares = |kind: &StudyKind| StudyKind::JUDGING.contains(kind);
    if !config.studies.iter().any(compares) || config.arms.len() < 2 {
        return None;
    }
    let sets = &session.data().evaluation_sets;
    let scored = |kind| {
        let languages = task.languages.iter();
        let names = languages.map(|language| language_set(kind, language));
        names
            .filter(|name| sets.iter().any(|(set, _)| set == name))
            .count()
    };
    let languages = match scored(LanguageSets::Test) {
        0 => scored(LanguageSets::Dev),
        tests => tests,
    };
    (least_p_value(config.seeds, languages) >= ALPHA).then(|| {
        format!(
            "{} of runs cannot show any difference in a language, however large; with {} it takes at least {}",
            counted(config.seeds, "pair"),
            Parts::Languages.counted(languages),
            fewest_pairs(languages)
        )
    })
}

/// One line per language, then the mean over them and the verdict.
pub(crate) fn table(summary: &StudySummary, languages: &BenchmarkSummary) -> String {
    let labels = languages.tasks.first();
    let control = labels.map_or("", |language| language.control.as_str());
    let treatment = labels.map_or("", |language| language.treatment.as_str());
    let width = [control, treatment].map(|label| label.chars().count());
    let width = width.into_iter().max().unwrap_or(0).max(13);
    let mut text = format!(
        "{} {} by language in {}, trained on English\n",
        summary.task,
        metric_in_words(&summary.metric),
        metric_unit(&summary.metric)
    );
    let _ = writeln!(
        text,
        "{:<8} {control:>width$} {treatment:>width$} {:>10}  {:<16} {:<9} holm p",
        "language", "difference", "95 % interval", "p"
    );
    let mut row = |first: &str, scores: [String; 2], paired: Option<&Paired>, holm: Option<f64>| {
        let [control, treatment] = scores;
        let difference = paired.map(|paired| points(paired.mean));
        let ends = paired.and_then(|paired| paired.ci95);
        let ends = ends.map(|[low, high]| format!("{} to {}", points(low), points(high)));
        let p = paired.and_then(|paired| paired.p_value);
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let _ = writeln!(
            text,
            "{first:<8} {control:>width$} {treatment:>width$} {:>10}  {:<16} {:<9} {}",
            or_dash(difference),
            or_dash(ends),
            or_dash(p.map(p_value)),
            or_dash(holm.map(p_value)),
        );
    };
    for language in &languages.tasks {
        row(
            &language.task,
            [&language.control_scores, &language.treatment_scores].map(mean_and_sd),
            language.comparison.as_ref().map(|c| &c.paired),
            language.holm_p,
        );
    }
    if let Some(average) = &languages.average {
        let percent = |score: f64| format!("{:.2}", 100.0 * score);
        let scores = [average.control, average.treatment].map(percent);
        row("mean", scores, average.paired.as_ref(), None);
    }
    let _ = writeln!(text, "{}", languages.verdict());
    text
}

fn mean_and_sd(scores: &Scores) -> String {
    let percent = |score: f64| format!("{:.2}", 100.0 * score);
    match (scores.mean, scores.sd) {
        (None, _) => "-".to_owned(),
        (Some(mean), None) => percent(mean),
        (Some(mean), Some(sd)) => format!("{} ± {}", percent(mean), percent(sd)),
    }
}

fn points(difference: f64) -> String {
    signed(100.0 * difference, 2)
}

fn p_value(p: f64) -> String {
    p_equals(p).trim_start_matches(['p', ' ', '=']).to_owned()
}
