//! Steps that rows of a table take late have the bits of steps taken at once.

mod reference;

use burn::tensor::{Device, Tensor, TensorData};
use fused::{
    AdamW, Backlog, Moments, Rows, adamw_step, defers_rows, squared_norm, squared_norm_of_rows,
};
use reference::{numbers, values};

fn table(values: Vec<f32>, width: usize) -> Tensor<2> {
    let rows = values.len() / width;
    Tensor::from_data(TensorData::new(values, [rows, width]), &Device::flex())
}

/// A table that is 0 but for some rows.
fn whole(values: &[f32], rows: &Rows, width: usize) -> Tensor<2> {
    let mut all = vec![0.0; rows.table() * width];
    for (&row, values) in rows.numbers().iter().zip(values.chunks(width)) {
        all[row * width..][..width].copy_from_slice(values);
    }
    table(all, width)
}

/// Rows that change from step to step: some come often, some never, and now and then it is none.
fn looked_up(step: usize, rows: usize) -> Rows {
    let count = step * 5 % 7;
    let numbers = (0..count).map(|i| match i {
        0 => 0,
        _ => (step * step * 31 + i * i * 17) % (rows - rows / 4),
    });
    Rows::of(numbers, rows)
}

fn bits(tensor: &Tensor<2>) -> Vec<u32> {
    values(tensor.clone())
        .into_iter()
        .map(f32::to_bits)
        .collect()
}

fn assert_same(ours: &Tensor<2>, theirs: &Tensor<2>, what: &str) {
    assert!(bits(ours) == bits(theirs), "{what} differ");
}

fn step_number(step: usize, weight_decay: f64) -> AdamW {
    AdamW {
        // Warm-up from 0, then down to 0.
        learning_rate: 1e-2 * (step.min(300 - step) as f64 / 150.0),
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay,
        time: step as u32 + 1,
        gradient_scale: if step.is_multiple_of(3) { 1.0 } else { 0.37 },
    }
}

/// 300 steps: more than a backlog keeps.
#[test]
fn late_steps_have_the_bits_of_steps_taken_at_once() {
    for (rows, width) in [(40, 1), (23, 5), (61, 24), (40, 33), (150, 128)] {
        for weight_decay in [0.0, 0.01] {
            let mut start = numbers(1, rows * width);
            (start[0], start[1]) = (-0.0, 0.0);
            let (mut late, mut at_once) = (table(start.clone(), width), table(start, width));
            let mut backlog = Backlog::of(rows, None);
            let (mut late_moments, mut moments) = (None, None);
            for step in 0..300 {
                let what = format!("[{rows}, {width}], decay {weight_decay}, step {step}");
                let looked_up = looked_up(step, rows);
                if let Some(own) = late_moments {
                    let (table, own) = backlog.catch_up(late, own, Some(&looked_up));
                    (late, late_moments) = (table, Some(own));
                }
                // What the step reads.
                let read = bits(&late);
                let expected = bits(&at_once);
                for &row in looked_up.numbers() {
                    let row = row * width..(row + 1) * width;
                    assert!(
                        read[row.clone()] == expected[row],
                        "{what}: a row is behind"
                    );
                }
                let mut gradient = numbers(10 + step as u64, looked_up.numbers().len() * width);
                if let Some(first) = gradient.first_mut() {
                    *first = 0.0;
                }
                let number = step_number(step, weight_decay);
                let dense = whole(&gradient, &looked_up, width);
                let gradient = match looked_up.numbers().is_empty() {
                    true => Tensor::zeros([0, width], &Device::flex()),
                    false => table(gradient, width),
                };
                let moved = backlog.step(late, gradient, late_moments, Some(&looked_up), number);
                let (table, own) = moved.expect("in range");
                (late, late_moments) = (table, Some(own));
                let moved = adamw_step(at_once, dense, moments, number).expect("in range");
                (at_once, moments) = (moved.0, Some(moved.1));

                if [0, 7, 8, 100, 299].contains(&step) {
                    let own = late_moments.expect("after a step");
                    let (table, own) = backlog.catch_up(late, own, None);
                    assert!(backlog.is_empty());
                    let theirs: &Moments<2> = moments.as_ref().expect("after a step");
                    assert_same(&table, &at_once, &what);
                    assert_same(&own.first, &theirs.first, &what);
                    assert_same(&own.second, &theirs.second, &what);
                    if step == 100 {
                        // As after a checkpoint.
                        backlog = Backlog::of(rows, Some(&own));
                    }
                    (late, late_moments) = (table, Some(own));
                }
            }
        }
    }
}

