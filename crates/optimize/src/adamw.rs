//! AdamW in the two groups of the BERT recipe.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use burn::module::{Module, ParamGroup};
use burn::optim::{GradientsParams, LearningRate, ModuleOptimizer, Optimizer, OptimizerRecord};
use burn::tensor::{Device, Tensor};
use fused::{Moments, adamw_step};

use crate::deferred::Deferred;
use crate::setting::{SettingError, above_0, check, from_0};
use crate::state::State;
use crate::together::{self, Visit};

/// Biases and the parameters of LayerNorm, by their module paths: they do not decay. XLNet has `r_w_bias`.
pub(crate) const NO_DECAY: &str = r"(^|[._])bias$|(^|\.)(gamma|beta)$";

/// The constants of [`AdamW`].
///
/// | Name | Purpose | Range |
/// |---|---|---|
/// | `betas` | decay rates of the first and second moment | 0 to below 1 |
/// | `epsilon` | added to the denominator | above 0 |
/// | `weight_decay` | decoupled, not on biases and LayerNorm | from 0 |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay rates of the first and second moment.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub epsilon: f64,
    /// Decoupled weight decay of everything but biases and LayerNorm.
    pub weight_decay: f64,
}

impl AdamWConfig {
    /// Checks every range of the table above.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        for beta in self.betas {
            check("beta", beta, "0 to below 1", |x| (0.0..1.0).contains(&x))?;
        }
        above_0("epsilon", self.epsilon)?;
        from_0("weight decay", self.weight_decay)
    }
}

/// AdamW with decoupled weight decay on everything but biases and LayerNorm.
///
/// One fused pass over each parameter, or over many at once on devices that [run
/// together](fused::runs_together), with the factor of the gradient clipping in it. The states live in Burn's
/// [`ModuleOptimizer`].
///
/// Source: Loshchilov and Hutter (2019), arXiv:1711.05101, as `torch.optim.AdamW` computes it.
pub struct AdamW {
    pub(crate) optimizer: ModuleOptimizer,
    config: AdamWConfig,
    gradient_scale: Arc<Scale>,
    visit: Arc<Mutex<Visit>>,
    pub(crate) deferred: Option<Deferred>,
}

impl AdamW {
    /// Starts without moments.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first constant that is out of its range.
    pub fn new(config: AdamWConfig) -> Result<Self, SettingError> {
        config.check()?;
        let gradient_scale = Arc::new(Scale::default());
        let visit = Arc::default();
        let group = |decays| Group::new(config, decays, &gradient_scale, &visit);
        let no_decay = ParamGroup::from_regex(NO_DECAY).expect("a constant, valid pattern");
        let optimizer = ModuleOptimizer::from(group(true)).with_group(no_decay, group(false), None);
        Ok(Self {
            optimizer,
            config,
            gradient_scale,
            visit,
            deferred: None,
        })
    }

    /// What moves the parameters that decay, or those that do not.
    pub(crate) fn group(&self, decays: bool) -> Group {
        Group::new(self.config, decays, &self.gradient_scale, &self.visit)
    }

    /// Updates every parameter that has a gradient, of which each is first multiplied by `gradient_scale`.
    ///
    /// The parameters are updated in place where `module` is their only owner.
    pub fn step<M: Module>(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        module: M,
        gradients: GradientsParams,
    ) -> M {
        let on_one = matches!(&module.devices()[..], [device] if fused::runs_together(device));
        // A table that takes steps late does so by itself.
        if on_one && self.deferred.is_none() {
            return self.step_together(learning_rate, gradient_scale, module, gradients);
        }
        self.gradient_scale.set(gradient_scale);
        self.optimizer.step(learning_rate, module, gradients)
    }

    /// [`step`](Self::step) with all parameters at once.
    pub(crate) fn step_together<M: Module>(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        module: M,
        gradients: GradientsParams,
    ) -> M {
        self.gradient_scale.set(gradient_scale);
        let again = together::copies(&module, &gradients);
        *together::locked(&self.visit) = Visit::first();
        let module = self.optimizer.step(learning_rate, module, gradients);
        together::locked(&self.visit).take_steps();
        let module = self.optimizer.step(learning_rate, module, again);
        *together::locked(&self.visit) = Visit::Only;
        module
    }

