//! Shards of a study, merged, are the study.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use encoders::{SaveDtype, SaveFormat};
use finetune::progress::Progress;
use finetune::trainer::Step;
use finetune::{FinetuneError, SaveModels, Session, ShardRuns};
use serde_json::Value;
use study::plan::RunKey;
use study::record::{RunLog, RunRecord, Saving};
use study::{Arm, Shard, StudyConfig, StudyKind, Tuning};

use crate::setup::{config, open, write_data};

const ARMS: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];

fn shard(text: &str) -> Shard {
    text.parse().expect("a shard")
}

/// Counts what is trained, and stops after some steps.
#[derive(Default)]
struct Watch {
    stop_after: Option<usize>,
    steps: usize,
    trained: usize,
    continued: usize,
    merged: Option<(usize, usize)>,
}

impl Progress for Watch {
    fn shards_merged(&mut self, files: usize, records: usize) {
        self.merged = Some((files, records));
    }

    fn run_continues(&mut self, _: &RunKey, _: usize) {
        self.continued += 1;
    }

    fn step(&mut self, _: &RunKey, _: &Step) {
        self.steps += 1;
    }

    fn should_stop(&mut self) -> bool {
        self.stop_after.is_some_and(|most| self.steps >= most)
    }

    fn run_finished(&mut self, _: &RunRecord) {
        self.trained += 1;
    }
}

struct World {
    folder: tempfile::TempDir,
    config: StudyConfig,
    saving: Option<Saving>,
}

impl World {
    fn new(config: StudyConfig) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_data(folder.path());
        Self {
            folder,
            config,
            saving: None,
        }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn session(&self) -> Session {
        let session = open(self.config.clone(), self.folder.path());
        // After every step.
        let session = session.with_checkpoints(Duration::from_nanos(1));
        match self.saving {
            None => session,
            Some(saving) => session.with_saved_models(SaveModels {
                saving,
                dtype: SaveDtype::F32,
                format: SaveFormat::Safetensors,
                data: "a dozen words".to_owned(),
                command: "cargo run --example glue_sst2".to_owned(),
            }),
        }
    }

    fn run(&self) -> Watch {
        let mut watch = Watch::default();
        let ran = self.session().run(&self.out(), &mut watch);
        ran.expect("it runs");
        watch
    }

    fn try_shard(&self, text: &str, watch: &mut Watch) -> Result<ShardRuns, FinetuneError> {
        self.session().run_shard(&self.out(), shard(text), watch)
    }

    fn shard(&self, text: &str) -> ShardRuns {
        let done = self.try_shard(text, &mut Watch::default());
        done.expect("it runs")
    }

    fn merge(&self) -> Result<Watch, FinetuneError> {
        let mut watch = Watch::default();
        self.session().merge(&self.out(), &mut watch)?;
        Ok(watch)
    }

    /// Everything that the study leaves but its times, by path in its folder.
    fn leaves(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        read_all(&self.out(), &self.out(), &mut files);
        let records = files.remove(Path::new("runs.jsonl")).expect("records");
        let records = String::from_utf8(records).expect("text");
        let lines: Vec<String> = records.lines().map(without_times).collect();
        files.insert("runs.jsonl".into(), lines.join("\n").into_bytes());
        // It names the files that were read.
        let data = files.remove(Path::new("data.json")).expect("a file");
        let folder = self.folder.path().display().to_string();
        let data = String::from_utf8(data).expect("text").replace(&folder, "");
        files.insert("data.json".into(), data.into_bytes());
        // The cards of models have times too.
        files.retain(|path, _| path.file_name() != Some("README.md".as_ref()));
        files
    }
}

fn read_all(folder: &Path, root: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, root, files);
        } else {
            let name = path.strip_prefix(root).expect("a path in it").to_path_buf();
            files.insert(name, fs::read(&path).expect("a file"));
        }
    }
}

