//! Memory does not grow with the number of texts.
#![cfg(target_os = "linux")]

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use encoders::Snapshot;
use predict::{Format, Input, Lines, Observer, Output, Predictor, Settings, run};

/// Texts of a run: fifteen windows.
const TEXTS: usize = 15 * 8192;
/// Texts after which memory is looked at first.
const FIRST: usize = 4 * 8192;
/// What the lines of one window take, twice; the lines of all take fifteen times as much.
const MOST_GROWTH: u64 = 4 << 20;

/// Lines that are made as they are read.
struct Generated {
    line: usize,
    rest: Vec<u8>,
}

impl Read for Generated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.line < TEXTS {
            self.line += 1;
            self.rest = format!(
                "a film of {} words, of which most are the same\n",
                self.line
            )
            .into();
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

/// The most memory that the process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a line");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<u64>().expect("a number") << 10
}

#[derive(Default)]
struct Watch {
    predicted: usize,
    first: Option<u64>,
}

impl Observer for Watch {
    fn predicted(&mut self, texts: usize) -> ControlFlow<()> {
        self.predicted += texts;
        if self.predicted > FIRST {
            self.first.get_or_insert_with(peak);
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_texts() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden");
    let snapshot = Snapshot::open(golden.join("tiny/snapshot")).expect("a snapshot");
    let predictor =
        Predictor::open(&snapshot, &Settings::default(), &Device::flex()).expect("a model");
    let lines = Generated {
        line: 0,
        rest: Vec::new(),
    };
    let mut input = Input::Lines(Lines::new("lines", lines, false));
    let output = Output::stream("nowhere", io::sink(), Format::JsonLines);
    let mut watch = Watch::default();
    let summary = run(&predictor, &mut input, output, false, &mut watch).expect("it runs");
    assert_eq!((summary.predicted, watch.predicted), (TEXTS, TEXTS));
    let grown = peak() - watch.first.expect("more texts than that");
    assert!(
        grown <= MOST_GROWTH,
        "{grown} bytes more after {TEXTS} texts than after {FIRST}"
    );
}
