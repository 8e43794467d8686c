//! Several devices: runs side by side, and replicas that share a run's batches. All are flex, under several names.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use finetune::progress::{Progress, RunStart};
use finetune::{FinetuneError, Session};
use study::record::{RunLog, RunRecord};
use study::{Arm, Method, StudyConfig};

use crate::setup::{config, open, snapshot, sst2, write_data};

const PAIR: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];

/// The records without times, devices and the hash of the plan, which names the device; by arm and seed.
fn results(folder: &Path) -> Vec<RunRecord> {
    let mut records = RunLog::read(folder).expect("records");
    for record in &mut records {
        record.settings.device.clear();
        record.plan_sha256 = None;
        record.seconds = 0.0;
        record.finished_unix = 0;
        record.machine.threads = 0;
        record.machine.jobs = 0;
        for epoch in &mut record.epochs {
            epoch.train_seconds = 0.0;
        }
    }
    records.sort_by_key(|record| (record.arm.name(), record.seed));
    records
}

fn devices_of(folder: &Path) -> BTreeSet<String> {
    let records = RunLog::read(folder).expect("records").into_iter();
    records.map(|record| record.settings.device).collect()
}

fn named(config: StudyConfig, data: &Path, name: &str) -> Session {
    let session = Session::open(config, sst2(data), &snapshot(), &Device::flex(), name);
    session.expect("the study opens")
}

fn others(names: &[&str]) -> Vec<(Device, String)> {
    let others = names.iter();
    others
        .map(|name| (Device::flex(), (*name).to_owned()))
        .collect()
}

/// Asks to stop once so many runs have begun.
struct Until(usize);

impl Progress for Until {
    fn run_started(&mut self, _: &RunStart) {
        self.0 = self.0.saturating_sub(1);
    }

    fn should_stop(&mut self) -> bool {
        self.0 == 0
    }
}

#[test]
fn on_which_of_several_devices_a_run_was_changes_nothing() {
    let (data, here, there) = (
        tempfile::tempdir(),
        tempfile::tempdir(),
        tempfile::tempdir(),
    );
    let [data, here, there] = [data, here, there].map(|folder| folder.expect("a folder"));
    write_data(data.path());
    let one = open(config(&PAIR, 3, 0.15), data.path());
    one.run(here.path(), &mut ()).expect("it runs");

    let three = || {
        let session = named(config(&PAIR, 3, 0.15), data.path(), "flex:0");
        session.with_other_devices(&others(&["flex:1", "flex:2"]))
    };
    // Three have begun, and each has a checkpoint that another device may continue.
    let stopped = three().with_checkpoints(std::time::Duration::from_secs(600));
    let error = stopped
        .run(there.path(), &mut Until(3))
        .expect_err("it is stopped");
    assert!(matches!(error, FinetuneError::Stopped), "{error}");
    let mut aside = Aside::default();
    three().run(there.path(), &mut aside).expect("it continues");
    assert_eq!(aside.0, 0, "no checkpoint is set aside");
    assert_eq!(results(there.path()), results(here.path()));
    let on = devices_of(there.path());
    assert!(on.len() > 1, "{on:?}");

    // Once all are recorded, nothing is left to refuse or to do.
    three().run(there.path(), &mut ()).expect("it is complete");
    let error = named(config(&PAIR, 3, 0.15), data.path(), "ndarray").run(there.path(), &mut ());
    let message = error.expect_err("another device").to_string();
    assert!(message.contains("device"), "{message}");
}

/// What is set after the other devices were named holds for their runs too.
#[test]
fn runs_on_other_devices_have_the_models_name_and_predict_what_is_asked() {
    let [data, out] = [tempfile::tempdir(), tempfile::tempdir()].map(|f| f.expect("a folder"));
    write_data(data.path());
    let rows = "index\tsentence\n0\ta fine thing\n1\tno fun at all\n";
    std::fs::write(data.path().join("test.tsv"), rows).expect("it is written");
    let session = || {
        let session = named(config(&PAIR, 2, 0.15), data.path(), "flex:0");
        let session = session.with_other_devices(&others(&["flex:1"]));
        let session = session.with_model_name("hf:owner/name@1");
        session.with_predictions_of(&["test"]).expect("a test set")
    };
    session().run(out.path(), &mut ()).expect("it runs");
    let records = RunLog::read(out.path()).expect("records");
    assert_eq!(devices_of(out.path()).len(), 2);
    for record in records {
        assert_eq!(record.settings.model.name, "hf:owner/name@1");
        assert!(record.predictions.contains_key("test"), "{}", record.seed);
    }
    session().run(out.path(), &mut ()).expect("it is complete");
}

/// Counts checkpoints that could not be used.
#[derive(Default)]
struct Aside(usize);

impl Progress for Aside {
    fn checkpoint_unusable(&mut self, path: &Path, reason: &str) {
        println!("{}: {reason}", path.display());
        self.0 += 1;
    }
}

fn accumulating(arms: &[Arm]) -> StudyConfig {
    let mut config = config(arms, 1, 0.15);
    config.recipe.batch_size = 3;
    config.recipe.gradient_accumulation = 3;
    config
}

#[test]
fn replicas_that_share_a_step_have_the_bits_of_one_device_that_accumulates() {
    let (data, here) = (tempfile::tempdir(), tempfile::tempdir());
    let [data, here] = [data, here].map(|folder| folder.expect("a folder"));
    write_data(data.path());
    let arms: Vec<Arm> = Arm::ALL
        .iter()
        .copied()
        .filter(|arm| !keeps_tensors(*arm))
        .collect();
    assert!(arms.len() > 6, "{arms:?}");
    let one = open(accumulating(&arms), data.path());
    one.run(here.path(), &mut ()).expect("it runs");
    for replicas in [1, 2] {
        let there = tempfile::tempdir().expect("a folder");
        let session = named(accumulating(&arms), data.path(), "flex:0+flex:1");
        let session = session.with_replicas(vec![Device::flex(); replicas]);
        let session = session.expect("a batch for each");
        session.run(there.path(), &mut ()).expect("it runs");
        assert_eq!(results(there.path()), results(here.path()), "{replicas}");
        let name = BTreeSet::from(["flex:0+flex:1".to_owned()]);
        assert_eq!(devices_of(there.path()), name);
    }
}

fn keeps_tensors(arm: Arm) -> bool {
    matches!(arm.method(), Method::Mixout | Method::Mixconnect) || arm.method().has_teacher()
}

#[test]
fn replicas_without_work_and_methods_on_one_device_are_refused() {
    let data = tempfile::tempdir().expect("a folder");
    write_data(data.path());
    let refusal = |config, replicas| {
        let session = open(config, data.path()).with_replicas(vec![Device::flex(); replicas]);
        session.map(drop).expect_err("it is refused").to_string()
    };
    assert_eq!(
        refusal(accumulating(&PAIR), 3),
        "a run on several devices: 3 batches per step, expected at least one for each of 4 devices"
    );
    for arm in Arm::ALL.iter().copied().filter(|arm| keeps_tensors(*arm)) {
        let message = refusal(accumulating(&[arm]), 1);
        let part = format!("{} keeps tensors", arm.name());
        assert!(message.contains(&part), "{message}");
    }
}
