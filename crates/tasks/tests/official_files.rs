//! GLUE's official files, under `datasets` of the folder named by `NOISYTUNE_ASSETS`, read as Python
//! reads them.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use serde::Deserialize;
use tasks::glue::{self, GlueFile};
use tasks::{Split, Targets};

/// What `golden/official/generate.py` found in a file.
#[derive(Deserialize)]
struct Golden {
    task: String,
    split: String,
    count: usize,
    labels: Option<Vec<usize>>,
    contents: String,
}

fn golden() -> Vec<Golden> {
    serde_json::from_str(include_str!("golden/official/golden.json")).unwrap()
}

fn datasets() -> PathBuf {
    let assets =
        env::var_os("NOISYTUNE_ASSETS").expect("NOISYTUNE_ASSETS names the folder of real assets");
    PathBuf::from(assets).join("datasets")
}

/// Reads a file by its task and its split's name.
fn read(task: &str, split: &str) -> Split {
    let glue = glue::named(task).expect("the table has it");
    let task = glue.in_folder(&datasets().join(glue.folder)).unwrap();
    match split {
        "train" => task.read_train(),
        set => task.read_evaluation_set(set),
    }
    .unwrap()
}

/// The description of the same file.
fn described(task: &str, split: &str) -> GlueFile {
    let task = glue::named(task).expect("the table has it");
    let mut sets = task.evaluation_sets.into_iter();
    match split {
        "train" => task.train,
        set => sets.find(|(name, _)| *name == set).expect("a set").1,
    }
}

/// Every example with its label, as the generator hashes them.
fn contents(split: &Split) -> String {
    let mut text = String::new();
    for (at, example) in split.examples.iter().enumerate() {
        for sentence in std::iter::once(&example.sentence).chain(&example.sentence2) {
            writeln!(text, "{sentence}").unwrap();
        }
        match &split.targets {
            None => {}
            Some(Targets::Classes(classes)) => writeln!(text, "{}", classes[at]).unwrap(),
            Some(Targets::Scores(scores)) => {
                writeln!(text, "{:08x}", scores[at].to_bits()).unwrap();
            }
        }
    }
    text
}

/// How many labels there are of each class, or from each whole score to the next.
fn distribution(targets: &Targets, length: usize) -> Vec<usize> {
    let mut counts = vec![0; length];
    match targets {
        Targets::Classes(classes) => classes.iter().for_each(|class| counts[*class] += 1),
        Targets::Scores(scores) => scores
            .iter()
            .for_each(|score| counts[score.floor() as usize] += 1),
    }
    counts
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn every_file_has_the_examples_that_python_reads() {
    let golden = golden();
    assert_eq!(golden.len(), 15);
    for file in golden {
        let at = format!("{} {}", file.task, file.split);
        let read = read(&file.task, &file.split);
        assert_eq!(
            (read.count, read.examples.len()),
            (file.count, file.count),
            "{at}"
        );
        let contents = contents(&read);
        assert_eq!(files::sha256_of(contents.as_bytes()), file.contents, "{at}");
        let labels = read.targets.as_ref().zip(file.labels.as_ref());
        let labels = labels.map(|(targets, counts)| distribution(targets, counts.len()));
        assert_eq!(labels, file.labels, "{at}");
        assert_eq!(read.notes, [""; 0], "{at}");
    }
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn every_file_has_its_hash_and_the_official_number_of_rows() {
    let sums = fs::read_to_string(datasets().join("SHA256SUMS")).unwrap();
    for Golden { task, split, .. } in golden() {
        let (read, described) = (read(&task, &split), described(&task, &split));
        let folder = glue::named(&task).unwrap().folder;
        let line = format!("{}  {folder}/{}", read.sha256, described.tsv);
        assert!(
            sums.lines().any(|known| known == line),
            "{line} is not in SHA256SUMS"
        );
        // This copy of MRPC lacks one training pair.
        let missing = usize::from((task.as_str(), split.as_str()) == ("mrpc", "train"));
        assert_eq!(read.count + missing, described.rows, "{task} {split}");
    }
}
