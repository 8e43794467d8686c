//! What the seeds of a study decide, one draw at a time.

use burn::tensor::Device;
use finetune::Session;
use study::record::RunRecord;
use study::{Arm, Draw, StudyConfig, StudyKind};

use crate::setup::{config, open, write_data};

const ARMS: [&str; 3] = ["baseline", "noisytune", "mixout"];

fn study(vary: Option<&[Draw]>, studies: &[StudyKind], arms: &[&str]) -> StudyConfig {
    let arms: Vec<Arm> = arms
        .iter()
        .map(|name| Arm::named(name).expect("an arm"))
        .collect();
    StudyConfig {
        studies: studies.to_vec(),
        vary: vary.map(<[Draw]>::to_vec),
        fractions: vec![0.5, 1.0],
        ..config(&arms, 2, 0.15)
    }
}

/// Two seeds of each arm, in which this is drawn by them.
fn records(vary: Option<&[Draw]>, studies: &[StudyKind], arms: &[&str]) -> Vec<RunRecord> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_data(folder.path());
    let session = open(study(vary, studies, arms), folder.path());
    let out = folder.path().join("out");
    session.run(&out, &mut ()).expect("it runs");
    study::record::RunLog::read(&out).expect("the records read back")
}

/// The training losses of an arm's runs on so many rows, by seed.
fn losses(records: &[RunRecord], arm: &str, rows: usize) -> [Vec<f64>; 2] {
    [3, 4].map(|seed| {
        let is_it = |record: &&RunRecord| {
            (record.arm.name(), record.seed) == (arm, seed) && record.settings.train.used == rows
        };
        let record = records.iter().find(is_it).expect("a record");
        record.epochs.iter().map(|epoch| epoch.train_loss).collect()
    })
}

#[test]
fn seeds_differ_in_what_is_varied_and_in_nothing_else() {
    let differs = |vary: Draw, arms: &[&str]| {
        let records = records(Some(&[vary]), &[StudyKind::Compare], arms);
        for record in &records {
            assert_eq!(record.settings.vary.as_deref(), Some(&[vary][..]));
        }
        let differs = arms.iter().map(|arm| {
            let [first, second] = losses(&records, arm, 24);
            first != second
        });
        differs.collect::<Vec<_>>()
    };
    assert_eq!(differs(Draw::Head, &ARMS), [true; 3]);
    assert_eq!(differs(Draw::Order, &ARMS), [true; 3]);
    assert_eq!(differs(Draw::Dropout, &ARMS), [true; 3]);
    assert_eq!(differs(Draw::Noise, &ARMS[..2]), [false, true]);
    assert_eq!(
        differs(Draw::Method, &["baseline", "mixout"]),
        [false, true]
    );
}

#[test]
fn seeds_that_decide_nothing_for_a_pair_are_refused_and_for_one_side_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_data(folder.path());
    let open = |vary: Draw, study_kind, arms: &[&str]| {
        let config = study(Some(&[vary]), &[study_kind], arms);
        let task = crate::setup::sst2(folder.path());
        let model = crate::setup::snapshot();
        Session::open(config, task, &model, &Device::flex(), "flex")
    };
    for (vary, arms) in [
        (Draw::Subset, &ARMS[..2]),
        (Draw::Method, &ARMS[..2]),
        (Draw::Noise, &["baseline", "mixout"]),
    ] {
        let error = open(vary, StudyKind::Compare, arms).expect_err("copies of a pair");
        let expected = format!(
            "the seeds vary {vary}, which decides nothing for {} and baseline: every pair would be the same; accepted is a draw in which their runs differ, such as head, order or dropout",
            arms[1]
        );
        assert_eq!(error.to_string(), expected);
    }
    let noise = open(Draw::Noise, StudyKind::Compare, &ARMS[..2]).expect("one side differs");
    let said = "compare: the seeds decide nothing for baseline, whose 2 runs are all the same";
    assert!(
        noise.notes().contains(&said.to_owned()),
        "{:?}",
        noise.notes()
    );
    let error = open(Draw::Subset, StudyKind::DataSize, &ARMS[..2]);
    assert!(error.is_err(), "all rows are no subset");
}

#[test]
fn a_subset_without_a_class_is_refused_before_the_first_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_data(folder.path());
    let mut config = study(Some(&Draw::ALL), &[StudyKind::DataSize], &ARMS[..2]);
    config.fractions = vec![0.05];
    let task = crate::setup::sst2(folder.path());
    let model = crate::setup::snapshot();
    let error = Session::open(config, task, &model, &Device::flex(), "flex");
    let expected = "drawn training rows is 1 of 24, accepted is at least one of every class, with one of every class left";
    assert_eq!(error.expect_err("two classes").to_string(), expected);
}

#[test]
fn a_folder_is_continued_with_sizes_and_without_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_data(folder.path());
    let out = folder.path().join("out");
    let run = |vary: Option<&[Draw]>, studies: &[StudyKind]| {
        let session = open(study(vary, studies, &ARMS[..2]), folder.path());
        session.run(&out, &mut ()).map(|_| ())
    };
    let sizes = [StudyKind::Compare, StudyKind::DataSize];
    run(None, &sizes[..1]).expect("the comparison");
    run(Some(&Draw::ALL), &sizes).expect("the sizes too");
    run(None, &sizes[..1]).expect("the comparison again");
    let error = run(None, &sizes).expect_err("the first rows instead of drawn ones");
    assert!(error.to_string().contains("recorded with vary"), "{error}");
}

#[test]
fn all_that_is_usually_varied_makes_the_same_runs_as_no_choice() {
    let [chosen, usual] = [Some(&Draw::USUAL[..]), None].map(|vary| {
        let records = records(vary, &[StudyKind::Compare], &ARMS);
        ARMS.map(|arm| losses(&records, arm, 24))
    });
    assert_eq!(chosen, usual);
}

#[test]
fn subsets_are_drawn_by_the_seed_and_are_the_same_for_a_pair() {
    let study = [StudyKind::DataSize];
    let drawn = records(Some(&[Draw::Dropout, Draw::Subset]), &study, &ARMS);
    for arm in ["baseline", "noisytune"] {
        let [first, second] = losses(&drawn, arm, 12);
        assert_ne!(first, second, "{arm}: two subsets");
    }
    let kept = records(Some(&[Draw::Dropout]), &study, &ARMS);
    assert_ne!(
        losses(&kept, "baseline", 12)[0],
        losses(&drawn, "baseline", 12)[0]
    );
    // A noise of λ = 0.15 changes little at first: both runs of a seed see the same sentences.
    let [ours, _] = losses(&drawn, "noisytune", 12);
    let [theirs, other] = losses(&drawn, "baseline", 12);
    let apart = |a: &[f64], b: &[f64]| (a[0] - b[0]).abs();
    assert!(apart(&ours, &theirs) < apart(&theirs, &other));
}
