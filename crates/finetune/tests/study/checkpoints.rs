//! A run that was stopped or killed continues bit for bit.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use encoders::{SaveDtype, SaveFormat};
use finetune::progress::{Progress, StudyStart};
use finetune::trainer::Step;
use finetune::{CHECKPOINTS, FinetuneError, SaveModels, Session};
use study::plan::RunKey;
use study::record::{RunLog, RunRecord, Saving};
use study::{Arm, Batching, Precision, Recipe, StudyConfig};

use crate::setup::{config, open, write_data};

/// After every step.
const ALWAYS: Duration = Duration::from_nanos(1);

/// Stops after some steps, and writes down what it is told.
#[derive(Default)]
struct Watch {
    stop_after: Option<usize>,
    steps: usize,
    continued: Vec<(RunKey, usize)>,
    unusable: Vec<(PathBuf, String)>,
    bytes: Option<u64>,
    /// Panics in place of this step: the process dies without a word.
    die_before: Option<usize>,
}

impl Watch {
    fn stopping_after(steps: usize) -> Self {
        Self {
            stop_after: Some(steps),
            ..Self::default()
        }
    }
}

impl Progress for Watch {
    fn study_started(&mut self, plan: &StudyStart) {
        self.bytes = plan.checkpoint_bytes;
    }

    fn run_continues(&mut self, run: &RunKey, steps: usize) {
        self.continued.push((*run, steps));
    }

    fn checkpoint_unusable(&mut self, path: &Path, reason: &str) {
        self.unusable.push((path.to_path_buf(), reason.to_owned()));
    }

    fn step(&mut self, _: &RunKey, _: &Step) {
        self.steps += 1;
        assert_ne!(Some(self.steps), self.die_before, "the process dies");
    }

    fn should_stop(&mut self) -> bool {
        self.stop_after.is_some_and(|most| self.steps >= most)
    }
}

struct World {
    folder: tempfile::TempDir,
    config: StudyConfig,
    every: Option<Duration>,
    saved: bool,
    jobs: usize,
}

/// Records, the summary, and the files of saved models.
type Leavings = (Vec<RunRecord>, Vec<u8>, Vec<(PathBuf, Vec<u8>)>);

impl World {
    fn new(config: StudyConfig) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_data(folder.path());
        Self {
            folder,
            config,
            every: Some(ALWAYS),
            saved: false,
            jobs: 1,
        }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn session(&self) -> Session {
        let jobs = NonZeroUsize::new(self.jobs).expect("at least 1");
        let mut session = open(self.config.clone(), self.folder.path()).with_jobs(jobs);
        if let Some(every) = self.every {
            session = session.with_checkpoints(every);
        }
        if self.saved {
            session = session.with_saved_models(SaveModels {
                saving: Saving::All,
                dtype: SaveDtype::F32,
                format: SaveFormat::Safetensors,
                data: "SST-2".to_owned(),
                command: "a command".to_owned(),
            });
        }
        session
    }

    fn run(&self, watch: &mut Watch) -> Result<(), FinetuneError> {
        self.session().run(&self.out(), watch).map(drop)
    }

    fn stop_after(&self, steps: usize) -> Watch {
        let mut watch = Watch::stopping_after(steps);
        let error = self.run(&mut watch).expect_err("it stops");
        assert!(matches!(error, FinetuneError::Stopped), "{error}");
        watch
    }

    fn finish(&self) -> Watch {
        let mut watch = Watch::default();
        self.run(&mut watch).expect("it continues");
        watch
    }

    fn records(&self) -> Vec<RunRecord> {
        let mut records = RunLog::read(&self.out()).expect("records");
        records.sort_by_key(|record| (record.arm.name(), record.seed));
        records.iter().map(without_times).collect()
    }

    /// The generations of the only run with checkpoints.
    fn generations(&self) -> Vec<PathBuf> {
        let run = only_entry(&self.out().join(CHECKPOINTS));
        entries(&run)
    }