#[test]
fn a_step_at_all_rows_takes_what_was_left_first() {
    let (rows, width) = (12, 7);
    let start = numbers(1, rows * width);
    let mut backlog = Backlog::of(rows, None);
    let some = Rows::of([2, 5], rows);
    let few = numbers(2, 2 * width);
    let all = numbers(3, rows * width);
    let [one, two] = [0, 1].map(|step| step_number(step + 20, 0.1));
    let own = table(start.clone(), width);
    let moved = backlog.step(own, table(few.clone(), width), None, Some(&some), one);
    let (own, moments) = moved.expect("in range");
    assert!(!backlog.is_empty());
    let moved = backlog.step(own, table(all.clone(), width), Some(moments), None, two);
    let (own, moments) = moved.expect("in range");
    assert!(backlog.is_empty());

    let theirs = adamw_step(table(start, width), whole(&few, &some, width), None, one);
    let (theirs, expected) = theirs.expect("in range");
    let theirs = adamw_step(theirs, table(all, width), Some(expected), two);
    let (theirs, expected) = theirs.expect("in range");
    assert_same(&own, &theirs, "tables");
    assert_same(&moments.first, &expected.first, "first moments");
    assert_same(&moments.second, &expected.second, "second moments");
}

#[test]
fn a_long_backlog_is_worked_off() {
    let mut own = table(numbers(1, 4 * 3), 3);
    let mut backlog = Backlog::of(4, None);
    let rows = Rows::of([1], 4);
    let (mut moments, mut worked_off) = (None, 0);
    for step in 0..600 {
        let gradient = table(numbers(2, 3), 3);
        let number = step_number(step % 300, 0.1);
        let moved = backlog.step(own, gradient, moments, Some(&rows), number);
        let (moved, kept) = moved.expect("in range");
        let (moved, kept) = backlog.catch_up(moved, kept, Some(&rows));
        worked_off += usize::from(backlog.is_empty());
        (own, moments) = (moved, Some(kept));
    }
    assert_eq!(worked_off, 2);
}

/// Without an epsilon, a row that stands still divides 0 by 0.
#[test]
fn a_row_that_dividing_by_zero_makes_nan_is_nan_late_too() {
    let (rows, width) = (4, 6);
    let mut backlog = Backlog::of(rows, None);
    let some = Rows::of([1], rows);
    let step = AdamW {
        epsilon: 0.0,
        ..step_number(20, 0.1)
    };
    let start = table(numbers(1, rows * width), width);
    let gradient = table(numbers(2, width), width);
    let moved = backlog.step(start, gradient, None, Some(&some), step);
    let (own, moments) = moved.expect("in range");
    let (own, _) = backlog.catch_up(own, moments, None);
    let is_nan = values(own)
        .chunks(width)
        .map(|row| row.iter().all(|x| x.is_nan()))
        .collect::<Vec<_>>();
    assert_eq!(is_nan, [true, false, true, true]);
}

#[test]
fn shared_tensors_keep_their_values() {
    let (rows, width) = (4, 6);
    let start = numbers(1, rows * width);
    let own = table(start.clone(), width);
    let kept = own.clone();
    let mut backlog = Backlog::of(rows, None);
    let gradient = table(numbers(2, width), width);
    let rows = Rows::of([1], rows);
    let moved = backlog.step(own, gradient, None, Some(&rows), step_number(20, 0.1));
    let (moved, _) = moved.expect("in range");
    assert_eq!(values(kept), start);
    assert_ne!(values(moved), start);
}

#[test]
fn the_norm_of_some_rows_is_that_of_the_table_to_the_last_bit() {
    for (rows, width) in [
        (30_522, 96),
        (1_000, 384),
        (997, 33),
        (50, 3),
        (1, 1),
        (700, 24),
    ] {
        for every in [1, 3, 50, 499] {
            let some = Rows::of((0..rows).skip(every / 2).step_by(every), rows);
            let values_of_rows = numbers(7, some.numbers().len() * width);
            if values_of_rows.is_empty() {
                continue;
            }
            let expected = values(squared_norm(whole(&values_of_rows, &some, width)));
            let ours = values(squared_norm_of_rows(table(values_of_rows, width), &some));
            assert_eq!(
                ours[0].to_bits(),
                expected[0].to_bits(),
                "[{rows}, {width}] / {every}"
            );
        }
    }
    let none = Rows::of([], 5);
    let empty = Tensor::<2>::zeros([0, 3], &Device::flex());
    assert_eq!(values(squared_norm_of_rows(empty, &none)), [0.0]);
    let some = Rows::of([2], 5);
    let nan = table(vec![1.0, f32::NAN, 1.0], 3);
    assert!(values(squared_norm_of_rows(nan, &some))[0].is_nan());
}

#[test]
fn rows_are_sorted_and_counted_once() {
    let rows = Rows::of([7, 2, 7, 0], 9);
    assert_eq!(rows.numbers(), [0, 2, 7]);
    assert_eq!(
        (rows.table(), rows.place(7), rows.place(1)),
        (9, Some(2), None)
    );
}

#[test]
#[should_panic(expected = "embedding index 9: expected less than 9, from 0")]
fn a_row_that_the_table_does_not_have_is_refused() {
    let _ = Rows::of([1, 9], 9);
}

#[test]
fn flex_defers_with_and_without_autodiff() {
    assert!(defers_rows(&Device::flex()));
    assert!(defers_rows(&Device::flex().autodiff()));
}