fn without_times(line: &str) -> String {
    let mut record: Value = serde_json::from_str(line).expect("a record");
    for name in ["seconds", "finished_unix", "machine"] {
        record[name] = Value::Null;
    }
    for epoch in record["epochs"].as_array_mut().expect("epochs") {
        epoch["train_seconds"] = Value::Null;
    }
    record.to_string()
}

/// Compares what two studies leave, file by file.
#[track_caller]
fn assert_same(merged: &World, whole: &World) {
    let (merged, whole) = (merged.leaves(), whole.leaves());
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&merged), names(&whole));
    for (path, bytes) in &merged {
        assert!(whole.get(path) == Some(bytes), "{}", path.display());
    }
}

#[test]
fn merged_shards_leave_what_one_process_leaves() {
    let whole = World::new(config(&ARMS, 3, 0.15));
    whole.run();
    let parts = World::new(config(&ARMS, 3, 0.15));
    let done = |runs| ShardRuns {
        pairs: 3,
        runs,
        recorded: runs,
        failed: 0,
    };
    assert_eq!(parts.shard("2/2"), done(2));
    assert_eq!(parts.shard("1/2"), done(4));
    assert!(!parts.out().join("runs.jsonl").exists());
    assert!(!parts.out().join("summary.json").exists());
    // Again: there is nothing left to train.
    let mut again = Watch::default();
    let ended = parts.try_shard("1/2", &mut again).expect("it runs");
    assert_eq!((ended, again.trained), (done(4), 0));
    let merged = parts.merge().expect("it merges");
    assert_eq!((merged.merged, merged.trained), (Some((2, 6)), 0));
    assert_same(&parts, &whole);
    // A second time, and without shards, it is the same.
    assert_eq!(parts.merge().expect("it merges").merged, None);
    assert_eq!(parts.run().trained, 0);
    assert_same(&parts, &whole);
    // A shard that is late finds everything recorded.
    let mut late = Watch::default();
    let ended = parts.try_shard("2/3", &mut late).expect("it runs");
    assert_eq!((ended.recorded, late.trained), (2, 0));
}

#[test]
fn a_shard_beyond_the_pairs_has_nothing_to_do() {
    let world = World::new(config(&ARMS, 2, 0.15));
    let done = world.shard("3/5");
    assert_eq!((done.pairs, done.runs), (2, 0));
    assert!(!world.out().exists());
}

#[test]
fn runs_that_fail_are_merged_too() {
    let mut failing = config(&ARMS, 2, 0.15);
    failing.recipe.learning_rate = 1e20;
    let whole = World::new(failing.clone());
    whole.run();
    let parts = World::new(failing);
    for text in ["1/2", "2/2"] {
        let done = parts.shard(text);
        assert_eq!((done.recorded, done.failed), (2, 2));
    }
    parts.merge().expect("it merges");
    assert_same(&parts, &whole);
}

#[test]
fn recipes_are_chosen_once_every_shard_has_recorded_its_tuning_runs() {
    let config = StudyConfig {
        studies: vec![StudyKind::Baseline],
        tuning: Some(Tuning {
            learning_rates: vec![1e-5, 1e-3],
            epochs: vec![1],
            seeds: 2,
            validation_fraction: 0.25,
            ..Tuning::default()
        }),
        ..config(&ARMS, 2, 0.15)
    };
    let whole = World::new(config.clone());
    whole.run();
    let parts = World::new(config);
    let mut watch = Watch::default();
    let error = parts.try_shard("1/2", &mut watch).expect_err("it waits");
    let expected =
        "4 tuning runs of other shards are not recorded yet, by which recipes are chosen";
    assert_eq!((error.to_string().as_str(), watch.trained), (expected, 4));
    let error = parts.merge().err().expect("most are missing");
    let text = error.to_string();
    assert!(
        text.starts_with("10 of 14 runs are not recorded: baseline, tuning 1e-3 × 1 epoch seed 1000003; noisytune"),
        "{text}"
    );
    // The last one has all it needs.
    let done = parts.shard("2/2");
    assert_eq!(done.recorded, done.runs);
    let mut watch = Watch::default();
    let done = parts.try_shard("1/2", &mut watch).expect("it goes on");
    assert_eq!(done.recorded, done.runs);
    assert!(watch.trained > 0);
    parts.merge().expect("it merges");
    assert_same(&parts, &whole);
}

