//! Token embeddings that take steps late have the bits of those that take every step at once.

use std::collections::BTreeMap;

use burn::tensor::Device;
use encoders::Classifier;
use finetune::batch::{Batch, Filling};
use finetune::methods::{self, Start};
use finetune::trainer::Trainer;
use study::{Method, Precision, Recipe};
use training::StepperState;

use crate::examples::{examples, loud_model, model};
use crate::parameters;
use crate::reference::FILLINGS;

/// A trainer of `method` for `steps` steps.
fn trainer(recipe: &Recipe, method: Method, steps: usize) -> Trainer {
    trainer_of(model(), recipe, method, steps)
}

fn trainer_of(model: Classifier, recipe: &Recipe, method: Method, steps: usize) -> Trainer {
    let companion = methods::companion(
        method,
        &Start {
            model: &model,
            fresh: &[],
            recipe,
            hyperparameters: &method.numbers(&BTreeMap::new()),
            steps,
            seed: 5,
        },
    );
    Trainer::new(model, recipe, steps, 5, &Device::flex())
        .expect("a recipe in range")
        .with_companion(companion.expect("the method applies"))
}

/// The batches of a step: one of two sentences, so that a step looks up a few of the 233 rows and leaves most.
fn batches(recipe: &Recipe, step: usize, filling: Filling, device: &Device) -> Vec<Batch> {
    let count = recipe.gradient_accumulation;
    let batch = |part| {
        let from = (step * step + 3 * part) % 40;
        examples(from..from + 2, filling, device)
    };
    (0..count).map(batch).collect()
}

fn bits(trainer: &mut Trainer) -> BTreeMap<String, Vec<u32>> {
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    let values = parameters::values(&trainer.model()).into_iter();
    values.map(|(name, values)| (name, bits(values))).collect()
}

fn assert_same(ours: &mut Trainer, theirs: &mut Trainer, what: &str) {
    let (ours, theirs) = (bits(ours), bits(theirs));
    assert_eq!(ours.len(), theirs.len());
    for (name, ours) in &ours {
        assert!(ours == &theirs[name], "{what}: {name} differs");
    }
}

/// Two trainers of the same run, one of which defers nothing.
struct Pair {
    late: Trainer,
    at_once: Trainer,
    recipe: Recipe,
    filling: Filling,
    what: String,
}

impl Pair {
    fn new(recipe: &Recipe, method: Method, steps: usize, filling: Filling) -> Self {
        Self::of(&model(), recipe, method, steps, filling)
    }

    fn of(
        model: &Classifier,
        recipe: &Recipe,
        method: Method,
        steps: usize,
        filling: Filling,
    ) -> Self {
        let trainer = || trainer_of(model.clone(), recipe, method, steps);
        let (late, at_once) = (trainer(), trainer().with_nothing_deferred());
        assert!(!at_once.is_deferring());
        Self {
            late,
            at_once,
            recipe: recipe.clone(),
            filling,
            what: format!("{method:?} {filling:?}"),
        }
    }

    /// The same step of both; whether it was skipped.
    fn step(&mut self, step: usize) -> bool {
        let batches = || batches(&self.recipe, step, self.filling, self.late.device());
        let (first, second) = (batches(), batches());
        let ours = self.late.step(first).expect("a finite loss");
        let theirs = self.at_once.step(second).expect("a finite loss");
        // Every number of a step, the loss and the norm to the last bit, as text: the norm of a skipped step may be NaN.
        let [said, expected] = [&ours, &theirs].map(|step| format!("{step:?}"));
        assert_eq!(said, expected, "{}", self.what);
        ours.is_skipped
    }

    fn compare(&mut self, step: usize) {
        let what = format!("{}, step {step}", self.what);
        assert_same(&mut self.late, &mut self.at_once, &what);
    }
}