    /// Everything that the study leaves but its times.
    fn leaves(&self) -> Leavings {
        let summary = fs::read(self.out().join("summary.json")).expect("a summary");
        let mut files = Vec::new();
        for folder in ["predictions", "models"] {
            let folder = self.out().join(folder);
            if folder.exists() {
                read_all(&folder, &self.out(), &mut files);
            }
        }
        (self.records(), summary, files)
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn only_entry(folder: &Path) -> PathBuf {
    let paths = entries(folder);
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths[0].clone()
}

fn read_all(folder: &Path, above: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for path in entries(folder) {
        if path.is_dir() {
            read_all(&path, above, files);
        } else {
            let name = path.strip_prefix(above).expect("it is in it").to_path_buf();
            files.push((name, fs::read(&path).expect("a file")));
        }
    }
}

fn without_times(record: &RunRecord) -> RunRecord {
    let mut record = record.clone();
    record.seconds = 0.0;
    record.finished_unix = 0;
    record.machine.threads = 0;
    record.machine.jobs = 0;
    for epoch in &mut record.epochs {
        epoch.train_seconds = 0.0;
    }
    record
}

/// Two epochs of three steps, or of six passes with accumulation, and what is to be the same.
fn recipe(change: impl Fn(&mut Recipe)) -> StudyConfig {
    let mut config = config(&[Arm::NOISYTUNE], 1, 0.15);
    change(&mut config.recipe);
    config
}

/// Stops a run after each of its steps in turn, each time in a new process as it were, and compares with one without
/// interruption.
fn continues_bit_for_bit(config: &StudyConfig, saved: bool) {
    let undisturbed = World {
        every: None,
        saved,
        ..World::new(config.clone())
    };
    let all = undisturbed.finish();
    assert_eq!(all.bytes, None);

    let world = World {
        saved,
        ..World::new(config.clone())
    };
    for step in 1..all.steps {
        let watch = world.stop_after(1);
        assert_eq!(watch.steps, 1);
        let before: Vec<usize> = watch.continued.iter().map(|(_, steps)| *steps).collect();
        let expected = if step == 1 { vec![] } else { vec![step - 1] };
        assert_eq!(before, expected);
        assert!(watch.unusable.is_empty(), "{:?}", watch.unusable);
        assert!((1..=2).contains(&world.generations().len()));
    }
    let last = world.finish();
    assert_eq!((last.steps, last.continued.len()), (1, 1));
    let (ours, theirs) = (world.leaves(), undisturbed.leaves());
    assert_eq!(ours.0, theirs.0);
    assert!(ours.1 == theirs.1, "the summaries differ");
    assert!(ours.2 == theirs.2, "predictions or models differ");
    assert!(
        !world.out().join(CHECKPOINTS).exists(),
        "they go with the record"
    );
}

#[test]
fn adamw_with_noise_and_an_evaluation_in_between() {
    continues_bit_for_bit(&recipe(|_| ()), true);
}

#[test]
fn half_precision_with_its_loss_scale() {
    let config = recipe(|recipe| recipe.precision = Precision::F16);
    continues_bit_for_bit(&config, false);
}

#[test]
fn accumulation_over_several_batches() {
    continues_bit_for_bit(
        &recipe(|recipe| {
            recipe.batch_size = 4;
            recipe.gradient_accumulation = 2;
        }),
        false,
    );
}

#[test]
fn packed_batches() {
    continues_bit_for_bit(&recipe(|recipe| recipe.batching = Batching::Packed), false);
}

#[test]
fn gradient_checkpointing() {
    continues_bit_for_bit(
        &recipe(|recipe| recipe.gradient_checkpointing = true),
        false,
    );
}

#[test]
fn a_teacher_in_half_precision_with_everything_that_saves_memory() {
    let config = StudyConfig {
        arms: vec![Arm::named("smart").expect("an arm")],
        ..recipe(|recipe| {
            recipe.precision = Precision::F16;
            recipe.batching = Batching::Packed;
            recipe.batch_size = 4;
            recipe.gradient_accumulation = 2;
            recipe.gradient_checkpointing = true;
        })
    };
    continues_bit_for_bit(&config, false);
}

#[test]
fn every_arm() {
    for &arm in Arm::ALL {
        let config = StudyConfig {
            arms: vec![arm],
            ..recipe(|_| ())
        };
        continues_bit_for_bit(&config, false);
    }
}

#[test]
fn a_process_that_dies_loses_only_the_steps_since_the_last_checkpoint() {
    let undisturbed = World::new(recipe(|_| ()));
    undisturbed.finish();
    let world = World::new(recipe(|_| ()));
    let mut dying = Watch {
        die_before: Some(5),
        ..Watch::default()
    };
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run(&mut dying)));
    assert!(died.is_err());
    let rest = world.finish();
    assert_eq!(rest.continued.first().map(|(_, steps)| *steps), Some(4));
    assert_eq!(world.leaves(), undisturbed.leaves());
}

