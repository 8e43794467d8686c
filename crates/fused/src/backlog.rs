//! AdamW for a table of which each step looks up some rows.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchTensor, TensorMetadata, backend_extension};
use burn::tensor::{Device, Shape, Slice, Tensor};

use crate::adamw::{self, AdamW, AdamWError, Moments, adamw_step};
use crate::half::widened;
use crate::rows::Rows;

/// Steps of AdamW that rows of a table have yet to take.
///
/// A row that a step does not look up has the gradient 0 in it. What such a step does to the row depends on the row's own
/// numbers and on the step alone: the moments decay, and the row moves along the decayed moment. So the step can be taken
/// later, when the row is looked up again, or when somebody reads the whole table. Steps that are taken late have the bits of
/// steps taken at once: they are the same instructions, with a gradient of 0. A row without moments only decays, or stays
/// as it is without weight decay.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::tensor::{Device, Tensor};
/// use fused::{AdamW, Backlog, Rows};
///
/// let table = Tensor::<2>::ones([1000, 8], &Device::flex());
/// let mut backlog = Backlog::of(1000, None);
/// let step = AdamW {
///     learning_rate: 1e-3,
///     beta_1: 0.9,
///     beta_2: 0.999,
///     epsilon: 1e-8,
///     weight_decay: 0.01,
///     time: 1,
///     gradient_scale: 1.0,
/// };
/// let rows = Rows::of([3, 141], 1000);
/// let gradient = Tensor::ones([2, 8], &Device::flex());
/// let (table, moments) = backlog.step(table, gradient, None, Some(&rows), step)?;
/// // The other 998 rows still have to decay.
/// let (table, moments) = backlog.catch_up(table, moments, None);
/// assert!(backlog.is_empty());
/// # }
/// # Ok::<(), fused::AdamWError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Backlog {
    /// The steps since all rows were up to date.
    steps: Vec<AdamW>,
    /// How many of them each row has taken.
    taken: Vec<usize>,
    /// Whether a row's moments may be other than 0.
    is_moving: Vec<bool>,
}

/// The most steps to keep: each call computes the numbers of all of them.
const LONGEST: usize = 256;

/// Whether steps of rows may be taken late on a device: only flex has a kernel for it. Other devices would take many small
/// operations per row.
pub fn defers_rows(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    {
        let device = device.clone().inner();
        matches!(device.as_dispatch(), burn::backend::DispatchDevice::Flex(_))
    }
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}

impl Backlog {
    /// Starts with every row up to date, of a table of `rows` rows with these moments; `None` before the first step.
    pub fn of(rows: usize, moments: Option<&Moments<2>>) -> Self {
        let mut is_moving = vec![false; rows];
        for moments in moments.iter().flat_map(|m| [&m.first, &m.second]) {
            let [_, width] = moments.dims();
            let values = moments.to_data().convert::<f32>();
            let values = values.as_slice::<f32>().expect("just converted");
            let moving = values.chunks(width.max(1)).map(|row| {
                // Not `== 0.0`, which -0 is too.
                row.iter().any(|value| value.to_bits() != 0)
            });
            for (is_moving, moves) in is_moving.iter_mut().zip(moving) {
                *is_moving |= moves;
            }
        }
        Self {
            steps: Vec::new(),
            taken: vec![0; rows],
            is_moving,
        }
    }

    /// Whether every row is up to date.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Takes the steps that some rows have yet to take; `None` for all rows.
    ///
    /// # Shapes
    ///
    /// - `table` and the moments: `[rows, width]`
    ///
    /// # Panics
    ///
    /// When the shapes differ, or the tensors carry autodiff: call it on `Tensor::inner`.
    pub fn catch_up(
        &mut self,
        table: Tensor<2>,
        moments: Moments<2>,
        rows: Option<&Rows>,
    ) -> (Tensor<2>, Moments<2>) {
        self.check(&table, &moments);
        if self.is_empty() {
            return (table, moments);
        }
        let rows = rows.filter(|_| self.steps.len() < LONGEST);
        let behind = match rows {
            Some(rows) => self.behind(rows.numbers().iter().copied()),
            None => self.behind(0..self.taken.len()),
        };
        let caught_up = match behind.is_empty() {
            true => (table, moments),
            false => {
                let [table, first, second] = dispatched(table, moments);
                let steps = self.steps.clone();
                of_dispatched(<Dispatch as BacklogBackend>::fused_adamw_late(
                    table, first, second, behind, steps,
                ))
            }
        };
        match rows {
            Some(rows) => {
                for &row in rows.numbers() {
                    self.taken[row] = self.steps.len();
                }
            }
            None => {
                self.steps.clear();
                self.taken.fill(0);
            }
        }
        caught_up
    }

    /// Takes a step at some rows, and leaves it to the others for later. `None` rows are all rows, and `None` moments are
    /// zeros, before the first step.
    ///
    /// Rows that were behind catch up first; but their gradient should be that of the rows as they are then.
    ///
    /// # Shapes
    ///
    /// - `table` and the moments: `[all rows, width]`
    /// - `gradient`: `[rows, width]`
    ///
    /// # Errors
    ///
    /// [`AdamWError`] for the first number of `step` that is out of its range.
    ///
    /// # Panics
    ///
    /// As [`catch_up`](Self::catch_up).
    pub fn step(
        &mut self,
        table: Tensor<2>,
        gradient: Tensor<2>,
        moments: Option<Moments<2>>,
        rows: Option<&Rows>,
        step: AdamW,
    ) -> Result<(Tensor<2>, Moments<2>), AdamWError> {
        step.check()?;
        let moments = moments.unwrap_or_else(|| Moments::zeros(&table));
        let (table, moments) = self.catch_up(table, moments, rows);
        let Some(rows) = rows else {
            self.is_moving.fill(true);
            return adamw_step(table, gradient, Some(moments), step);
        };
        let [_, width] = table.dims();
        let expected = [rows.numbers().len(), width];
        assert_eq!(gradient.dims(), expected, "backlog: gradient");
        let [table, first, second] = dispatched(table, moments);
        let moved = of_dispatched(<Dispatch as BacklogBackend>::fused_adamw_at_rows(
            table,
            first,
            second,
            gradient.into_dispatch(),
            rows.clone(),
            step,
        ));
        self.steps.push(step);
        for &row in rows.numbers() {
            self.taken[row] = self.steps.len();
            self.is_moving[row] = true;
        }
        Ok(moved)
    }

