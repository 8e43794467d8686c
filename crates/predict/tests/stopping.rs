//! A run that is asked to stop.

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

#[test]
fn a_run_that_is_stopped_writes_whole_windows() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden");
    let snapshot = Snapshot::open(golden.join("tiny/snapshot")).expect("a snapshot");
    let predictor =
        Predictor::open(&snapshot, &Settings::default(), &Device::flex()).expect("a model");
    let lines = io::Cursor::new("a film\n".repeat(2 * WINDOW));
    let mut input = Input::Lines(Lines::new("lines", lines, false));
    let output = Output::stream("nowhere", io::sink(), Format::Tsv);
    let summary = run(&predictor, &mut input, output, false, &mut Stop(0)).expect("it runs");
    assert!(summary.is_stopped);
    assert_eq!(summary.predicted, WINDOW);
}
