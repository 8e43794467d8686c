//! What a run writes, and where it will not.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use encoders::Snapshot;
use predict::{Format, Input, Lines, Observer, Output, Predictor, Settings, run};

/// Most texts of a window.
const WINDOW: usize = 8192;

/// Breaks in the second window.
struct Stop(usize);

impl Observer for Stop {
    fn predicted(&mut self, texts: usize) -> ControlFlow<()> {
        self.0 += texts;
        match self.0 > WINDOW {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

fn predictor() -> Predictor {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden");
    let snapshot = Snapshot::open(golden.join("tiny/snapshot")).expect("a snapshot");
    Predictor::open(&snapshot, &Settings::default(), &Device::flex()).expect("a model")
}

#[test]
fn a_run_that_is_stopped_writes_whole_windows() {
    let predictor = predictor();
    let lines = io::Cursor::new("a film\n".repeat(2 * WINDOW));
    let mut input = Input::Lines(Lines::new("lines", lines, false));
    let output = Output::stream("nowhere", io::sink(), Format::Tsv);
    let summary = run(&predictor, &mut input, output, false, &mut Stop(0)).expect("it runs");
    assert!(summary.is_stopped);
    assert_eq!(summary.predicted, WINDOW);
}

#[test]
fn a_file_takes_no_table_because_it_could_not_be_continued() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.txt");
    let refused = Output::file(&path, Format::Table, &predictor()).map(|_| ());
    let error = refused.expect_err("it is refused").to_string();
    assert!(
        error.ends_with(
            "out.txt: a table; accepted for a file are jsonl and tsv, which can be continued"
        ),
        "{error}"
    );
    assert!(!path.exists());
}
