//! Records of several shards in one folder.

use std::fs;
use std::path::Path;

use study::plan::{RunKey, plan, runs};
use study::record::{RunFiles, RunLog, Settings, device_kind, shards_of};
use study::{Preregistration, RunRecord, Shard, StudyConfig, StudyError, StudySummary};

/// Training rows of the record of version 1.
const ROWS: usize = 8;

fn shard(text: &str) -> Shard {
    text.parse().expect("a shard")
}

fn config(seeds: usize) -> StudyConfig {
    StudyConfig {
        seeds,
        ..StudyConfig::default()
    }
}

fn example() -> RunRecord {
    let mut record: RunRecord = serde_json::from_str(super::VERSION_1).expect("it is read");
    record.settings.train.used = ROWS;
    record
}

fn record(run: &RunKey) -> RunRecord {
    let mut record = example();
    (record.arm, record.seed) = (run.arm, run.seed);
    record.settings.lambda = run.lambda;
    record
}

/// Writes the records of a shard's share of a comparison over so many seeds.
fn work(folder: &Path, shard: Shard, seeds: usize) -> RunLog {
    let mut log = RunLog::open_shard(folder, shard).expect("it opens");
    for run in shard.share(&runs(&plan(&config(seeds), ROWS))) {
        log.push(record(&run)).expect("it is written");
    }
    log
}

fn keys(records: &[RunRecord]) -> Vec<RunKey> {
    records.iter().map(RunKey::of).collect()
}

#[test]
fn the_records_of_shards_are_taken_in_byte_for_byte_in_the_order_of_the_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let planned = runs(&plan(&config(5), ROWS));
    for text in ["3/3", "1/3", "2/3"] {
        drop(work(folder.path(), shard(text), 5));
    }
    // Digits that this program would write in another way.
    let path = folder.path().join("runs.2-of-3.jsonl");
    let text = fs::read_to_string(&path).expect("a file");
    let odd = text.replacen("\"seconds\":", "\"seconds\": ", 1);
    assert_ne!(text, odd);
    fs::write(&path, &odd).expect("it is written");

    let mut log = RunLog::open(folder.path()).expect("it opens");
    let shards = RunLog::open_shards(folder.path()).expect("they open");
    assert_eq!(shards.len(), 3);
    assert_eq!(
        log.take_in(&shards, &planned).expect("they are taken in"),
        10
    );
    assert_eq!(keys(log.records()), planned);
    let merged = fs::read_to_string(log.path()).expect("a file");
    for line in odd.lines() {
        assert!(merged.lines().any(|merged| merged == line), "{line}");
    }
    // As after a process that died before it removed the files.
    assert_eq!(log.take_in(&shards, &planned).expect("nothing is new"), 0);
    for shard in shards {
        shard.remove().expect("it is removed");
    }
    assert!(shards_of(folder.path()).expect("a folder").is_empty());
    let read = RunLog::read(folder.path()).expect("they are read");
    assert_eq!(keys(&read), planned);
}

#[test]
fn shards_of_different_numbers_of_shards_are_refused_with_their_files() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(work(folder.path(), shard("1/2"), 4));
    drop(work(folder.path(), shard("2/2"), 4));
    let error = RunLog::open_shard(folder.path(), shard("3/4")).expect_err("another number");
    let expected = format!(
        "{}: has shards of another number (runs.1-of-2.jsonl, runs.2-of-2.jsonl) than shard 3/4; merge them (--merge) before others \
         begin, or choose another folder",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(!folder.path().join("runs.3-of-4.jsonl").exists());
    let expected = format!(
        "{}: shards of different numbers of shards (runs.1-of-2.jsonl, runs.3-of-4.jsonl, runs.2-of-2.jsonl); merge those of \
         one number (--merge) before others begin, or move them to another folder",
        folder.path().display()
    );
    fs::write(folder.path().join("runs.3-of-4.jsonl"), "").expect("it is written");
    let error = RunLog::open_shards(folder.path()).expect_err("two numbers");
    assert_eq!(error.to_string(), expected);
    fs::remove_file(folder.path().join("runs.3-of-4.jsonl")).expect("it goes");
    fs::write(folder.path().join("runs.5-of-4.jsonl"), "").expect("it is written");
    let error = RunLog::open_shards(folder.path()).expect_err("no shard");
    assert!(matches!(error, StudyError::Shard { .. }), "{error}");
}

