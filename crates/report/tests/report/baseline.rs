//! What the report says about recipes that were looked for.

use study::{Arm, StudyKind};

use crate::files::{names, write};
use crate::sample::Sample;

fn sample() -> Sample {
    Sample::of(&[StudyKind::Baseline], 8)
}

#[test]
fn the_grid_the_rates_and_the_budget_are_shown_for_each_arm() {
    let sample = sample();
    let files = write(&sample);
    let expected = [
        "at-the-best",
        "training-loss",
        "dev-by-epoch",
        "expected-best",
    ];
    let mut names = names(&files.written);
    names.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    let markdown = &files.markdown;
    let tuning = sample.summary().studies[0].tuning.clone();
    let tuning = tuning.expect("tuning runs");
    for tuned in &tuning.arms {
        assert_eq!(tuned.runs(), 36);
        for point in &tuned.points {
            let recipe = point.recipe;
            let row = format!(
                "| {} | {:e} | {} | 3 | 0 | 0 | {:.2} |",
                tuned.arm,
                recipe.learning_rate,
                recipe.epochs,
                100.0 * point.scores.mean.expect("scores")
            );
            assert!(markdown.contains(&row), "{row}");
        }
        let expected = |runs: usize| format!("{:.2}", 100.0 * tuned.expected_best[runs - 1]);
        let row = [1, 2, 4, 8, 16, 32, 36].map(expected).join(" | ");
        let row = format!("| {} | {row} |", tuned.arm);
        assert!(markdown.contains(&row), "{row}");
        let rates = format!("| {} | 36 | 0 | 0 | 0.00 |", tuned.arm);
        assert!(markdown.contains(&rates), "{rates}");
    }
    let chosen = markdown.lines().filter(|line| line.ends_with("| yes |"));
    let chosen: Vec<&str> = chosen.collect();
    assert_eq!(chosen.len(), 2);
    assert!(
        chosen[0].starts_with("| baseline | 5e-5 | 3 |"),
        "{}",
        chosen[0]
    );
    assert!(
        chosen[1].starts_with("| noisytune | 1e-4 | 3 |"),
        "{}",
        chosen[1]
    );
    let edge = "The best recipe of noisytune (1e-4 × 3 epochs) has the highest learning rate and the most epochs of the grid";
    assert!(markdown.contains(edge));
}

#[test]
fn both_comparisons_are_corrected_and_the_planned_one_stands_first() {
    let summary = sample().summary();
    assert_eq!(summary.comparisons, 2);
    let points = &summary.studies[0].points;
    let against: Vec<_> = points
        .iter()
        .filter_map(|point| Some((point.label.as_str(), point.comparison.as_ref()?)))
        .collect();
    assert_eq!(against.len(), 2);
    assert_eq!(against[0].0, "noisytune at the baseline's best");
    assert_eq!(against[1].0, "noisytune at its own best");
    let mut p_values = Vec::new();
    for (_, comparison) in against {
        assert_eq!(comparison.against, "baseline at its best");
        assert_eq!(comparison.paired.n, 8);
        p_values.push((comparison.paired.p_value, comparison.holm_p));
    }
    p_values.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    let [(Some(least), corrected), (Some(other), of_other)] = p_values[..] else {
        panic!("two p-values");
    };
    let twice = (2.0 * least).min(1.0);
    assert_eq!((corrected, of_other), (Some(twice), Some(twice.max(other))));
}

#[test]
fn one_recipe_for_both_arms_is_one_comparison() {
    let mut sample = sample();
    // NoisyTune's tuning runs score as the baseline's: both choose the same point.
    let of = |run: &study::RunRecord, arm: Arm| run.is_tuning() && run.arm == arm;
    let theirs: Vec<_> = sample
        .records
        .iter()
        .filter(|run| of(run, Arm::BASELINE))
        .cloned()
        .collect();
    for run in sample
        .records
        .iter_mut()
        .filter(|run| of(run, Arm::NOISYTUNE))
    {
        let same = theirs
            .iter()
            .find(|other| other.seed == run.seed && other.settings.recipe == run.settings.recipe);
        run.epochs
            .clone_from(&same.expect("a run of the same point").epochs);
    }
    let summary = sample.summary();
    assert_eq!(summary.comparisons, 1);
    let verdict = &summary.studies[0].verdict;
    assert!(!verdict.contains("corrected"), "{verdict}");
    assert!(
        verdict.contains("noisytune at the baseline's best"),
        "{verdict}"
    );
    let points = &summary.studies[0].points;
    assert_eq!(points[1].recipe, points[2].recipe);
    assert_eq!(points[1].scores, points[2].scores);
}

#[test]
fn the_studys_own_recipe_as_the_best_makes_no_other_comparison() {
    let best = sample().summary().studies[0].points[0].recipe;
    let best = best.expect("a chosen recipe");
    let mut config = sample().config;
    config.studies = vec![StudyKind::Compare, StudyKind::Baseline];
    config.recipe = best.applied_to(&config.recipe);
    let summary = Sample::with_config(config).summary();
    let [compare, baseline] = [0, 1].map(|at| &summary.studies[at].points);
    assert_eq!(baseline[0].recipe, Some(best));
    let holm_p = |point: &study::summary::Point| point.comparison.as_ref().map(|c| c.holm_p);
    assert_eq!(baseline[1].label, "noisytune at the baseline's best");
    assert_eq!(holm_p(&baseline[1]), holm_p(&compare[1]));
    // That, and noisytune at its own best.
    assert_eq!(summary.comparisons, 2);
}

#[test]
fn a_yardstick_is_named_only_on_the_data_that_it_was_made_with() {
    let mut sample = sample();
    assert!(!write(&sample).markdown.contains("yardstick"));
    for run in &mut sample.records {
        let settings = &mut run.settings;
        // SST-2's official files.
        settings.train.sha256 =
            "48eac26399f8456935f81dd9e3a745c1430adb6c62e233ccfe22db4a0d15d1d1".to_owned();
        for rows in settings.evaluation.values_mut() {
            rows.sha256 =
                "54a9c12c77e402fc14d6a66a506f24d999f596b0176eb777c972cccc2f9cc4b0".to_owned();
        }
    }
    let markdown = write(&sample).markdown;
    let sentence =
        "A yardstick: a bag of words trained on the same 8,192 sentences scores 76.83 % here";
    assert!(markdown.contains(sentence));
}

#[test]
fn a_grid_whose_every_run_failed_chooses_nothing_and_is_still_reported() {
    let mut sample = sample();
    sample.records.retain(study::RunRecord::is_tuning);
    for run in &mut sample.records {
        run.failed = Some("training diverged: the loss of step 0 is inf".to_owned());
        run.epochs.clear();
        run.predictions.clear();
    }
    let markdown = write(&sample).markdown;
    assert!(markdown.contains("no tuning run has a score, so no recipe was chosen"));
    assert!(markdown.contains("No tuning run of noisytune has a score."));
}
