//! Everything that an optimizer step changes.

use burn::module::Module;
use burn::optim::GradientsParams;
use fused::Rows;
use optimize::{SettingError, clipping_factor, squared_global_norm};

use crate::accumulate::{BatchGradients, Pass};
use crate::checkpoint::{Counters, StepperState};
use crate::executor::Replicas;
use crate::health::{Diverged, LargestGradient, finite};
use crate::loss_scale::LossScale;
use crate::table::Table;
use crate::update::Update;

/// The learning rate of a step, from 0.
type Schedule = Box<dyn Fn(usize) -> f64>;

/// A model in training: parameters, optimizer state, place in the schedule, loss scale, counters.
pub struct Stepper<M, U> {
    /// `None` only during a step, so that the optimizer is the only owner of the parameters.
    model: Option<M>,
    optimizer: U,
    /// The table whose rows may be behind.
    table: Option<Table>,
    schedule: Schedule,
    replicas: Replicas,
    loss_scale: LossScale,
    max_gradient_norm: f64,
    step: usize,
    /// Steps that the loss scale skipped.
    skipped: usize,
    passes: usize,
}

/// What one optimizer step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    /// Number of the step, from 0.
    pub index: usize,
    /// Mean loss of the step's examples before the step.
    pub loss: f64,
    /// Global norm of the gradients before clipping.
    pub gradient_norm: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Whether the gradients overflowed and the parameters stayed as they were; only with a dynamic loss scale.
    pub is_skipped: bool,
}

impl<M: Module, U: Update<M>> Stepper<M, U> {
    /// Starts before step 0. Gradients are clipped to a global norm of `max_gradient_norm`.
    ///
    /// The model may be on a plain or an autodiff device; training happens with autodiff.
    ///
    /// # Errors
    /// [`SettingError`] unless `max_gradient_norm` is a number above 0.
    pub fn new(
        model: M,
        optimizer: U,
        schedule: impl Fn(usize) -> f64 + 'static,
        max_gradient_norm: f64,
        loss_scale: LossScale,
    ) -> Result<Self, SettingError> {
        clipping_factor(0.0, max_gradient_norm)?;
        Ok(Self {
            model: Some(model.train()),
            optimizer,
            table: None,
            schedule: Box::new(schedule),
            replicas: Replicas::default(),
            loss_scale,
            max_gradient_norm,
            step: 0,
            skipped: 0,
            passes: 0,
        })
    }