#[test]
fn a_failed_merge_leaves_the_folder_as_it_was() {
    let world = World::new(config(&ARMS, 2, 0.15));
    world.shard("1/2");
    // What a killed process leaves.
    let path = world.out().join("runs.1-of-2.jsonl");
    let torn = fs::read_to_string(&path).expect("records") + "{\"form";
    fs::write(&path, torn).expect("it is written");
    let before = world.files();
    let error = world.merge().err().expect("runs are missing").to_string();
    let expected = "2 of 4 runs are not recorded: baseline seed 4; noisytune seed 4; of shard 2/2";
    assert_eq!(error, expected);
    // All runs of this study are recorded, but they were planned as a part of another.
    let smaller = open(config(&ARMS, 1, 0.15), world.folder.path());
    let error = smaller.merge(&world.out(), &mut ()).expect_err("refused");
    let part = "plan.json: planned with config.seeds 2, now it is 1; give every shard and the merge the same options";
    assert!(error.to_string().contains(part), "{error}");
    assert!(world.files() == before);
    // A file of predictions that was changed.
    world.shard("2/2");
    let predictions = fs::read_dir(world.out().join("predictions")).expect("a folder");
    let first = predictions.map(|entry| entry.expect("an entry").path());
    let first = first.min().expect("a file");
    let text = fs::read_to_string(&first).expect("text");
    fs::write(&first, "no table\n").expect("it is written");
    let changed = world.files();
    world.merge().err().expect("predictions were changed");
    assert!(world.files() == changed);
    fs::write(&first, text).expect("it is written");
    world.merge().expect("it merges");
}

#[test]
fn of_the_best_models_of_shards_the_best_of_all_stay() {
    for saving in [Saving::Best, Saving::All] {
        let world = || World {
            saving: Some(saving),
            ..World::new(config(&ARMS, 4, 0.15))
        };
        let (whole, parts) = (world(), world());
        whole.run();
        for text in ["1/2", "2/2"] {
            parts.shard(text);
        }
        let models = |world: &World| {
            let models = fs::read_dir(world.out().join("models")).expect("a folder");
            models.count()
        };
        let [before, kept] = if saving == Saving::Best {
            [4, 2]
        } else {
            [8, 8]
        };
        assert_eq!(models(&parts), before);
        parts.merge().expect("it merges");
        assert_eq!(models(&parts), kept);
        let (mut merged, mut whole) = (parts.leaves(), whole.leaves());
        for leaves in [&mut merged, &mut whole] {
            // Which runs had a model for a while is the only difference.
            let records = leaves.remove(Path::new("runs.jsonl")).expect("records");
            let text = String::from_utf8(records).expect("text");
            let without = |line: &str| {
                let mut record: Value = serde_json::from_str(line).expect("a record");
                record["saved_model"] = Value::Null;
                record.to_string()
            };
            let lines: Vec<String> = text.lines().map(without).collect();
            leaves.insert("runs.jsonl".into(), lines.join("\n").into_bytes());
        }
        assert!(merged == whole, "{saving:?}");
    }
}

#[test]
fn a_shard_that_was_stopped_continues_and_so_does_a_process_without_shards() {
    let whole = World::new(config(&ARMS, 2, 0.15));
    whole.run();
    for goes_on_alone in [false, true] {
        let parts = World::new(config(&ARMS, 2, 0.15));
        // Two runs of six steps each: within the second.
        let mut watch = Watch {
            stop_after: Some(8),
            ..Watch::default()
        };
        let error = parts.try_shard("2/2", &mut watch).expect_err("it stops");
        assert!(matches!(error, FinetuneError::Stopped), "{error}");
        assert!(parts.out().join("checkpoints.2-of-2").is_dir());
        // Another shard leaves its checkpoints alone.
        parts.shard("1/2");
        assert!(parts.out().join("checkpoints.2-of-2").is_dir());
        let watch = match goes_on_alone {
            true => parts.run(),
            false => {
                let error = parts.merge().err().expect("a run is missing");
                let expected = "1 of 4 runs is not recorded: noisytune seed 4; of shard 2/2";
                assert_eq!(error.to_string(), expected);
                let mut watch = Watch::default();
                parts.try_shard("2/2", &mut watch).expect("it continues");
                parts.merge().expect("it merges");
                watch
            }
        };
        assert_eq!((watch.continued, watch.trained), (1, 1));
        assert!(watch.steps < 6, "{}", watch.steps);
        assert_same(&parts, &whole);
    }
}

