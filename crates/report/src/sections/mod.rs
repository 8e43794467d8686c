//! The report's content: one file per question.

mod baseline;
mod collapsed;
mod companions;
mod compare;
mod cost;
mod data;
mod data_size;
mod effects;
mod failed;
mod l1_change;
mod lambda;
mod languages;
mod noise_kind;
mod origin;
mod paper;
mod saved;
mod tables;
mod training;
mod words;
mod yardsticks;

use std::collections::BTreeSet;

use study::StudyKind;
use study::record::Settings;
use study::summary::StudyResult;

use crate::document::{Document, Section};
use crate::material::{Material, main_contrast};
use crate::number::{count, date, duration, percent, sentence, thousands};

/// Puts the report together. Studies that are not in the summary have no section.
pub(crate) fn document(material: &Material<'_>) -> Document {
    let summary = material.summary;
    let main = main_study(material);
    let verdict = main.map_or("no study ran", |study| study.verdict.as_str());
    let (headline, standfirst) = split(verdict);

    let mut sections: Vec<Section> = Vec::new();
    for study in &summary.studies {
        sections.push(match study.study {
            StudyKind::Compare => compare::section(material, study),
            StudyKind::Lambda => lambda::section(material, study),
            StudyKind::NoiseKind => noise_kind::section(material, study),
            StudyKind::DataSize => data_size::section(material, study),
            StudyKind::L1Change => l1_change::section(material, study),
            StudyKind::Companions => companions::section(material, study),
            StudyKind::Baseline => baseline::section(material, study),
        });
    }
    if let Some(training) = main.and_then(|study| training::section(material, study)) {
        let after =
            usize::from(main.is_some_and(|study| {
                matches!(study.study, StudyKind::Compare | StudyKind::Baseline)
            }));
        sections.insert(after.min(sections.len()), training);
    }
    if let Some(languages) = languages::section(material) {
        sections.insert(sections.len().min(1), languages);
    }
    sections.extend(cost::section(material));
    sections.extend(main.and_then(|study| paper::section(material, study)));
    sections.extend(failed::section(material));
    sections.extend(collapsed::section(material));
    sections.extend(data::section(material));
    sections.extend(saved::section(material));
    sections.push(origin::section(material));
    Document {
        title: format!("NoisyTune on {}", material.data),
        headline,
        standfirst,
        facts: facts(material, main),
        sections,
        colophon: colophon(material),
    }
}

/// Splits a verdict at its colon.
fn split(verdict: &str) -> (String, String) {
    match verdict.split_once(": ") {
        Some((finding, rest)) => (sentence(finding), sentence(rest)),
        None => (sentence(verdict), String::new()),
    }
}

/// The study whose verdict is the report's: the comparison, or else the first study.
fn main_study<'a>(material: &Material<'a>) -> Option<&'a StudyResult> {
    let summary = material.summary;
    let compare = summary.study(StudyKind::Compare);
    compare.or(summary.studies.first())
}

fn facts(material: &Material<'_>, main: Option<&StudyResult>) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    let records = material.planned();
    if let Some(contrast) = main.and_then(|study| main_contrast(material, study)) {
        let (paired, lambda) = (&contrast.comparison.paired, contrast.treatment.lambda);
        let scored = &contrast.control.scores;
        if let Some(mean) = scored.mean {
            let control = &contrast.control.label;
            fact(
                &format!("{control} {}", material.metric()),
                format!("{} {}", percent(mean), material.unit()),
            );
        }
        fact("pairs of runs", thousands(paired.n));
        if let Some(lambda) = lambda {
            fact("noise intensity λ", lambda.to_string());
        }
    }
    let scored = records.iter().find(|record| !record.is_tuning());
    if let Some(settings) = scored.map(|record| &record.settings) {
        fact("model", settings.model.name.clone());
        if let Some(head) = below_head(settings) {
            fact("below the head", head.to_owned());
        }
        let points = main.iter().flat_map(|study| &study.points);
        let sizes: BTreeSet<usize> = points.map(|point| point.train_rows).collect();
        let sentences = match sizes.len() {
            0 | 1 => thousands(settings.study_train_rows.unwrap_or(settings.train.used)),
            _ => {
                let sizes: Vec<String> = sizes.into_iter().map(thousands).collect();
                format!("{}, by point", sizes.join(", "))
            }
        };
        fact("training sentences", sentences);
        if let Some(scored) = settings.headline_rows() {
            fact(
                &format!("{} sentences", material.set()),
                thousands(scored.used),
            );
        }
    }
    if let Some(reason) = &material.summary.exploratory {
        fact("plan", format!("not followed: {reason}"));
    } else if let Some(hash) = records.first().and_then(|run| run.plan_sha256.as_ref()) {
        let begin: String = hash.chars().take(12).collect();
        fact("plan", format!("kept, SHA-256 {begin}…"));
    }
    if let Some(devices) = &material.summary.mixed_devices {
        let kinds: Vec<&str> = devices.runs.keys().map(String::as_str).collect();
        fact("devices", kinds.join(", "));
    }
    let failed = records
        .iter()
        .filter(|record| record.failed.is_some())
        .count();
    let runs = match failed {
        0 => thousands(records.len()),
        _ => format!("{}, {failed} failed", thousands(records.len())),
    };
    fact("runs in total", runs);
    let seconds: f64 = records.iter().map(|record| record.seconds).sum();
    fact("total run time", duration(seconds));
    facts
}

/// What stands between encoder and head, where it is not what the checkpoint brings.
fn below_head(settings: &Settings) -> Option<&'static str> {
    let config = &settings.model.config;
    if config["classifier_pooling"] == "mean" {
        return Some("the mean of all tokens");
    }
    settings
        .recipe
        .fresh_pooler
        .then_some("a pooler drawn from the seed")
}

fn colophon(material: &Material<'_>) -> String {
    let records = material.planned();
    let versions = records.last().map(|record| &record.versions);
    let ended = records.iter().map(|record| record.finished_unix).max();
    format!(
        "Made from {} by noisytune-burn {} with Burn {}; the last run ended {}.",
        count(records.len(), "recorded run", "recorded runs"),
        versions.map_or("?", |versions| &versions.noisytune_burn),
        versions.map_or("?", |versions| &versions.burn),
        ended.map_or("?".to_owned(), date),
    )
}

/// The answer to a section's question in a few words.
fn finding(study: &StudyResult) -> Option<String> {
    Some(split(&study.verdict).0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_verdict_is_split_at_its_colon() {
        let (headline, rest) = super::split("no evidence of a difference: over 8 pairs");
        assert_eq!(headline, "No evidence of a difference.");
        assert_eq!(rest, "Over 8 pairs.");
    }
}
