//! The official SST-2 files, under `datasets/SST-2` of the folder named by `NOISYTUNE_ASSETS`.

use std::path::PathBuf;
use std::{env, fs};

use tasks::{Label, SST2, SplitName};

fn datasets() -> PathBuf {
    let assets =
        env::var_os("NOISYTUNE_ASSETS").expect("NOISYTUNE_ASSETS names the folder of real assets");
    PathBuf::from(assets).join("datasets")
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn the_official_files_have_their_counts_and_hashes() {
    let sums = fs::read_to_string(datasets().join("SHA256SUMS")).unwrap();
    for (split, file, count) in [
        (SplitName::Train, "train.tsv", 67_349),
        (SplitName::Dev, "dev.tsv", 872),
        (SplitName::Test, "test.tsv", 1_821),
    ] {
        let read = SST2.read(&datasets().join(SST2.folder), split).unwrap();
        assert_eq!((read.count, read.examples.len()), (count, count), "{split}");
        let line = format!("{}  SST-2/{file}", read.sha256);
        assert!(
            sums.lines().any(|known| known == line),
            "{line} is not in SHA256SUMS"
        );
        for example in &read.examples {
            assert!(!example.sentence.is_empty());
            assert_eq!(example.sentence, example.sentence.trim());
            assert_eq!(example.label.is_none(), split == SplitName::Test);
        }
    }
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn the_dev_set_has_its_class_balance() {
    // cut -f 2 dev.tsv | sort | uniq -c
    let dev = SST2
        .read(&datasets().join(SST2.folder), SplitName::Dev)
        .unwrap();
    let count = |class| {
        dev.examples
            .iter()
            .filter(|e| e.label == Some(Label::Class(class)))
            .count()
    };
    assert_eq!((count(0), count(1)), (428, 444));
}