#[test]
fn a_shard_at_work_keeps_others_from_merging_and_not_from_reading() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = work(folder.path(), shard("2/2"), 4);
    let error = RunLog::open_shards(folder.path()).expect_err("it is locked");
    let text = error.to_string();
    assert!(
        text.contains("runs.2-of-2.jsonl: in use by another process"),
        "{text}"
    );
    let error = RunLog::open_shard(folder.path(), shard("2/2")).expect_err("it is locked");
    assert!(error.to_string().contains("in use"), "{error}");
    // Half a line of a process that is writing.
    let path = log.path().to_path_buf();
    let whole = fs::read_to_string(&path).expect("a file");
    fs::write(&path, format!("{whole}{{\"form")).expect("it is written");
    let all = RunFiles::read(folder.path()).expect("it is read");
    assert_eq!((all.records().count(), all.of_shards().count()), (4, 4));
    assert_eq!(all.merged().count(), 0);
    let others = RunFiles::read_others(folder.path(), shard("1/2")).expect("it is read");
    assert_eq!(others.records().count(), 4);
    let none = RunFiles::read_others(folder.path(), shard("2/2")).expect("it is read");
    assert_eq!(none.records().count(), 0);
}

#[test]
fn a_line_of_a_shard_that_is_no_record_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = work(folder.path(), shard("1/2"), 2);
    let path = log.path().to_path_buf();
    drop(log);
    let whole = fs::read_to_string(&path).expect("a file");
    fs::write(&path, format!("{whole}no record\n")).expect("it is written");
    let expected = "runs.1-of-2.jsonl:3: not a run record: ";
    let opened = RunLog::open_shards(folder.path()).expect_err("it is refused");
    assert!(opened.to_string().contains(expected), "{opened}");
    let read = RunFiles::read(folder.path()).expect_err("it is refused");
    assert!(read.to_string().contains(expected), "{read}");
    // What a dying process leaves is cut off.
    fs::write(&path, format!("{whole}{{\"form")).expect("it is written");
    let shards = RunLog::open_shards(folder.path()).expect("they open");
    assert_eq!(
        (shards[0].records().len(), shards[0].torn_line()),
        (2, Some(3))
    );
}

fn planned(config: &StudyConfig) -> Preregistration {
    Preregistration::of(config, ROWS, &example().settings)
}

#[test]
fn the_plan_is_that_of_the_shard_that_comes_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (eight, ten) = (planned(&config(8)), planned(&config(10)));
    let file = |plan: &Preregistration, merged, sharded| {
        plan.file_by_shard(folder, merged, sharded)
            .map_err(|error| error.to_string())
    };
    let first = file(&eight, false, false).expect("it is written");
    assert_eq!(file(&eight, false, false), Ok(first.clone()));
    let refused = format!(
        "{}: planned with config.seeds 8, now it is 10; give every shard and the merge the same options, or choose another folder",
        folder.join("plan.json").display()
    );
    assert_eq!(file(&ten, false, false), Err(refused.clone()));
    assert_eq!(file(&ten, false, true), Err(refused.clone()));
    assert_eq!(file(&ten, true, true), Err(refused));
    assert!(!folder.join("plan-2.json").exists());
    // Once the shards are merged, the study can be extended.
    let second = file(&ten, true, false).expect("it is written");
    assert_ne!(first, second);
    assert_eq!(file(&ten, true, true), Ok(second));
    assert_eq!(file(&eight, true, true), Ok(first));
    // As for a process without shards, a plan that is made after its runs is none.
    let old = tempfile::tempdir().expect("a folder");
    for (merged, sharded) in [(true, false), (false, true)] {
        let filed = eight.file_by_shard(old.path(), merged, sharded);
        assert_eq!(filed.expect("there is none"), None);
    }
}

