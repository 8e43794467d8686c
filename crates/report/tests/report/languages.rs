//! The table of a task's languages.

use std::collections::BTreeMap;

use study::benchmark::{Finding, Parts};
use study::record::EvaluationRecord;
use study::{Arm, BenchmarkSummary, NoiseSelection, RunRecord, StudyConfig, StudyKind};

use crate::files::write;
use crate::sample::Sample;

const LANGUAGES: [&str; 15] = [
    "ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh",
];
const SEEDS: usize = 12;

/// The score of a run on the set of the language at `at`. NoisyTune gains 2 points in every pair in Swahili, and elsewhere as much
/// in one pair as it loses in the next.
fn score(run: &RunRecord, at: usize) -> f64 {
    let seed = run.seed as f64;
    let control = 0.6 + 0.01 * at as f64 + 0.001 * seed;
    let gain = match (run.arm == Arm::NOISYTUNE, LANGUAGES[at]) {
        (false, _) => 0.0,
        (true, "sw") => 0.02 + 0.0002 * seed,
        (true, _) => {
            0.003
                * if run.seed.is_multiple_of(2) {
                    1.0
                } else {
                    -1.0
                }
        }
    };
    control + gain
}

/// XNLI trained on English, scored on `dev-en` and on sets of the languages that begin with `sets`.
fn sample(sets: &str, languages: &[&str]) -> Sample {
    let mut sample = Sample::with_config(StudyConfig {
        studies: vec![StudyKind::Compare],
        seeds: SEEDS,
        lambda: 0.1,
        noise_selection: NoiseSelection::ExceptTokenEmbeddings,
        ..StudyConfig::default()
    });
    for run in &mut sample.records {
        let english = "dev-en".to_owned();
        run.settings.task = "xnli".to_owned();
        run.settings.headline.set.clone_from(&english);
        let rows = run.settings.evaluation.remove("dev").expect("dev");
        let predictions = run.predictions.remove("dev").expect("dev");
        run.predictions.insert(english.clone(), predictions);
        let scores: Vec<(String, f64)> = languages
            .iter()
            .map(|language| {
                let at = LANGUAGES.iter().position(|known| known == language);
                let score = score(run, at.expect("a language"));
                (format!("{sets}-{language}"), score)
            })
            .collect();
        for epoch in &mut run.epochs {
            let dev = epoch.evaluations.remove("dev").expect("dev");
            epoch.evaluations.insert(english.clone(), dev);
            for (set, score) in &scores {
                let evaluation = EvaluationRecord {
                    loss: 0.5,
                    metrics: BTreeMap::from([("accuracy".to_owned(), *score)]),
                };
                epoch.evaluations.insert(set.clone(), evaluation);
            }
        }
        run.settings.evaluation.insert(english, rows.clone());
        for (set, _) in scores {
            run.settings.evaluation.insert(set, rows.clone());
        }
    }
    sample
}

fn languages(sample: &Sample) -> BenchmarkSummary {
    sample.summary().languages.expect("several languages")
}

#[test]
fn every_language_is_compared_and_corrected_for_their_number() {
    let found = languages(&sample("test", &LANGUAGES));
    assert_eq!(found.parts, Parts::Languages);
    let names: Vec<&str> = found
        .tasks
        .iter()
        .map(|language| language.task.as_str())
        .collect();
    assert_eq!(names, LANGUAGES);
    // Twelve signs that agree: 2 of 4,096; times 15 languages. All others are even.
    let least = 2.0 / 4096.0;
    for language in &found.tasks {
        let p = language.comparison.as_ref().and_then(|c| c.paired.p_value);
        match language.task.as_str() {
            "sw" => {
                assert_eq!(p, Some(least));
                let holm = language.holm_p.expect("it is tested");
                assert!((holm - 15.0 * least).abs() < 1e-15, "{holm}");
                assert_eq!(language.finding, Finding::Higher);
            }
            other => {
                assert!(language.holm_p.is_some_and(|p| p > 0.99), "{other}");
                assert_eq!(language.finding, Finding::NoEvidence, "{other}");
            }
        }
    }
    let average = found.average.as_ref().expect("every run has scores");
    // The fourteen others are even; Swahili gains 2.11 points on average.
    let difference = average.treatment - average.control;
    assert!((difference - 0.0211 / 15.0).abs() < 1e-12, "{difference}");
    assert_eq!(average.paired.as_ref().expect("pairs").n, SEEDS);
    assert_eq!(
        found.verdict(),
        "evidence of a difference, corrected for the number of languages: higher on sw; over 15 languages the mean difference \
         is +0.14 points (95 % interval -0.04 to +0.33)"
    );
}

#[test]
fn the_report_has_a_row_for_each_language_and_no_other_table_of_them() {
    let sample = sample("test", &LANGUAGES);
    let files = write(&sample);
    let text = &files.markdown;
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| sw |"))
        .collect();
    // By Python's statistics and t = 2.200985 for 11 degrees of freedom.
    assert_eq!(
        rows,
        [
            "| sw | 69.55 ± 0.36 | 71.66 ± 0.43 | +2.11 | +2.06 to +2.16 | 12 | \\< 0.001 | 0.007 | 66.5 |"
        ]
    );
    let mean = text
        .lines()
        .find(|line| line.starts_with("| mean | 67.55 |"));
    let mean = mean.expect("the mean over the languages");
    assert!(mean.ends_with("| 76.2 |"), "{mean}");
    assert!(text.contains("## What does each language say?"), "{text}");
    assert!(
        text.contains("not on token embeddings, as in the paper"),
        "{text}"
    );
    assert!(!text.contains("The same runs: accuracy on test"), "{text}");
    assert!(files.html.contains("id=\"languages\""));
}

#[test]
fn without_test_sets_the_dev_sets_count_and_the_headlines_is_the_english_one() {
    let sample = sample("dev", &["de", "sw"]);
    let summary = sample.summary();
    let found = summary.languages.as_ref().expect("several languages");
    let names: Vec<&str> = found
        .tasks
        .iter()
        .map(|language| language.task.as_str())
        .collect();
    assert_eq!(names, ["de", "en", "sw"]);
    let headline = &summary.studies[0].points[0].scores;
    assert_eq!(found.tasks[1].control_scores, *headline);
}

#[test]
fn a_task_of_one_language_has_no_such_table() {
    let sample = Sample::of(&[StudyKind::Compare], 8);
    assert_eq!(sample.summary().languages, None);
    assert!(!sample.summary().to_json().contains("languages"));
    assert!(!write(&sample).markdown.contains("each language"));
}
