//! Rows of a table.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::values::{assert_close, leaf, read};
use crate::world::turn;

/// Rows and width of the table, and how many are looked up: fewer and more of each than the units of a cube, and more rows than a
/// dimension has cubes.
const SIZES: [[usize; 3]; 5] = [
    [1, 1, 1],
    [5, 12, 700],
    [300, 300, 400],
    [3, 2100, 9],
    [70_000, 1, 5],
];
/// Relative where the numbers are above 1: single precision, up to some hundred terms of order 1 added in two orders.
const ROUNDING: f64 = 1e-5;

pub(crate) fn rows_that_are_looked_up_have_the_same_gradients(name: &str) {
    let turn = turn(name);
    for size @ [rows, width, places] in SIZES {
        let on = |device: &Device| {
            let device = &device.clone().autodiff();
            let table = leaf::<2>(1, [rows, width], device);
            // The last row is never looked up where there are others.
            let others = (rows - 1).max(1);
            let indices = (0..places).map(|i| ((i * i + 3 * i) % others) as i64);
            let indices = TensorData::new(indices.collect::<Vec<_>>(), [1, places]);
            let indices = Tensor::<2, Int>::from_data(indices, device);
            let looked_up = fused::embedding(table.clone(), indices);
            let upstream = leaf::<3>(2, looked_up.dims(), device).detach();
            let loss = (looked_up.clone() * upstream).sum();
            let gradients = loss.backward();
            vec![
                read(looked_up),
                read(table.grad(&gradients).expect("it takes part")),
            ]
        };
        let ours = on(&turn.device);
        let theirs = on(&Device::flex());
        assert_close(&format!("{size:?}"), ROUNDING, &ours, &theirs);
        let again = on(&turn.device);
        assert!(ours == again, "{size:?}: the same bits again");
        let last = &ours[1][(rows - 1) * width..];
        assert_eq!(last.iter().all(|&x| x == 0.0), rows > 1, "{size:?}");
    }
}