    fn behind(&self, rows: impl Iterator<Item = usize>) -> Vec<Behind> {
        let behind = rows.map(|row| Behind {
            row,
            from: self.taken[row],
            is_moving: self.is_moving[row],
        });
        behind.filter(|row| row.from < self.steps.len()).collect()
    }

    /// The kernels work on raw memory and rely on this.
    fn check(&self, table: &Tensor<2>, moments: &Moments<2>) {
        let [rows, width] = table.dims();
        assert_eq!(rows, self.taken.len(), "backlog: rows");
        for moments in [&moments.first, &moments.second] {
            assert_eq!(moments.dims(), [rows, width], "backlog: moments");
        }
    }
}

/// A row that takes steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind {
    pub(crate) row: usize,
    /// The first of the steps that it takes.
    pub(crate) from: usize,
    /// Whether its moments may be other than 0.
    pub(crate) is_moving: bool,
}

/// What dispatch gives: a table and its moments.
type Dispatched = [DispatchTensor; 3];

fn dispatched(table: Tensor<2>, moments: Moments<2>) -> Dispatched {
    [table, moments.first, moments.second].map(Tensor::into_dispatch)
}

fn of_dispatched(
    (table, first, second): (DispatchTensor, DispatchTensor, DispatchTensor),
) -> (Tensor<2>, Moments<2>) {
    let [table, first, second] = [table, first, second].map(Tensor::from_dispatch);
    (table, Moments { first, second })
}

/// The sum of the squares of a table that is 0 but for some rows, `[1]`, without gradient. On flex, in single precision, it is to the
/// last bit that of [`squared_norm`](crate::squared_norm) of the whole table.
///
/// # Shapes
///
/// - `x`: `[rows, width]`
///
/// # Panics
///
/// When there are not as many rows, or `x` carries autodiff: call it on `Tensor::inner`.
pub fn squared_norm_of_rows(x: Tensor<2>, rows: &Rows) -> Tensor<1> {
    let [count, _] = x.dims();
    assert_eq!(count, rows.numbers().len(), "squared_norm_of_rows: rows");
    Tensor::from_dispatch(<Dispatch as BacklogBackend>::fused_squared_norm_of_rows(
        x.into_dispatch(),
        rows.clone(),
    ))
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote")
)]
pub(crate) trait BacklogBackend: Backend {
    /// The table and its moments after rows, in ascending order, have taken steps with a gradient of 0.
    fn fused_adamw_late(
        table: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rows: Vec<Behind>,
        steps: Vec<AdamW>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        plain::<Self>([table, first, second], None, &rows, &steps)
    }

    /// The table and its moments after rows have taken a step with their rows of `gradient`.
    fn fused_adamw_at_rows(
        table: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rows: Rows,
        step: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        plain::<Self>([table, first, second], Some(gradient), &now(&rows), &[step])
    }

    fn fused_squared_norm_of_rows(x: FloatTensor<Self>, _rows: Rows) -> FloatTensor<Self> {
        adamw::plain_squared_norm::<Self>(x)
    }
}

#[cfg(feature = "ndarray")]
impl BacklogBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl BacklogBackend for burn::backend::Cube {}
#[cfg(feature = "remote")]
impl BacklogBackend for burn::backend::Remote {}
#[cfg(feature = "tch")]
impl BacklogBackend for burn::backend::LibTorch {}

/// Rows that are up to date before a step.
pub(crate) fn now(rows: &Rows) -> Vec<Behind> {
    let now = rows.numbers().iter().map(|&row| Behind {
        row,
        from: 0,
        is_moving: true,
    });
    now.collect()
}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(
    [mut table, mut first, mut second]: [FloatTensor<B>; 3],
    gradient: Option<FloatTensor<B>>,
    rows: &[Behind],
    steps: &[AdamW],
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let [_, width] = table.shape().dims();
    let at = |row: usize| [Slice::from(row..row + 1), Slice::from(0..width)];
    // Those of half precision come back in single precision.
    [first, second] = [first, second].map(widened::<B>);
    for (place, behind) in rows.iter().enumerate() {
        let row_of = |tensor: &FloatTensor<B>, row| B::float_slice(tensor.clone(), &at(row));
        let [mut own, mut own_first, mut own_second] =
            [&table, &first, &second].map(|tensor| row_of(tensor, behind.row));
        for &step in &steps[behind.from..] {
            let gradient = match &gradient {
                Some(gradient) => row_of(gradient, place),
                None => {
                    let shape = Shape::new([1, width]);
                    B::float_zeros(shape, &own.device(), own.dtype().into())
                }
            };
            (own, own_first, own_second) =
                adamw::plain::<B>(own, gradient, own_first, own_second, step);
        }
        let put = |tensor, own| B::float_slice_assign(tensor, &at(behind.row), own);
        table = put(table, own);
        first = put(first, own_first);
        second = put(second, own_second);
    }
    (table, first, second)
}