#[test]
fn nothing_to_merge_is_said_and_makes_no_folder() {
    let world = World::new(config(&ARMS, 2, 0.15));
    let error = world.merge().err().expect("nothing is there");
    let expected = "4 of 4 runs are not recorded: baseline seed 3; noisytune seed 3; baseline seed 4; and 1 more";
    assert_eq!(error.to_string(), expected);
    assert!(!world.out().exists());
}

#[test]
fn shards_of_other_studies_are_refused_with_the_field_that_differs() {
    let world = World::new(config(&ARMS, 2, 0.15));
    world.shard("1/2");
    let before = world.files();
    let with = |change: &dyn Fn(&mut StudyConfig)| {
        let mut config = world.config.clone();
        change(&mut config);
        let session = open(config, world.folder.path());
        let error = session.run_shard(&world.out(), shard("2/2"), &mut ());
        error.expect_err("it is refused").to_string()
    };
    let text = with(&|config| config.recipe.epochs = 3);
    let part =
        "runs.1-of-2.jsonl:1: recorded with recipe.epochs 2, now it is 3; choose another folder";
    assert!(text.contains(part), "{text}");
    let text = with(&|config| config.seeds = 4);
    let part = "plan.json: planned with config.seeds 2, now it is 4; give every shard and the merge the same options";
    assert!(text.contains(part), "{text}");
    let of_others = open(world.config.clone(), world.folder.path());
    let error = of_others.run_shard(&world.out(), shard("1/3"), &mut ());
    let text = error.expect_err("it is refused").to_string();
    assert!(
        text.contains("has shards of another number (runs.1-of-2.jsonl) than shard 1/3"),
        "{text}"
    );
    // Nothing was made, and what was made is as it was.
    assert!(world.files() == before);
    // Merging compares too, also what is only in one of two shards.
    world.shard("2/2");
    let mut other = world.config.clone();
    other.recipe.learning_rate = 2e-3;
    let session = open(other, world.folder.path());
    let error = session.merge(&world.out(), &mut ()).expect_err("refused");
    let part = "runs.1-of-2.jsonl:1: recorded with recipe.learning_rate 0.001, now it is 0.002";
    assert!(error.to_string().contains(part), "{error}");
    world.merge().expect("nothing was changed");
}

#[test]
fn a_process_without_shards_and_shards_keep_each_other_out() {
    let world = World::new(config(&ARMS, 2, 0.15));
    world.shard("1/2");
    let at_work = RunLog::open_shard(&world.out(), shard("2/2")).expect("it opens");
    for ended in [
        world.session().run(&world.out(), &mut ()),
        world.session().merge(&world.out(), &mut ()),
    ] {
        let text = ended.expect_err("a shard is at work").to_string();
        assert!(
            text.contains("runs.2-of-2.jsonl: in use by another process"),
            "{text}"
        );
    }
    drop(at_work);
    let alone = RunLog::open(&world.out()).expect("it opens");
    let error = world.try_shard("2/2", &mut Watch::default());
    let text = error.expect_err("another works on all runs").to_string();
    assert!(
        text.contains("runs.jsonl: in use by another process"),
        "{text}"
    );
    drop(alone);
    assert_eq!(world.run().trained, 2);
}

impl World {
    /// Every file, by path in the study's folder.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        read_all(&self.out(), &self.out(), &mut files);
        files
    }
}
