//! What a summary makes of records and the predictions beside them.

use std::path::Path;

use study::record::{PredictionsFile, RecordedPredictions};
use study::statistics::{McNemar, crossed_interval};
use study::summary::{Comparison, EpochChoice};
use study::{Arm, RunRecord, StudyConfig, StudySummary};

const SENTENCES: usize = 60;
const SEEDS: u64 = 8;

/// Two of three labels are 1.
fn label(sentence: usize) -> usize {
    usize::from(!sentence.is_multiple_of(3))
}

/// A run that errs on the sentences that `errs` names, with its predictions in `folder`.
fn run(folder: &Path, arm: Arm, seed: u64, errs: impl Fn(usize) -> bool) -> RunRecord {
    let mut run: RunRecord = serde_json::from_str(super::VERSION_1).expect("it is read");
    let name = |class: usize| ["bad", "good"][class].to_owned();
    let predictions: Vec<usize> = (0..SENTENCES)
        .map(|sentence| label(sentence) ^ usize::from(errs(sentence)))
        .collect();
    let right = (0..SENTENCES).filter(|sentence| !errs(*sentence)).count();
    let file = PredictionsFile {
        predictions: predictions.iter().map(|class| name(*class)).collect(),
        labels: (0..SENTENCES)
            .map(|sentence| name(label(sentence)))
            .collect(),
    };
    let path = format!("predictions/{arm}-{seed}.tsv");
    file.write(folder, &path).expect("it is written");
    (run.arm, run.seed) = (arm, seed);
    run.settings.lambda = arm.has_noise().then_some(0.15);
    run.only_class = file.only_class().map(str::to_owned);
    run.predictions = [("dev".to_owned(), RecordedPredictions::File(path))].into();
    let last = run.epochs.last_mut().expect("an epoch");
    let scores = last.evaluations.get_mut("dev").expect("scores of dev");
    let accuracy = right as f64 / SENTENCES as f64;
    scores.metrics.insert("accuracy".to_owned(), accuracy);
    run
}

/// Every seed of both arms errs on some sentences of its own.
fn records(folder: &Path) -> Vec<RunRecord> {
    let arms = [(Arm::BASELINE, 7), (Arm::NOISYTUNE, 11)];
    let of_arm = |(arm, step): (Arm, usize)| {
        let errs =
            move |seed: u64| move |sentence: usize| (sentence + seed as usize).is_multiple_of(step);
        (0..SEEDS).map(move |seed| run(folder, arm, seed, errs(seed)))
    };
    arms.into_iter().flat_map(of_arm).collect()
}

fn comparison(records: &[RunRecord], folder: &Path) -> Comparison {
    let config = StudyConfig {
        seeds: SEEDS as usize,
        ..StudyConfig::default()
    };
    let mut summary = StudySummary::of(&config, records, folder).expect("a summary");
    let compared = summary.studies[0].points[1].comparison.take();
    compared.expect("both arms ran")
}

#[test]
fn sentences_that_predictions_name_give_an_interval_over_seeds_and_sentences() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = records(folder.path());
    let found = comparison(&records, folder.path());
    let is_wrong =
        |step: usize, seed: usize, sentence: usize| (sentence + seed).is_multiple_of(step);
    let gain = |seed, sentence| {
        f64::from(u8::from(is_wrong(7, seed, sentence)))
            - f64::from(u8::from(is_wrong(11, seed, sentence)))
    };
    let table: Vec<Vec<f64>> = (0..SEEDS as usize)
        .map(|seed| {
            (0..SENTENCES)
                .map(|sentence| gain(seed, sentence))
                .collect()
        })
        .collect();
    let expected = crossed_interval(&table).expect("some spread");
    assert_eq!(found.seeds_and_sentences, Some(expected));
    let count = |sign: f64| table.iter().flatten().filter(|gain| **gain == sign).count() as u64;
    assert_eq!(
        found.mcnemar,
        Some(McNemar::from_counts(count(1.0), count(-1.0)))
    );
    assert!(found.equivalence.len() == 2 && found.without_collapsed.is_none());

    assert_eq!(found.predictions_missing, None);
    std::fs::remove_file(folder.path().join("predictions/noisytune-2.tsv")).expect("it goes");
    let without = comparison(&records, folder.path());
    assert_eq!((without.seeds_and_sentences, without.mcnemar), (None, None));
    assert_eq!(without.paired, found.paired);
    let reason = "1 file of predictions is gone, the first is predictions/noisytune-2.tsv";
    assert_eq!(without.predictions_missing.as_deref(), Some(reason));

    std::fs::remove_dir_all(folder.path().join("predictions")).expect("they go");
    let without = comparison(&records, folder.path());
    let reason = "16 files of predictions are gone, the first is predictions/noisytune-0.tsv";
    assert_eq!(without.predictions_missing.as_deref(), Some(reason));
}

