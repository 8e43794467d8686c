//! What each language says, if a task is scored in several.

use study::BenchmarkSummary;
use study::NoiseSelection;
use study::statistics::Paired;
use study::summary::{Scores, metric_in_words, metric_unit};

use crate::document::{Block, Section, Table};
use crate::material::Material;
use crate::number::{
    NONE, count, interval, or_none, p_value, percent, points, sentence, thousands,
};
use crate::zero_shot;

/// `None` for a task of one language.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let languages = material.summary.languages.as_ref()?;
    let verdict = languages.verdict();
    let (finding, rest) = match verdict.split_once("; ") {
        Some((finding, rest)) => (finding, Some(rest)),
        None => (verdict.as_str(), None),
    };
    let mut blocks: Vec<Block> = Vec::new();
    blocks.extend(rest.map(|rest| Block::Text(sentence(rest))));
    blocks.push(Block::Table(table(material, languages)));
    blocks.push(Block::Text(how(material)));
    Some(Section {
        id: "languages",
        heading: "What does each language say?".to_owned(),
        finding: Some(sentence(finding)),
        blocks,
    })
}

/// One row per language, then the mean over them.
fn table(material: &Material<'_>, languages: &BenchmarkSummary) -> Table {
    let task = material.summary.task.as_str();
    let first = languages.tasks.first();
    let control = first.map_or("", |language| language.control.as_str());
    let treatment = first.map_or("", |language| language.treatment.as_str());
    let mut table = Table::new(
        format!(
            "{} in {} by language, mean ± standard deviation over seeds, and paired differences in points with 95 % intervals over \
             seeds (Student's t, for at least 6 pairs that are not all equal); Holm corrects the permutation p for the number of \
             languages. The last row is the mean over the languages.",
            sentence(&metric_in_words(&material.summary.metric)).trim_end_matches('.'),
            metric_unit(&material.summary.metric),
        ),
        &[
            "language",
            &format!("#{control}"),
            &format!("#{treatment}"),
            "#difference",
            "#95 % interval over seeds",
            "#pairs",
            "#p, permutation",
            "#p, Holm",
            &format!("#{}, published", zero_shot::MODEL),
        ],
    );
    let row = |first: [String; 3], paired: Option<&Paired>, holm, published: Option<f64>| {
        let mut row = first.to_vec();
        row.extend([
            paired.map_or(NONE.to_owned(), |paired| points(paired.mean)),
            interval(paired.and_then(|paired| paired.ci95)),
            paired.map_or(NONE.to_owned(), |paired| thousands(paired.n)),
            p_value(paired.and_then(|paired| paired.p_value)),
            p_value(holm),
            or_none(published, |score| format!("{score:.1}")),
        ]);
        row
    };
    for language in &languages.tasks {
        table.rows.push(row(
            [
                language.task.clone(),
                mean_and_sd(&language.control_scores),
                mean_and_sd(&language.treatment_scores),
            ],
            language.comparison.as_ref().map(|c| &c.paired),
            language.holm_p,
            zero_shot::accuracy(task, &language.task),
        ));
    }
    if let Some(average) = &languages.average {
        let names = languages
            .tasks
            .iter()
            .map(|language| language.task.as_str());
        table.rows.push(row(
            [
                "mean".to_owned(),
                percent(average.control),
                percent(average.treatment),
            ],
            average.paired.as_ref(),
            None,
            zero_shot::mean(task, names),
        ));
    }
    table.without_columns_of(NONE)
}

/// How the scores came about.
fn how(material: &Material<'_>) -> String {
    let scored = material.planned().into_iter().find(|run| !run.is_tuning());
    let train = scored.map_or(0, |run| run.settings.train.used);
    let noise = match material.config.noise_selection {
        NoiseSelection::Everything => {
            "The noise is on token embeddings too; in the paper's runs on XTREME it is not."
        }
        NoiseSelection::ExceptTokenEmbeddings => {
            "The noise is not on token embeddings, as in the paper's runs on XTREME."
        }
    };
    format!(
        "Every run is trained on {} in English alone, and the same runs are scored in every language; nothing was chosen by these scores. {noise}",
        count(train, "pair of sentences", "pairs of sentences"),
    )
}

fn mean_and_sd(scores: &Scores) -> String {
    match (scores.mean, scores.sd) {
        (None, _) => NONE.to_owned(),
        (Some(mean), None) => percent(mean),
        (Some(mean), Some(sd)) => format!("{} ± {}", percent(mean), percent(sd)),
    }
}
