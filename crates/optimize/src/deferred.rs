//! AdamW at a table of which each step looks up some rows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ParamGroup, ParamId};
use burn::optim::{GradientsParams, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use fused::{Backlog, Moments, Rows};

use crate::adamw::{AdamW, Group, IN_RANGE, NO_DECAY, next};
use crate::state::State;

/// A table whose rows may take their steps late.
pub(crate) struct Deferred {
    id: ParamId,
    turn: Arc<Mutex<Turn>>,
}

/// What the optimizer is to do at the table, and what it has left undone there. Burn's optimizer trait hands a step nothing
/// but its learning rate.
#[derive(Default)]
struct Turn {
    task: Task,
    /// What rows have yet to take, and where the table is; `None` before the first step.
    backlog: Option<(Backlog, Device)>,
}

/// `None` rows are all rows.
enum Task {
    Step(Option<Rows>),
    CatchUp(Option<Rows>),
}

impl Default for Task {
    fn default() -> Self {
        Self::Step(None)
    }
}

impl AdamW {
    /// Lets the rows of a table take their steps late, from its first step on: [`step_at`](Self::step_at) moves rows that are
    /// looked up, and [`catch_up`](Self::catch_up) the others. `path` is the table's module path.
    ///
    /// The results have the same bits as without. In between, rows that nobody caught up are not what they should be.
    pub fn defer(&mut self, table: ParamId, path: &str) {
        let no_decay = ParamGroup::from_regex(NO_DECAY).expect("a constant, valid pattern");
        let turn = Arc::default();
        let group = TableGroup {
            group: self.group(!no_decay.matches(&table, Some(path))),
            turn: Arc::clone(&turn),
        };
        // A new group forgets the moments of the parameters that it takes over.
        let moments = self.optimizer.to_record();
        let optimizer = self.optimizer.clone();
        let optimizer = optimizer.with_group(ParamGroup::from_path(path), group, None);
        self.optimizer = optimizer.load_record(moments);
        self.deferred = Some(Deferred { id: table, turn });
    }

    /// Takes the steps that rows of the deferred table have yet to take; `None` for all rows.
    pub fn catch_up<M: Module>(&mut self, module: M, rows: Option<&Rows>) -> M {
        let Some(deferred) = &self.deferred else {
            return module;
        };
        let mut gradients = GradientsParams::new();
        {
            let mut turn = locked(&deferred.turn);
            let device = match &turn.backlog {
                Some((backlog, device)) if !backlog.is_empty() => device.clone(),
                _ => return module,
            };
            turn.task = Task::CatchUp(rows.cloned());
            // Burn visits the parameters that have a gradient.
            gradients.register(deferred.id, Tensor::<2>::zeros([1, 1], &device));
        }
        self.optimizer.step(0.0, module, gradients)
    }

    /// [`step`](Self::step) where the gradient of the deferred table is that of some rows alone, `[rows, width]`: they have to
    /// be caught up. The other rows take the step later.
    pub fn step_at<M: Module>(
        &mut self,
        rows: &Rows,
        learning_rate: f64,
        gradient_scale: f64,
        module: M,
        gradients: GradientsParams,
    ) -> M {
        if let Some(deferred) = &self.deferred {
            locked(&deferred.turn).task = Task::Step(Some(rows.clone()));
        }
        let module = self.step(learning_rate, gradient_scale, module, gradients);
        if let Some(deferred) = &self.deferred {
            // The table may have had no gradient.
            locked(&deferred.turn).task = Task::default();
        }
        module
    }
}

impl Deferred {
    /// Whether no row has a step to take.
    pub(crate) fn is_up_to_date(&self) -> bool {
        let turn = locked(&self.turn);
        turn.backlog
            .as_ref()
            .is_none_or(|(backlog, _)| backlog.is_empty())
    }

    /// Forgets what was left undone: the table and its moments are others now.
    pub(crate) fn restart(&self) {
        *locked(&self.turn) = Turn::default();
    }
}

fn locked(turn: &Mutex<Turn>) -> MutexGuard<'_, Turn> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// AdamW for the table.
#[derive(Clone)]
struct TableGroup {
    group: Group,
    turn: Arc<Mutex<Turn>>,
}

impl Optimizer for TableGroup {
    /// That of every other parameter.
    type State<const D: usize> = State<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let mut turn = locked(&self.turn);
        let table: Tensor<2> = of_rank(parameter);
        let (moments, time) = next(state, &table.device());
        let moments = moments.map(|moments| Moments {
            first: of_rank(moments.first),
            second: of_rank(moments.second),
        });
        let Turn { task, backlog } = &mut *turn;
        let (backlog, _) = backlog.get_or_insert_with(|| {
            let [rows, _] = table.dims();
            (Backlog::of(rows, moments.as_ref()), table.device())
        });
        let (table, moments, time) = match (std::mem::take(task), moments) {
            (Task::CatchUp(rows), Some(moments)) => {
                let (table, moments) = backlog.catch_up(table, moments, rows.as_ref());
                (table, moments, time - 1)
            }
            (Task::CatchUp(_), None) => return (of_rank(table), None),
            (Task::Step(rows), moments) => {
                let step = self.group.numbers(learning_rate, time);
                let stepped = backlog.step(table, of_rank(gradient), moments, rows.as_ref(), step);
                let (table, moments) = stepped.expect(IN_RANGE);
                (table, moments, time)
            }
        };
        let [first, second] = [moments.first, moments.second].map(of_rank);
        let moments = Moments { first, second };
        (of_rank(table), Some(State::after(moments, time)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.moved(device)
    }
}

/// The same tensor with its rank as another constant.
pub(crate) fn of_rank<const D: usize, const E: usize>(tensor: Tensor<D>) -> Tensor<E> {
    Tensor::from_dispatch(tensor.into_dispatch())
}