#[test]
fn an_arm_whose_runs_all_failed_still_counts_among_the_comparisons() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = records(folder.path());
    records.retain(|record| record.seed < 6);
    let mixout = Arm::named("mixout").expect("an arm");
    let config = StudyConfig {
        seeds: 6,
        arms: vec![Arm::BASELINE, Arm::NOISYTUNE, mixout],
        ..StudyConfig::default()
    };
    for seed in 0..6 {
        let mut failed = run(folder.path(), mixout, seed, |_| false);
        failed.failed = Some("loss is NaN".to_owned());
        failed.epochs.clear();
        failed.predictions.clear();
        records.push(failed);
    }
    let summary = StudySummary::of(&config, &records, folder.path()).expect("a summary");
    assert_eq!(summary.comparisons, 2);
    let study = &summary.studies[0];
    let compared = study.points[1].comparison.as_ref().expect("six pairs");
    let p_values = [compared.paired.p_value, compared.holm_p];
    assert_eq!(p_values, [Some(0.03125), Some(0.0625)]);
    let verdict = &study.verdict;
    assert!(verdict.starts_with("too few pairs to tell: "), "{verdict}");
    let end = "; with 2 comparisons it takes at least 7; left out: 6 failed runs of mixout";
    assert!(verdict.ends_with(end), "{verdict}");
}

/// Gives each run three epochs of this loss and accuracy.
fn with_epochs(record: &mut RunRecord, epochs: [(f64, f64); 3]) {
    let last = record.epochs.pop().expect("an epoch");
    record.epochs.clear();
    for (number, (loss, accuracy)) in epochs.into_iter().enumerate() {
        let mut epoch = last.clone();
        epoch.epoch = number + 1;
        let dev = epoch.evaluations.get_mut("dev").expect("scores of dev");
        dev.loss = loss;
        dev.metrics.insert("accuracy".to_owned(), accuracy);
        record.epochs.push(epoch);
    }
}

#[test]
fn other_epochs_than_the_last_are_a_sensitivity_beside_the_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = records(folder.path());
    for record in &mut records {
        record.epochs.drain(..1);
        assert_eq!(record.epochs.len(), 1);
    }
    let single = comparison(&records, folder.path());
    assert!(single.at_another_epoch.is_empty());
    for record in &mut records {
        let seed = record.seed as f64 / 64.0;
        match record.arm == Arm::BASELINE {
            true => with_epochs(
                record,
                [(0.25, 0.5 + seed), (0.5, 0.625 + seed), (0.75, 0.5)],
            ),
            // Two equal losses: the first counts, and of two equal scores it does not matter.
            false => with_epochs(
                record,
                [(0.75, 0.625), (0.5, 0.75 + seed), (0.5, 0.75 + seed)],
            ),
        }
    }
    let found = comparison(&records, folder.path());
    let mean = |n: f64| n / SEEDS as f64;
    let seeds: f64 = (0..SEEDS).map(|seed| seed as f64 / 64.0).sum();
    assert_eq!(found.paired.mean, 0.25 + mean(seeds));
    let [lowest, best] = &found.at_another_epoch[..] else {
        panic!("{:?}", found.at_another_epoch);
    };
    assert_eq!(
        (lowest.choice, lowest.mean),
        (EpochChoice::LowestLoss, 0.25)
    );
    assert_eq!((best.choice, best.mean), (EpochChoice::BestScore, 0.125));
    // All 8 pairs have the same sign: 2 of 256 arrangements are as extreme.
    assert_eq!((best.n, best.p_value), (8, Some(2.0 / 256.0)));
}

#[test]
fn collapsed_runs_are_counted_and_every_number_is_given_without_them_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = records(folder.path());
    // One predicts 1 alone; one predicts both, and is right as often as that.
    records[2] = run(folder.path(), Arm::BASELINE, 2, |sentence| {
        label(sentence) == 0
    });
    records[11] = run(folder.path(), Arm::NOISYTUNE, 3, |sentence| {
        sentence < SENTENCES / 3
    });
    assert_eq!(records[2].only_class.as_deref(), Some("good"));
    assert_eq!(records[11].only_class, None);
    let config = StudyConfig {
        seeds: SEEDS as usize,
        ..StudyConfig::default()
    };
    let summary = StudySummary::of(&config, &records, folder.path()).expect("a summary");
    let points = &summary.studies[0].points;
    for (point, seed) in points.iter().zip([2, 3]) {
        let scores = &point.scores;
        assert_eq!((scores.n, scores.collapsed), (8, 1));
        let collapsed: Vec<u64> = scores
            .values
            .iter()
            .filter(|s| s.collapsed)
            .map(|s| s.seed)
            .collect();
        assert_eq!(collapsed, [seed]);
        let learned: Vec<f64> = scores
            .values
            .iter()
            .filter(|s| !s.collapsed)
            .map(|s| s.value)
            .collect();
        let mean = learned.iter().sum::<f64>() / 7.0;
        assert!((scores.mean_without_collapsed.expect("seven") - mean).abs() < 1e-15);
    }
    let comparison = points[1].comparison.as_ref().expect("both arms ran");
    let left = comparison.without_collapsed.expect("two pairs less");
    assert_eq!((comparison.paired.n, left.n), (8, 6), "no pair is dropped");
    let differences: Vec<f64> = (0..8)
        .filter(|seed| ![2, 3].contains(seed))
        .map(|seed| comparison.paired.differences[seed])
        .collect();
    let mean = differences.iter().sum::<f64>() / 6.0;
    assert!((left.mean.expect("six pairs") - mean).abs() < 1e-15);
}
