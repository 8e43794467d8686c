//! A run that is stopped stores what it has, also within an evaluation, and continues as if it had not been.

use std::path::Path;

use burn::tensor::Device;
use pretrain::{DataSummary, Event, HeldOut, Observer, PretrainError, Run, RunConfig, Step};

use crate::setup::{Folder, recipe, run_in};

/// Asks to stop at a question; without a number never.
#[derive(Default)]
struct Impatient {
    question: Option<usize>,
    asked: usize,
    steps: Vec<(usize, f64)>,
    held_out: Vec<(usize, HeldOut)>,
}

impl Observer for Impatient {
    fn prepared(&mut self, _: &DataSummary, _: usize, _: usize) {}

    fn step(&mut self, step: &Step) {
        self.steps.push((step.index, step.loss));
    }

    fn held_out(&mut self, step: usize, scores: &HeldOut) {
        self.held_out.push((step, *scores));
    }

    fn should_stop(&mut self) -> bool {
        self.asked += 1;
        self.question == Some(self.asked)
    }
}

/// An evaluation after every third of eight steps, each in several batches.
fn config(folder: &Path) -> RunConfig {
    let mut config = run_in(folder);
    config.recipe.batch_size = 2;
    config.recipe.held_out_every = 6;
    config
}

fn train(folder: &Path, observer: &mut Impatient) -> Result<HeldOut, PretrainError> {
    Run::open(config(folder), &Device::flex())?.train(observer)
}

#[test]
fn wherever_it_is_stopped_it_continues_bit_for_bit() {
    let straight = Folder::new();
    let mut whole = Impatient::default();
    let scores = train(straight.path(), &mut whole).expect("a run");
    let snapshot = |folder: &Folder| {
        let path = folder.path().join("out/snapshot/model.safetensors");
        std::fs::read(path).expect("a snapshot")
    };
    // One question per step, and 35 per evaluation, of which there are three.
    assert_eq!(whole.asked, recipe().steps + 3 * 35);
    // Every seventh, and after the steps that an evaluation follows; after the last step is among them.
    let stops = (1..=whole.asked).step_by(7).chain([3, 41]);
    for question in stops {
        let folder = Folder::new();
        let mut first = Impatient {
            question: Some(question),
            ..Impatient::default()
        };
        let error = train(folder.path(), &mut first);
        let error = error.expect_err("it was stopped");
        let PretrainError::Stopped { step, steps: 8 } = error else {
            panic!("{error}");
        };
        assert_eq!((step, first.asked), (first.steps.len(), question));
        let mut second = Impatient::default();
        let continued = train(folder.path(), &mut second).expect("it continues");
        assert_eq!(continued, scores);
        assert_eq!([first.steps, second.steps].concat(), whole.steps);
        assert_eq!([first.held_out, second.held_out].concat(), whole.held_out);
        assert_eq!(snapshot(&folder), snapshot(&straight));
    }
}

#[test]
fn an_evaluation_that_is_in_the_log_is_not_repeated() {
    let folder = Folder::new();
    let mut short = config(folder.path());
    short.recipe.steps = 3;
    let run = Run::open(short, &Device::flex()).expect("a run");
    run.train(&mut Impatient::default()).expect("3 steps");
    drop(run);
    let mut rest = Impatient::default();
    train(folder.path(), &mut rest).expect("5 more");
    let steps: Vec<usize> = rest.held_out.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [6, 8]);
    let text = std::fs::read_to_string(folder.path().join("out/log.jsonl")).expect("a log");
    let events = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"));
    let third = events.filter(|event| matches!(event, Event::HeldOut { step: 3, .. }));
    assert_eq!(third.count(), 1);
}
