//! Files that Python wrote, and what Python reads in them (`golden/own/generate.py`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use tasks::{Outputs, OwnFiles, Targets};

use crate::folder::{sentences, task};

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    labels: Vec<String>,
    classes: Vec<String>,
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/own"))
}

#[test]
fn every_text_and_label_is_read_as_python_reads_it() {
    let json = std::fs::read_to_string(folder().join("golden.json")).expect("the golden file");
    let golden: BTreeMap<String, Golden> = serde_json::from_str(&json).expect("JSON");
    assert_eq!(golden.len(), 29);
    for (name, expected) in golden {
        let mut files = OwnFiles::new(folder().join(&name));
        files.validation = Some(files.train.clone());
        files.text_column = Some("text".to_owned());
        // Classes from -1 on could be rows without a label; as scores they are read.
        let is = |class: &str| expected.classes.iter().any(|name| name == class);
        let from_minus_one = is("-1") && is("0");
        if from_minus_one {
            let error = files.task().expect_err("it is refused").to_string();
            assert!(error.contains("-1 means no label"), "{error}");
            files.regression = true;
        }
        let task = task(&files).task;
        let split = task.read_train().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sentences(&split), expected.texts, "{name}");
        match (task.outputs(), split.targets) {
            (Outputs::Classes(names), Some(Targets::Classes(classes))) => {
                assert_eq!(*names, expected.classes, "{name}");
                let labels: Vec<&String> = classes.iter().map(|&class| &names[class]).collect();
                assert_eq!(labels, expected.labels.iter().collect::<Vec<_>>(), "{name}");
            }
            (Outputs::Score { .. }, Some(Targets::Scores(scores))) => {
                assert!(name.contains("float") || from_minus_one, "{name}");
                let labels = expected.labels.iter();
                let labels: Vec<f32> = labels.map(|l| l.parse().expect("a number")).collect();
                assert_eq!(scores, labels, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