    /// Continues from a stored state, with the schedule and the optimizer's settings of this stepper.
    #[must_use]
    pub fn continued(mut self, state: StepperState<M>) -> Self {
        let StepperState {
            model,
            moments,
            counters,
        } = state;
        let model = model.train();
        let table = self.table.take();
        // The stored model has ids of its own.
        self.table = table.and_then(|table| Table::find(&model, &table.path));
        self.model = Some(model);
        if let (Some(table), Some(optimizer)) = (&self.table, self.optimizer.deferring()) {
            optimizer.defer(table.id, &table.path);
        }
        self.optimizer.load_record(moments);
        self.step = counters.steps;
        self.skipped = counters.skipped;
        self.passes = counters.passes;
        self.loss_scale = counters.loss_scale;
        self
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            steps: self.step,
            skipped: self.skipped,
            passes: self.passes,
            loss_scale: self.loss_scale.clone(),
        }
    }

    /// Lets the batches of each step go through these; the default is the model's device alone.
    #[must_use]
    pub fn with_replicas(mut self, replicas: Replicas) -> Self {
        self.replicas = replicas;
        self
    }

    /// Where the batches of a step go.
    pub fn replicas(&self) -> &Replicas {
        &self.replicas
    }

    /// Replaces the optimizer, before the first step. It defers nothing.
    #[must_use]
    pub fn with_optimizer(mut self, optimizer: U) -> Self {
        self.optimizer = optimizer;
        self.table = None;
        self
    }

    /// From the first step on, lets the rows of the parameter at a module path that a step does not look up take it later: when
    /// they are looked up, or when the model is read. The results have the same bits, and steps cost less the larger the
    /// table is; see [`fused::Backlog`]. `None` takes every step at every row at once, as before.
    ///
    /// Nothing is deferred if the optimizer cannot do it, or the parameter is not a matrix that occurs once in the model, or
    /// is not trained, or is not on a device [with a kernel](fused::defers_rows): [`is_deferring`](Self::is_deferring) says
    /// so. A step that has a batch without [rows](BatchGradients::rows) takes it at all rows at once.
    #[must_use]
    pub fn deferring(mut self, path: Option<&str>) -> Self {
        self.settle();
        let table = path.and_then(|path| Table::find(self.current(), path));
        self.table = match (table, self.optimizer.deferring()) {
            (Some(table), Some(optimizer)) => {
                optimizer.defer(table.id, &table.path);
                Some(table)
            }
            _ => None,
        };
        self
    }

    /// Whether rows of a table may take steps late.
    pub fn is_deferring(&self) -> bool {
        self.table.is_some()
    }

    /// Steps taken, including skipped ones.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// The model being trained, with autodiff. Rows that are behind catch up first.
    pub fn model(&mut self) -> &M {
        self.settle();
        self.current()
    }

    /// The model, in which rows may be behind.
    fn current(&self) -> &M {
        self.model
            .as_ref()
            .expect("the model is absent only during a step")
    }

    /// Brings every row up to date.
    fn settle(&mut self) {
        self.catch_up(None);
    }

    fn catch_up(&mut self, rows: Option<&Rows>) {
        if self.table.is_some()
            && let Some(optimizer) = self.optimizer.deferring()
        {
            let model = self.model.take();
            self.model = model.map(|model| optimizer.catch_up(model, rows));
        }
    }

    /// The optimizer with its state.
    pub fn optimizer(&self) -> &U {
        &self.optimizer
    }

    /// The factor by which gradients are multiplied until they reach the optimizer.
    pub fn loss_scale(&self) -> &LossScale {
        &self.loss_scale
    }

    /// The mean loss over the examples of several batches at the current parameters, and its gradients times the loss
    /// scale.
    pub fn gradients<B>(
        &mut self,
        batches: Vec<B>,
        objective: &mut impl BatchGradients<M, B>,
    ) -> (f64, GradientsParams) {
        let first = self.first_pass();
        self.settle();
        let model = self.current();
        let (loss, gradients) =
            (self.replicas).losses_and_gradients(model, batches, first, objective);
        (loss.read_with(None).0, gradients)
    }

    /// Takes one optimizer step on the mean loss over the examples of several batches.
    ///
    /// # Errors
    /// [`Diverged`] if the loss is not finite, or if the gradient norm is not finite at any loss scale; the parameters
    /// stay as they were.
    ///
    /// # Panics
    /// If there is no batch.
    pub fn step<B>(
        &mut self,
        batches: Vec<B>,
        objective: &mut impl BatchGradients<M, B>,
    ) -> Result<Taken, Diverged> {
        let passes = batches.len();
        let rows = self.looked_up(&batches, objective);
        self.catch_up(rows.as_ref());
        let rows = self.table.as_ref().zip(rows);
        let (narrowed, batches) = match &rows {
            None => (None, batches),
            Some((table, rows)) => {
                let at_rows = |batch| objective.at_rows(batch, rows);
                let batches = batches.into_iter().map(at_rows).collect();
                (Some(table.narrowed(self.current().clone(), rows)), batches)
            }
        };
        let model = narrowed.as_ref().unwrap_or_else(|| self.current());
        let (loss, gradients) =
            (self.replicas).losses_and_gradients(model, batches, self.first_pass(), objective);
        let table = rows.as_ref().map(|(table, rows)| (table.id, rows));
        let squared_norm = squared_global_norm(model, &gradients, table);
        let (loss, gradient_norm) = loss.read_with(squared_norm);
        let scale = self.loss_scale.value();
        let checked = |what, value| {
            finite(what, self.step, value).map_err(|diverged| Diverged {
                largest: LargestGradient::of(model, &gradients, scale),
                ..diverged
            })
        };
        checked("loss", loss)?;
        let gradient_norm = gradient_norm / scale;
        // A skipped step counts in neither the schedule nor the optimizer.
        let learning_rate = (self.schedule)(self.step - self.skipped);
        let mut loss_scale = self.loss_scale.clone();
        let is_skipped = !loss_scale.accepts(gradient_norm);
        if !is_skipped || loss_scale.is_exhausted() {
            checked("gradient norm", gradient_norm)?;
        }
        self.loss_scale = loss_scale;
        if is_skipped {
            self.skipped += 1;
        } else {
            let factor = clipping_factor(gradient_norm, self.max_gradient_norm)
                .expect("the norm is finite, and new() has checked the largest")
                / scale;
            let rows = rows.map(|(_, rows)| rows);
            // Then the optimizer is the only owner.
            drop(narrowed);
            let model = self.model.take();
            self.model = model.map(|model| match (&rows, self.optimizer.deferring()) {
                (Some(rows), Some(optimizer)) => {
                    optimizer.step_at(rows, learning_rate, factor, model, gradients)
                }
                _ => self.optimizer.step(learning_rate, factor, model, gradients),
            });
        }
        let taken = Taken {
            index: self.step,
            loss,
            gradient_norm,
            learning_rate,
            is_skipped,
        };
        self.step += 1;
        self.passes += passes;
        Ok(taken)
    }

    /// The rows of the table that a step looks up; `None` if it may read them all.
    fn looked_up<B>(&self, batches: &[B], objective: &impl BatchGradients<M, B>) -> Option<Rows> {
        let table = self.table.as_ref()?;
        let rows = batches.iter().map(|batch| objective.rows(batch));
        let rows: Vec<Vec<usize>> = rows.collect::<Option<_>>()?;
        Some(Rows::of(rows.into_iter().flatten(), table.rows))
    }

    fn first_pass(&self) -> Pass {
        Pass {
            step: self.step,
            index: self.passes,
            scale: self.loss_scale.value(),
        }
    }
}