#[test]
fn several_runs_at_the_same_time_are_all_stopped_and_continued() {
    let config = config(&[Arm::BASELINE, Arm::NOISYTUNE], 2, 0.15);
    let undisturbed = World::new(config.clone());
    undisturbed.finish();
    let world = World {
        jobs: 2,
        ..World::new(config)
    };
    let watch = world.stop_after(8);
    let each = undisturbed.finish().bytes;
    assert_eq!(each, None, "nothing is left to train");
    assert!(watch.bytes.is_some_and(|bytes| bytes > 0));
    let stopped = entries(&world.out().join(CHECKPOINTS)).len();
    assert!((1..=2).contains(&stopped), "{stopped}");
    assert_eq!(world.finish().continued.len(), stopped);
    assert_eq!(world.leaves(), undisturbed.leaves());
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before_and_is_named() {
    let config = StudyConfig {
        arms: vec![Arm::named("smart-proximal").expect("an arm")],
        ..recipe(|_| ())
    };
    let undisturbed = World::new(config.clone());
    undisturbed.finish();
    for name in [
        "parameters.bpk",
        "moments.bpk",
        "teacher.bpk",
        "state.cbor",
        "SHA256SUMS",
    ] {
        for removed in [false, true] {
            let world = World::new(config.clone());
            world.stop_after(3);
            let [before, latest] = &world.generations()[..] else {
                panic!("two generations")
            };
            let path = latest.join(name);
            if removed {
                fs::remove_file(&path).expect("it is there");
            } else {
                let mut bytes = fs::read(&path).expect("it is there");
                let middle = bytes.len() / 3;
                bytes[middle] ^= 1;
                fs::write(&path, bytes).expect("it is written");
            }
            let watch = world.finish();
            let [(unusable, reason)] = &watch.unusable[..] else {
                panic!("one line: {:?}", watch.unusable)
            };
            assert_eq!(unusable, latest);
            assert!(reason.starts_with("damaged ("), "{reason}");
            assert!(reason.ends_with("the one before is used"), "{reason}");
            assert!(!before.exists(), "{name}");
            // The step of the damaged one was written twice: after the step, and because it was to stop.
            assert_eq!(watch.continued.len(), 1, "{name}");
            assert_eq!(world.leaves(), undisturbed.leaves(), "{name}");
        }
    }
}

#[test]
fn when_all_are_damaged_the_run_starts_from_the_beginning() {
    let undisturbed = World::new(recipe(|_| ()));
    undisturbed.finish();
    let world = World::new(recipe(|_| ()));
    world.stop_after(3);
    for generation in world.generations() {
        fs::write(generation.join("moments.bpk"), b"").expect("it is written");
    }
    let watch = world.finish();
    assert_eq!(watch.unusable.len(), 2);
    let (_, last) = &watch.unusable[1];
    assert!(
        last.ends_with("removed, and the run starts from the beginning"),
        "{last}"
    );
    assert!(watch.continued.is_empty());
    assert_eq!(world.leaves(), undisturbed.leaves());
}

#[test]
fn a_folder_with_the_last_number_of_all_is_no_checkpoint() {
    let undisturbed = World::new(recipe(|_| ()));
    undisturbed.finish();
    let world = World::new(recipe(|_| ()));
    world.stop_after(3);
    let latest = world.generations().pop().expect("a generation");
    let last = latest.with_file_name(usize::MAX.to_string());
    fs::create_dir(&last).expect("it is made");
    let watch = world.finish();
    assert_eq!(watch.continued.len(), 1);
    assert_eq!(watch.unusable, []);
    assert_eq!(world.leaves(), undisturbed.leaves());
}

#[test]
fn a_checkpoint_of_other_settings_is_set_aside_and_named() {
    let mut world = World::new(recipe(|_| ()));
    world.stop_after(3);
    world.config.recipe.learning_rate = 2e-3;
    let undisturbed = World::new(world.config.clone());
    undisturbed.finish();
    let watch = world.finish();
    let [(_, reason)] = &watch.unusable[..] else {
        panic!("one line: {:?}", watch.unusable)
    };
    assert!(
        reason.starts_with("written with settings.recipe.learning_rate 0.001, now it is 0.002"),
        "{reason}"
    );
    let aside = only_entry(&world.out().join(CHECKPOINTS));
    assert!(reason.contains(&aside.display().to_string()), "{reason}");
    assert_eq!(entries(&aside).len(), 2, "nothing is lost");
    assert!(watch.continued.is_empty());
    let results = |world: &World| -> Vec<RunRecord> {
        let records = world.records().into_iter();
        let unplanned = records.map(|record| RunRecord {
            plan_sha256: None,
            ..record
        });
        unplanned.collect()
    };
    assert_eq!(results(&world), results(&undisturbed));
}

#[test]
fn a_checkpoint_is_used_where_only_what_its_run_does_not_read_has_changed() {
    let smart = Arm::named("smart").expect("an arm");
    let two = config(&[Arm::BASELINE, smart], 1, 0.15);
    let weight = |weight| {
        let mut config = two.clone();
        config
            .hyperparameters
            .insert("smart.weight".to_owned(), weight);
        config
    };
    let mut world = World::new(weight(2.0));
    world.stop_after(3);
    world.config = weight(3.0);
    let watch = world.finish();
    assert_eq!(watch.unusable, []);
    assert_eq!(watch.continued.len(), 1);
    assert!(world.out().join("plan-2.json").exists());
    let undisturbed = World::new(weight(3.0));
    undisturbed.finish();
    let scores = |world: &World| {
        let records = world.records();
        records
            .iter()
            .map(|run| run.epochs.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(scores(&world), scores(&undisturbed));
    // Its own numbers it does read.
    let mut world = World::new(StudyConfig {
        arms: vec![smart],
        ..weight(2.0)
    });
    world.stop_after(3);
    world
        .config
        .hyperparameters
        .insert("smart.weight".to_owned(), 3.0);
    let watch = world.finish();
    let [(_, reason)] = &watch.unusable[..] else {
        panic!("one line: {:?}", watch.unusable)
    };
    let part = "written with settings.hyperparameters.smart.weight 2.0, now it is 3.0";
    assert!(reason.starts_with(part), "{reason}");
}

#[test]
fn a_checkpoint_under_a_plan_that_is_gone_is_set_aside() {
    let world = World::new(recipe(|_| ()));
    world.stop_after(3);
    let plan = world.out().join("plan.json");
    let text = fs::read_to_string(&plan).expect("a plan");
    fs::write(&plan, text.replace("\"format\": 1", "\"format\":  1")).expect("it is written");
    let watch = world.finish();
    let [(_, reason)] = &watch.unusable[..] else {
        panic!("one line: {:?}", watch.unusable)
    };
    assert!(reason.starts_with("written with plan "), "{reason}");
}

#[test]
fn what_a_killed_process_left_half_written_or_unremoved_is_cleared_away() {
    let world = World::new(recipe(|_| ()));
    world.stop_after(3);
    let run = only_entry(&world.out().join(CHECKPOINTS));
    let half = run.join(".unfinished-abc");
    fs::create_dir(&half).expect("a folder");
    fs::write(half.join("parameters.bpk"), b"half").expect("a file");
    let kept = world.folder.path().join("kept");
    fs::rename(&run, &kept).expect("it moves");
    fs::create_dir_all(&run).expect("a folder");
    for path in entries(&kept) {
        fs::rename(&path, run.join(path.file_name().expect("a name"))).expect("it moves");
    }
    assert_eq!(world.finish().continued.len(), 1);
    assert!(!world.out().join(CHECKPOINTS).exists());
    // As if the process had died between the record and the removal.
    fs::create_dir_all(run.join("00000001")).expect("a folder");
    let again = world.finish();
    assert_eq!(again.steps, 0);
    assert!(!world.out().join(CHECKPOINTS).exists());
}

#[test]
fn without_an_interval_none_is_written_and_with_0_only_at_the_ends_of_epochs() {
    let mut world = World::new(recipe(|_| ()));
    world.every = None;
    world.stop_after(4);
    assert!(!world.out().join(CHECKPOINTS).exists());
    world.every = Some(Duration::ZERO);
    let mut dying = Watch {
        die_before: Some(6),
        ..Watch::default()
    };
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run(&mut dying)));
    assert!(died.is_err());
    assert_eq!(world.generations().len(), 1);
    // One that is there is used, also if no more are to be written.
    world.every = None;
    let watch = world.finish();
    assert_eq!(watch.continued.first().map(|(_, steps)| *steps), Some(3));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_before_the_first_run() {
    let world = World::new(recipe(|_| ()));
    fs::create_dir_all(world.out()).expect("a folder");
    fs::write(world.out().join(CHECKPOINTS), b"in the way").expect("a file");
    let mut watch = Watch::default();
    let error = world.run(&mut watch).expect_err("no place").to_string();
    let place = world.out().join(CHECKPOINTS);
    assert!(
        error.starts_with(&format!("{}: ", place.display())),
        "{error}"
    );
    assert_eq!(watch.steps, 0);
}

#[test]
fn seconds_add_up_over_the_pieces() {
    let world = World::new(recipe(|_| ()));
    let mut before = 0.0;
    for _ in 0..5 {
        world.stop_after(1);
    }
    world.finish();
    let records = RunLog::read(&world.out()).expect("records");
    let [record] = &records[..] else {
        panic!("one run")
    };
    for epoch in &record.epochs {
        assert!(epoch.train_seconds > 0.0);
        before += epoch.train_seconds;
    }
    assert!(record.seconds >= before, "{} {before}", record.seconds);
}
