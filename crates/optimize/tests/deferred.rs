//! A table whose rows take steps late, beside other parameters.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use fused::Rows;
use optimize::{AdamW, AdamWConfig, squared_global_norm};

const ROWS: usize = 7;
const WIDTH: usize = 5;

/// A table under a name that decays or not, and a parameter that every step moves.
#[derive(Module, Debug)]
struct Model {
    table: Option<Param<Tensor<2>>>,
    gamma: Option<Param<Tensor<2>>>,
    dense: Param<Tensor<1>>,
}

impl Model {
    fn new(decays: bool) -> Self {
        let values = (0..ROWS * WIDTH).map(|i| (i as f32).sin()).collect();
        let table = Param::from_tensor(matrix(values));
        let (table, gamma) = match decays {
            true => (Some(table), None),
            false => (None, Some(table)),
        };
        let model = Self {
            table,
            gamma,
            dense: Param::from_tensor(Tensor::from_floats([1.0, 2.0], &Device::flex())),
        };
        model.train()
    }

    fn matrix(&self) -> &Param<Tensor<2>> {
        let table = self.table.as_ref().or(self.gamma.as_ref());
        table.expect("it has one of them")
    }

    fn bits(&self) -> Vec<u32> {
        let table: Vec<f32> = self.matrix().val().into_data().try_into_vec().expect("f32");
        let dense: Vec<f32> = self.dense.val().into_data().try_into_vec().expect("f32");
        table.into_iter().chain(dense).map(f32::to_bits).collect()
    }

    /// Gradients of the other parameter, and `values` for the table.
    fn gradients(&self, step: usize, values: Vec<f32>) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        let dense = Tensor::<1>::from_floats([step as f32, -1.0], &Device::flex());
        gradients.register(self.dense.id, dense);
        gradients.register(self.matrix().id, matrix(values));
        gradients
    }
}

fn matrix(values: Vec<f32>) -> Tensor<2> {
    let rows = values.len() / WIDTH;
    Tensor::from_data(TensorData::new(values, [rows, WIDTH]), &Device::flex())
}

fn adamw() -> AdamW {
    let config = AdamWConfig {
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weight_decay: 0.1,
    };
    AdamW::new(config).expect("in range")
}

fn deferring(model: &Model, decays: bool) -> AdamW {
    let mut adamw = adamw();
    adamw.defer(model.matrix().id, if decays { "table" } else { "gamma" });
    adamw
}

/// The rows of a step, their gradients, and the gradient of the whole table.
fn step(step: usize) -> (Rows, Vec<f32>, Vec<f32>) {
    let rows = Rows::of([step % 3, 3 + step * step % 3], ROWS);
    let some: Vec<f32> = (0..rows.numbers().len() * WIDTH)
        .map(|i| ((step * 31 + i) as f32).cos())
        .collect();
    let mut all = vec![0.0; ROWS * WIDTH];
    for (&row, own) in rows.numbers().iter().zip(some.chunks(WIDTH)) {
        all[row * WIDTH..][..WIDTH].copy_from_slice(own);
    }
    (rows, some, all)
}

fn stepped_late(adamw: &mut AdamW, model: Model, number: usize) -> Model {
    let (rows, some, _) = step(number);
    let model = adamw.catch_up(model, Some(&rows));
    let gradients = model.gradients(number, some);
    adamw.step_at(&rows, 1e-2, 0.5, model, gradients)
}

fn stepped(adamw: &mut AdamW, model: Model, number: usize) -> Model {
    let (_, _, all) = step(number);
    let gradients = model.gradients(number, all);
    adamw.step(1e-2, 0.5, model, gradients)
}

#[test]
fn a_table_ends_where_steps_at_once_take_it_whether_it_decays_or_not() {
    for decays in [true, false] {
        let mut late = Model::new(decays);
        let mut at_once = late.clone();
        let (mut deferring, mut plain) = (deferring(&late, decays), adamw());
        for number in 0..20 {
            late = stepped_late(&mut deferring, late, number);
            at_once = stepped(&mut plain, at_once, number);
        }
        assert_ne!(late.bits(), at_once.bits(), "rows are behind");
        late = deferring.catch_up(late, None);
        assert_eq!(late.bits(), at_once.bits(), "decays: {decays}");
    }
}

#[test]
fn a_table_that_is_deferred_after_some_steps_goes_on_from_its_moments() {
    let mut late = Model::new(true);
    let mut at_once = late.clone();
    let (mut deferring, mut plain) = (adamw(), adamw());
    for number in 0..3 {
        late = stepped(&mut deferring, late, number);
        at_once = stepped(&mut plain, at_once, number);
    }
    deferring.defer(late.matrix().id, "table");
    for number in 3..10 {
        late = stepped_late(&mut deferring, late, number);
        at_once = stepped(&mut plain, at_once, number);
    }
    late = deferring.catch_up(late, None);
    assert_eq!(late.bits(), at_once.bits());
}

#[test]
fn a_record_of_rows_that_are_behind_is_refused_and_another_starts_anew() {
    let mut model = Model::new(true);
    let mut adamw = deferring(&model, true);
    for number in 0..3 {
        model = stepped_late(&mut adamw, model, number);
    }
    let early = catch_unwind(AssertUnwindSafe(|| adamw.to_record()));
    assert!(early.is_err(), "rows are behind");
    model = adamw.catch_up(model, None);
    let (kept, record) = (model.clone(), adamw.to_record());
    let expected = stepped_late(&mut adamw, model, 3);
    let expected = adamw.catch_up(expected, None);
    // What another model left undone is forgotten.
    let _ = stepped_late(&mut adamw, expected.clone(), 4);
    adamw.load_record(record);
    let again = stepped_late(&mut adamw, kept, 3);
    let again = adamw.catch_up(again, None);
    assert_eq!(again.bits(), expected.bits());
}

#[test]
fn without_a_gradient_the_table_takes_no_step() {
    let model = Model::new(true);
    let mut adamw = deferring(&model, true);
    let (rows, _, _) = step(0);
    let start = model.bits();
    let mut gradients = GradientsParams::new();
    let dense = Tensor::<1>::ones([2], &Device::flex());
    gradients.register(model.dense.id, dense);
    let model = adamw.step_at(&rows, 1e-2, 1.0, model, gradients);
    let model = adamw.catch_up(model, None);
    let table = ..ROWS * WIDTH;
    assert_eq!(model.bits()[table], start[table]);
    // A step at all rows is not taken for one at some.
    let gradients = model.gradients(1, vec![1.0; ROWS * WIDTH]);
    let model = adamw.step(1e-2, 1.0, model, gradients);
    let (moved, start) = (model.bits(), start);
    assert!((0..ROWS * WIDTH).all(|i| moved[i] != start[i]));
}

#[test]
fn the_global_norm_adds_the_rows_as_it_adds_the_table() {
    let model = Model::new(true);
    for number in 1..20 {
        let (rows, some, all) = step(number);
        let table = Some((model.matrix().id, &rows));
        let ours = squared_global_norm(&model, &model.gradients(number, some), table);
        let theirs = squared_global_norm(&model, &model.gradients(number, all), None);
        let [ours, theirs] = [ours, theirs].map(|square| {
            let square = square.expect("there are gradients");
            square.into_scalar::<f32>().to_bits()
        });
        assert_eq!(ours, theirs);
    }
}