    /// The moments of every parameter, by its id.
    ///
    /// # Panics
    ///
    /// When rows of a deferred table have steps to take: [`catch_up`](Self::catch_up) first.
    pub fn to_record(&self) -> OptimizerRecord {
        let deferred = self.deferred.as_ref();
        assert!(
            deferred.is_none_or(Deferred::is_up_to_date),
            "adamw: rows of the table have steps to take"
        );
        self.optimizer.to_record()
    }

    /// Continues with recorded moments, for a module with the same parameter ids.
    pub fn load_record(&mut self, record: OptimizerRecord) {
        self.optimizer = self.optimizer.clone().load_record(record);
        if let Some(deferred) = &self.deferred {
            deferred.restart();
        }
    }
}

/// What this step multiplies every gradient by. Burn's optimizer trait hands a step nothing but its learning
/// rate, and scaling the gradients beforehand would cost a pass over all of them.
#[derive(Debug, Default)]
pub(crate) struct Scale(AtomicU64);

impl Scale {
    pub(crate) fn set(&self, scale: f64) {
        self.0.store(scale.to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// AdamW for the parameters of one group.
#[derive(Clone)]
pub(crate) struct Group {
    betas: [f64; 2],
    epsilon: f64,
    weight_decay: f64,
    gradient_scale: Arc<Scale>,
    visit: Arc<Mutex<Visit>>,
}

impl Group {
    fn new(
        config: AdamWConfig,
        decays: bool,
        gradient_scale: &Arc<Scale>,
        visit: &Arc<Mutex<Visit>>,
    ) -> Self {
        Self {
            betas: config.betas,
            epsilon: config.epsilon,
            weight_decay: if decays { config.weight_decay } else { 0.0 },
            gradient_scale: Arc::clone(gradient_scale),
            visit: Arc::clone(visit),
        }
    }

    /// The numbers of a step, the first being 1.
    pub(crate) fn numbers(&self, learning_rate: LearningRate, time: usize) -> fused::AdamW {
        fused::AdamW {
            learning_rate,
            beta_1: self.betas[0],
            beta_2: self.betas[1],
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
            time: time as u32,
            gradient_scale: self.gradient_scale.get(),
        }
    }
}

impl Optimizer for Group {
    type State<const D: usize> = State<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let numbers = |time| self.numbers(learning_rate, time);
        match &mut *together::locked(&self.visit) {
            Visit::Only => {
                let (parameter, state) = update(parameter, gradient, state, numbers);
                (parameter, Some(state))
            }
            Visit::First(gathered) => {
                gathered.add(parameter, gradient.clone(), state, numbers);
                // In the parameter's place until the second visit.
                (gradient, None)
            }
            Visit::Second(stepped) => {
                let (parameter, state) = stepped.hand_back();
                (parameter, Some(state))
            }
        }
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.moved(device)
    }
}

/// Takes a step; `step` gives its numbers, from its count, which starts at 1.
pub(crate) fn update<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    state: Option<State<D>>,
    step: impl FnOnce(usize) -> fused::AdamW,
) -> (Tensor<D>, State<D>) {
    let (moments, time) = next(state, &parameter.device());
    let (parameter, moments) =
        adamw_step(parameter, gradient, moments, step(time)).expect(IN_RANGE);
    (parameter, State::after(moments, time))
}

/// Why no step is refused.
pub(crate) const IN_RANGE: &str = "the constants were checked, and the count starts at 1";

/// The moments before the next step, and its number.
pub(crate) fn next<const D: usize>(
    state: Option<State<D>>,
    device: &Device,
) -> (Option<Moments<D>>, usize) {
    match state {
        None => (None, 1),
        Some(state) => {
            let time = state.time + 1;
            (Some(state.moments(device)), time)
        }
    }
}
