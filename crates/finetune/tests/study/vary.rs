//! What the seeds of a study decide, one draw at a time.

use study::record::RunRecord;
use study::{Arm, Draw, StudyConfig, StudyKind};

use crate::setup::{config, open, write_data};

/// Two seeds of each arm, in which this is drawn by them.
fn records(vary: Option<&[Draw]>, studies: &[StudyKind]) -> Vec<RunRecord> {
    let mixout = Arm::named("mixout").expect("an arm");
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_data(folder.path());
    let config = StudyConfig {
        studies: studies.to_vec(),
        vary: vary.map(<[Draw]>::to_vec),
        fractions: vec![0.5, 1.0],
        ..config(&[Arm::BASELINE, Arm::NOISYTUNE, mixout], 2, 0.15)
    };
    let session = open(config, folder.path());
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
    let differs = |vary: Draw| {
        let records = records(Some(&[vary]), &[StudyKind::Compare]);
        for record in &records {
            assert_eq!(record.settings.vary.as_deref(), Some(&[vary][..]));
        }
        ["baseline", "noisytune", "mixout"].map(|arm| {
            let [first, second] = losses(&records, arm, 24);
            first != second
        })
    };
    assert_eq!(differs(Draw::Head), [true; 3]);
    assert_eq!(differs(Draw::Order), [true; 3]);
    assert_eq!(differs(Draw::Dropout), [true; 3]);
    assert_eq!(differs(Draw::Noise), [false, true, false]);
    assert_eq!(differs(Draw::Method), [false, false, true]);
    assert_eq!(differs(Draw::Subset), [false; 3]);
}

#[test]
fn all_that_is_usually_varied_makes_the_same_runs_as_no_choice() {
    let [chosen, usual] = [Some(&Draw::USUAL[..]), None].map(|vary| {
        let records = records(vary, &[StudyKind::Compare]);
        ["baseline", "noisytune", "mixout"].map(|arm| losses(&records, arm, 24))
    });
    assert_eq!(chosen, usual);
}

#[test]
fn subsets_are_drawn_by_the_seed_and_are_the_same_for_a_pair() {
    let study = [StudyKind::DataSize];
    let drawn = records(Some(&[Draw::Subset]), &study);
    for arm in ["baseline", "noisytune"] {
        let [first, second] = losses(&drawn, arm, 12);
        assert_ne!(first, second, "{arm}: two subsets");
        let [first, second] = losses(&drawn, arm, 24);
        assert_eq!(first, second, "{arm}: all rows");
    }
    let kept = records(Some(&[Draw::Dropout]), &study);
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