#[test]
fn many_shards_that_start_at_the_same_time_have_one_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = planned(&config(8));
    let file = || plan.file_by_shard(folder.path(), false, false);
    let hashes: Vec<Option<String>> = std::thread::scope(|scope| {
        let shards: Vec<_> = (0..8).map(|_| scope.spawn(file)).collect();
        let ended = shards.into_iter().map(|shard| shard.join());
        ended
            .map(|filed| filed.expect("no panic").expect("it is written"))
            .collect()
    });
    let text = fs::read(folder.path().join("plan.json")).expect("a plan");
    assert!(
        hashes
            .iter()
            .all(|hash| *hash == Some(files::sha256_of(&text)))
    );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

/// Four runs of a comparison, each on its device.
fn on_devices(devices: [&str; 4]) -> Vec<RunRecord> {
    let runs = runs(&plan(&config(2), ROWS));
    let on = |(run, device): (&RunKey, &str)| {
        let mut record = record(run);
        record.settings.device = device.to_owned();
        record
    };
    runs.iter().zip(devices).map(on).collect()
}

fn refused(config: &StudyConfig, recorded: &str, now: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log = RunLog::open(folder.path()).expect("it opens");
    for record in on_devices([recorded; 4]) {
        log.push(record).expect("it is written");
    }
    let settings = |_: &RunKey| Settings {
        device: now.to_owned(),
        lambda: None,
        ..example().settings
    };
    let checked = log.runs().refuse_other_studies(config, ROWS, settings);
    let path = log.path().display().to_string();
    checked
        .err()
        .map(|error| error.to_string().replace(&path, "F"))
}

#[test]
fn devices_of_one_kind_mix_and_others_only_if_that_is_asked_for() {
    let plain = config(2);
    for (recorded, now) in [
        ("wgpu", "wgpu:0"),
        ("wgpu:0", "wgpu"),
        ("cuda:0", "cuda:1"),
        ("flex", "flex"),
    ] {
        assert_eq!(refused(&plain, recorded, now), None, "{recorded}, {now}");
    }
    let line = "F:1: recorded on device flex, now it is wgpu:0; choose another folder, or compare runs of different devices \
                (--mixed-devices)";
    assert_eq!(refused(&plain, "flex", "wgpu:0").as_deref(), Some(line));
    let mixed = StudyConfig {
        mixed_devices: true,
        ..plain
    };
    assert_eq!(refused(&mixed, "flex", "wgpu:0"), None);
    let text = serde_json::to_string(&mixed).expect("plain data");
    assert!(text.contains("\"mixed_devices\":true"), "{text}");
}

#[test]
fn a_summary_says_on_which_devices_the_runs_are_if_they_are_of_different_kinds() {
    let folder = tempfile::tempdir().expect("a folder");
    let mixed = |devices| {
        let summary = StudySummary::of(&config(2), &on_devices(devices), folder.path());
        let summary = summary.expect("a summary");
        summary.mixed_devices.map(|devices| devices.in_words())
    };
    assert_eq!(device_kind("wgpu:1"), "wgpu");
    assert_eq!(mixed(["wgpu", "wgpu:0", "wgpu:1", "wgpu:0"]), None);
    let pairs =
        "different devices, the same for both runs of each pair: 2 runs on flex, 2 runs on wgpu";
    let of_pairs = mixed(["flex", "flex", "wgpu:0", "wgpu:1"]);
    assert_eq!(of_pairs.as_deref(), Some(pairs));
    let split = "different devices, also within 1 pair, whose runs differ in more than their arms: 3 runs on flex, 1 run on wgpu";
    let within = mixed(["flex", "flex", "flex", "wgpu:0"]);
    assert_eq!(within.as_deref(), Some(split));
}
