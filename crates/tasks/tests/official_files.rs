//! The official SST-2 files, under `datasets/SST-2` of the folder named by `NOISYTUNE_ASSETS`.

use std::path::PathBuf;
use std::{env, fs};

use tasks::{Split, Targets, glue};

fn datasets() -> PathBuf {
    let assets =
        env::var_os("NOISYTUNE_ASSETS").expect("NOISYTUNE_ASSETS names the folder of real assets");
    PathBuf::from(assets).join("datasets")
}

/// Reads a file of SST-2 by its split's name.
fn read(split: &str) -> Split {
    let sst2 = glue::sst2();
    let task = sst2.in_folder(&datasets().join(sst2.folder)).unwrap();
    match split {
        "train" => task.read_train(),
        set => task.read_evaluation_set(set),
    }
    .unwrap()
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn the_official_files_have_their_counts_and_hashes() {
    let sums = fs::read_to_string(datasets().join("SHA256SUMS")).unwrap();
    for (split, file, count) in [
        ("train", "train.tsv", 67_349),
        ("dev", "dev.tsv", 872),
        ("test", "test.tsv", 1_821),
    ] {
        let read = read(split);
        assert_eq!((read.count, read.examples.len()), (count, count), "{split}");
        let line = format!("{}  SST-2/{file}", read.sha256);
        assert!(
            sums.lines().any(|known| known == line),
            "{line} is not in SHA256SUMS"
        );
        for example in &read.examples {
            assert!(!example.sentence.is_empty());
            assert_eq!(example.sentence, example.sentence.trim());
        }
        let labels = read.targets.as_ref().map(Targets::len);
        assert_eq!(labels, (split != "test").then_some(count), "{split}");
        assert_eq!(read.notes, [""; 0], "{split}");
    }
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn the_dev_set_has_its_class_balance() {
    // cut -f 2 dev.tsv | sort | uniq -c
    let Some(Targets::Classes(classes)) = read("dev").targets else {
        panic!("classes");
    };
    let count = |class| classes.iter().filter(|c| **c == class).count();
    assert_eq!((count(0), count(1)), (428, 444));
}
