//! `plan.json`: written before the first run, never changed, and named by every record made under it.

use std::path::{Path, PathBuf};

use files::sha256_of;
use finetune::progress::{Progress, RunStart};
use study::record::RunLog;
use study::{Arm, Preregistration, StudySummary};

use crate::setup::{config, open, write_data};

const ARMS: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];

/// Expects the plan in the folder when the first run starts.
struct Planned<'a>(&'a Path);

impl Progress for Planned<'_> {
    fn run_started(&mut self, _: &RunStart) {
        assert!(self.0.join("plan.json").is_file(), "before the first run");
    }
}

fn run(data: &Path, out: &Path, seeds: usize) -> StudySummary {
    let session = open(config(&ARMS, seeds, 0.15), data);
    session.run(out, &mut Planned(out)).expect("it runs")
}

fn read(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).expect("a file")
}

/// The plans that the records name, in their order.
fn named(out: &Path) -> Vec<Option<String>> {
    let records = RunLog::read(out).expect("records").into_iter();
    records.map(|record| record.plan_sha256).collect()
}

#[test]
fn a_plan_stands_before_the_first_run_and_every_record_has_its_hash() {
    let (data, out) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write_data(data.path());
    let summary = run(data.path(), out.path(), 2);
    let text = read(out.path(), "plan.json");
    let plan: Preregistration = serde_json::from_str(&text).expect("a plan");
    assert_eq!(plan.config, config(&ARMS, 2, 0.15));
    let primary = plan.primary.expect("two arms");
    assert_eq!(
        (primary.treatment.as_str(), primary.control.as_str()),
        ("noisytune", "baseline")
    );
    assert_eq!((plan.task.as_str(), plan.comparisons), ("sst2", 1));
    let record = &RunLog::read(out.path()).expect("records")[0].settings;
    assert_eq!(plan.model.sha256, record.model.sha256);
    assert_eq!(plan.data["train"], record.train.sha256);
    assert_eq!(plan.data["dev"], record.evaluation["dev"].sha256);
    assert_eq!(named(out.path()), vec![Some(sha256_of(text.as_bytes())); 4]);
    assert_eq!(summary.exploratory, None);

    // The same command again plans and changes nothing.
    let again = run(data.path(), out.path(), 2);
    assert_eq!(again, summary);
    assert_eq!(read(out.path(), "plan.json"), text);
    assert!(!out.path().join("plan-2.json").exists());
}

/// Collects the extensions that it is told of.
#[derive(Default)]
struct Extended(Vec<PathBuf>);

impl Progress for Extended {
    fn plan_extended(&mut self, path: &Path) {
        self.0.push(path.to_path_buf());
    }
}

#[test]
fn an_extension_is_told_of_when_it_is_written() {
    let (data, out) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write_data(data.path());
    let told = |seeds, shard: Option<&str>| {
        let session = open(config(&ARMS, seeds, 0.15), data.path());
        let mut extended = Extended::default();
        let ended = match shard {
            None => session.run(out.path(), &mut extended).map(drop),
            Some(shard) => {
                let shard = shard.parse().expect("a shard");
                session
                    .run_shard(out.path(), shard, &mut extended)
                    .map(drop)
            }
        };
        ended.expect("it runs");
        let names = extended.0.iter().filter_map(|path| path.file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told(1, None), "", "the first plan is none");
    assert_eq!(told(1, None), "");
    // The first shard's pair is recorded, so that it plans nothing.
    assert_eq!(told(2, Some("1/2")), "");
    assert_eq!(told(2, Some("2/2")), "plan-2.json");
    assert_eq!(told(2, Some("2/2")), "");
    assert_eq!(told(3, None), "plan-3.json");
}

#[test]
fn further_seeds_are_a_second_plan_and_make_the_verdict_exploratory() {
    let (data, out) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write_data(data.path());
    run(data.path(), out.path(), 1);
    let first = read(out.path(), "plan.json");
    let summary = run(data.path(), out.path(), 2);
    assert_eq!(read(out.path(), "plan.json"), first, "it is never changed");
    let second = read(out.path(), "plan-2.json");
    let [first, second] = [first, second].map(|text| Some(sha256_of(text.as_bytes())));
    assert_eq!(
        named(out.path()),
        [first.clone(), first, second.clone(), second]
    );
    let reason = "the plan was extended after the first run";
    assert_eq!(summary.exploratory.as_deref(), Some(reason));
    let verdict = &summary.studies[0].verdict;
    assert!(
        verdict.starts_with("exploratory, too few pairs to tell: "),
        "{verdict}"
    );
    // Fewer seeds, once it is known how the others came out.
    let fewer = run(data.path(), out.path(), 1);
    assert!(fewer.exploratory.is_some());
    std::fs::remove_file(out.path().join("plan-2.json")).expect("it goes");
    let fewer = run(data.path(), out.path(), 1);
    let reason = "a plan of recorded runs is gone";
    assert_eq!(fewer.exploratory.as_deref(), Some(reason));
}

#[test]
fn runs_from_before_plans_were_kept_get_none_and_a_plan_that_is_gone_is_missed() {
    let (data, out) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write_data(data.path());
    run(data.path(), out.path(), 1);
    std::fs::remove_file(out.path().join("plan.json")).expect("it goes");
    let session = open(config(&ARMS, 1, 0.15), data.path());
    let summary = session
        .run(out.path(), &mut ())
        .expect("nothing is missing");
    assert_eq!(summary.exploratory.as_deref(), Some("plan.json is gone"));

    let runs = out.path().join("runs.jsonl");
    let lines = read(out.path(), "runs.jsonl");
    let records: Vec<String> = lines
        .lines()
        .map(|line| {
            let mut record: serde_json::Value = serde_json::from_str(line).expect("a record");
            record
                .as_object_mut()
                .expect("an object")
                .remove("plan_sha256");
            format!("{record}\n")
        })
        .collect();
    std::fs::write(&runs, records.concat()).expect("a file");
    let session = open(config(&ARMS, 2, 0.15), data.path());
    let summary = session.run(out.path(), &mut ()).expect("it runs");
    assert_eq!(summary.exploratory, None);
    assert_eq!(named(out.path()), [None, None, None, None]);
    assert!(
        !out.path().join("plan.json").exists(),
        "a plan made after its runs is none"
    );
}