#[test]
fn two_hundred_steps_with_readings_and_a_checkpoint_in_between() {
    const STEPS: usize = 200;
    let clipped = Recipe {
        learning_rate: 1e-3,
        weight_decay: 0.1,
        max_gradient_norm: 0.05,
        gradient_accumulation: 2,
        ..Recipe::default()
    };
    let unclipped = Recipe {
        weight_decay: 0.0,
        max_gradient_norm: 1e3,
        gradient_accumulation: 1,
        ..clipped.clone()
    };
    for (recipe, filling) in [clipped, unclipped].into_iter().zip(FILLINGS) {
        // What is read from a file comes when it is needed.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut pair = Pair::new(&recipe, Method::Plain, STEPS, filling);
        assert!(pair.late.is_deferring());
        for step in 0..STEPS {
            pair.step(step);
            if [0, 1, 30, 150].contains(&step) {
                pair.compare(step);
            }
            if step == 99 {
                // Each continues from what the other has written.
                let stored = [&mut pair.late, &mut pair.at_once].map(|trainer| {
                    let path = folder.path().join(trainer.is_deferring().to_string());
                    std::fs::create_dir(&path).expect("a folder");
                    let counters = trainer.write(&path).expect("it is written");
                    let state = StepperState::read(&path, counters, trainer.model());
                    state.expect("it is read")
                });
                let [of_late, of_at_once] = stored;
                let new = || trainer(&recipe, Method::Plain, STEPS);
                pair.late = new().continued(of_at_once);
                pair.at_once = new().with_nothing_deferred().continued(of_late);
                assert!(pair.late.is_deferring());
            }
        }
        pair.compare(STEPS);
    }
}

#[test]
fn every_method_has_the_same_results_and_says_whether_it_defers() {
    for method in [Method::Plain].into_iter().chain(Method::ALL) {
        let follows = [Method::RecAdam, Method::SmartProximal, Method::Smart];
        for filling in FILLINGS {
            let recipe = Recipe {
                learning_rate: 1e-3,
                ..Recipe::default()
            };
            let mut pair = Pair::new(&recipe, method, 8, filling);
            assert_eq!(pair.late.is_deferring(), !follows.contains(&method));
            for step in 0..8 {
                pair.step(step);
            }
            pair.compare(8);
        }
    }
}

#[test]
fn half_precision_skipped_steps_and_gradient_checkpointing_change_nothing() {
    let recipe = Recipe {
        learning_rate: 1e-3,
        ..Recipe::default()
    };
    let with = |precision, gradient_checkpointing| Recipe {
        precision,
        gradient_checkpointing,
        ..recipe.clone()
    };
    const STEPS: usize = 30;
    for (recipe, model, skips) in [
        (with(Precision::Bf16, false), model(), false),
        (with(Precision::F16, false), model(), false),
        (with(Precision::F16, false), loud_model(), true),
        (with(Precision::F32, true), model(), false),
    ] {
        let mut pair = Pair::of(&model, &recipe, Method::Plain, STEPS, FILLINGS[1]);
        assert!(pair.late.is_deferring());
        let skipped = (0..STEPS).filter(|step| pair.step(*step)).count();
        assert_eq!(skipped > 0, skips, "{} skipped", pair.what);
        assert!(skipped < STEPS, "{} took no step", pair.what);
        pair.compare(STEPS);
    }
}

/// Which takes no step at the rows, and leaves the state for the one that does.
#[test]
fn gradients_in_between_are_those_of_the_whole_table() {
    let recipe = Recipe {
        learning_rate: 1e-3,
        ..Recipe::default()
    };
    let mut pair = Pair::new(&recipe, Method::Plain, 20, FILLINGS[0]);
    for step in 0..10 {
        pair.step(step);
        let [ours, theirs] = [&mut pair.late, &mut pair.at_once].map(|trainer| {
            let batches = batches(&recipe, step + 50, FILLINGS[0], trainer.device());
            let (loss, gradients) = trainer.gradients(batches);
            (loss, parameters::gradients(&trainer.model(), &gradients))
        });
        assert_eq!(ours, theirs);
    }
    pair.compare(10);
}
