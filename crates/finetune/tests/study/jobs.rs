//! Several runs at the same time.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use burn::tensor::Device;
use finetune::progress::{Progress, RunStart};
use finetune::trainer::Step;
use finetune::{FinetuneError, Session};
use study::Arm;
use study::plan::RunKey;
use study::record::{RunLog, RunRecord};

use crate::setup::{config, open, snapshot, sst2, write_data};

/// Counts the runs that have begun and not ended.
#[derive(Default)]
struct InWork {
    now: Vec<RunKey>,
    most: usize,
    steps: usize,
    stop_after: Option<usize>,
}

impl Progress for InWork {
    fn run_started(&mut self, plan: &RunStart) {
        self.now.push(plan.run);
        self.most = self.most.max(self.now.len());
    }

    fn step(&mut self, run: &RunKey, _: &Step) {
        assert!(self.now.contains(run), "{run:?}");
        self.steps += 1;
    }

    fn epoch(&mut self, run: &RunKey, _: usize, _: f64) {
        assert!(self.now.contains(run), "{run:?}");
    }

    fn should_stop(&mut self) -> bool {
        self.stop_after.is_some_and(|most| self.steps >= most)
    }

    fn run_finished(&mut self, record: &RunRecord) {
        let at = self.now.iter().position(|run| *run == RunKey::of(record));
        self.now.remove(at.expect("it has started"));
    }
}

struct World {
    data: tempfile::TempDir,
    out: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        write_data(data.path());
        let out = tempfile::tempdir().expect("a temporary folder");
        Self { data, out }
    }

    fn run(&self, jobs: usize, in_work: &mut InWork) -> Result<(), FinetuneError> {
        let jobs = NonZeroUsize::new(jobs).expect("at least 1");
        let study = open(config(Arm::ALL, 2, 0.15), self.data.path()).with_jobs(jobs);
        study.run(self.out.path(), in_work).map(drop)
    }

    fn summary(&self) -> Vec<u8> {
        std::fs::read(self.out.path().join("summary.json")).expect("it is written")
    }

    /// Sorted by arm and seed; in the file, they are in the order in which the runs ended.
    fn records(&self) -> Vec<RunRecord> {
        let mut records = RunLog::read(self.out.path()).expect("records");
        records.sort_by_key(|record| (record.arm.name(), record.seed));
        records
    }
}

/// The record without its times and numbers of threads and jobs.
fn result(record: &RunRecord) -> RunRecord {
    let mut result = record.clone();
    result.seconds = 0.0;
    result.finished_unix = 0;
    result.machine.threads = 0;
    result.machine.jobs = 0;
    for epoch in &mut result.epochs {
        epoch.train_seconds = 0.0;
    }
    result
}

#[test]
fn runs_at_the_same_time_or_in_turn_give_the_same_to_the_last_bit() {
    let in_turn = World::new();
    let mut one = InWork::default();
    in_turn.run(1, &mut one).expect("it runs");
    assert_eq!(one.most, 1);
    for jobs in [2, 5] {
        let at_once = World::new();
        let mut several = InWork::default();
        at_once.run(jobs, &mut several).expect("it runs");
        assert!((2..=jobs).contains(&several.most), "{}", several.most);
        assert_eq!(several.steps, one.steps);
        let (expected, ours) = (in_turn.records(), at_once.records());
        assert_eq!(ours.len(), 2 * Arm::ALL.len());
        for (expected, ours) in expected.iter().zip(&ours) {
            assert_eq!((expected.machine.jobs, ours.machine.jobs), (1, jobs));
            assert_eq!(result(ours), result(expected));
        }
        assert_eq!(at_once.summary(), in_turn.summary());
    }
}

#[test]
fn every_run_has_its_share_of_the_threads() {
    let world = World::new();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(7);
    pool.build()
        .expect("a pool")
        .install(|| world.run(3, &mut InWork::default()))
        .expect("it runs");
    for record in world.records() {
        assert_eq!(record.machine.jobs, 3);
        assert!((2..=3).contains(&record.machine.threads), "{record:?}");
    }
}

#[test]
fn stopped_jobs_record_only_whole_runs_and_another_number_of_jobs_continues() {
    let undisturbed = World::new();
    let mut all = InWork::default();
    undisturbed.run(1, &mut all).expect("it runs");

    let world = World::new();
    let mut stopped = InWork {
        stop_after: Some(all.steps / 2),
        ..InWork::default()
    };
    let error = world.run(3, &mut stopped).expect_err("it stops");
    assert!(matches!(error, FinetuneError::Stopped), "{error}");
    // A run that is in a step when another is told to stop finishes that step.
    assert!(stopped.steps < all.steps / 2 + 3, "{}", stopped.steps);
    assert!((1..=3).contains(&stopped.now.len()), "{:?}", stopped.now);
    let recorded = world.records().len();
    assert!(recorded > 0);

    let mut rest = InWork::default();
    world.run(2, &mut rest).expect("it continues");
    let a_run = all.steps / (2 * Arm::ALL.len());
    assert_eq!(rest.steps, all.steps - recorded * a_run);
    assert_eq!(world.summary(), undisturbed.summary());
}

/// Deletes the weights when the third run begins.
struct Vandal {
    weights: PathBuf,
    begun: usize,
}

impl Progress for Vandal {
    fn run_started(&mut self, _: &RunStart) {
        self.begun += 1;
        if self.begun == 3 {
            std::fs::remove_file(&self.weights).expect("they are there");
        }
    }
}

#[test]
fn an_error_in_one_run_ends_all() {
    let world = World::new();
    let model = tempfile::tempdir().expect("a temporary folder");
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(snapshot().join(name), model.path().join(name)).expect("a file");
    }
    let study = Session::open(
        config(Arm::ALL, 2, 0.15),
        sst2(world.data.path()),
        model.path(),
        &Device::flex(),
        "flex",
    )
    .expect("it opens")
    .with_jobs(NonZeroUsize::new(2).expect("not 0"));
    let mut vandal = Vandal {
        weights: model.path().join("model.safetensors"),
        begun: 0,
    };
    let error = study
        .run(world.out.path(), &mut vandal)
        .expect_err("no weights");
    let expected = format!("{}: ", vandal.weights.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!((3..=4).contains(&vandal.begun), "{}", vandal.begun);
    assert!((1..=3).contains(&world.records().len()));
}
