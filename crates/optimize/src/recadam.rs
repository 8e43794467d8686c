//! AdamW that recalls the pretrained parameters.

use std::sync::Arc;

use burn::module::{Module, ParamGroup};
use burn::optim::{
    GradientsParams, LearningRate, ModuleOptimizer, Optimizer, OptimizerRecord, RecordState,
    StateSink, StateSource, join_path,
};
use burn::tensor::{Device, Tensor};

use crate::AdamWConfig;
use crate::adamw::{NO_DECAY, Scale, update};
use crate::setting::{SettingError, check, from_0};
use crate::state::{Kept, State};

/// The constants of [`RecAdam`].
///
/// | Name | Purpose | Range |
/// |---|---|---|
/// | `adamw` | AdamW's constants | its own |
/// | `pull` | coefficient γ of the quadratic penalty | from 0 |
/// | `slope` | slope k of the annealing, per step | from 0 |
/// | `midpoint` | step t0 of equal weights | any number |
/// | `largest_pull` | where `η (1 - λ(t)) γ` is cut off | above 0 |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecAdamConfig {
    /// AdamW's.
    pub adamw: AdamWConfig,
    /// Coefficient γ of the quadratic penalty; the paper's is 5,000.
    pub pull: f64,
    /// Slope k of the annealing, per step.
    pub slope: f64,
    /// Step t0 at which target and pretraining count the same.
    pub midpoint: f64,
    /// The largest share of its way back that a parameter is pulled in a step; infinite in the authors' program. At 1 it
    /// lands on θ*, beyond that it overshoots, and beyond 2 the iteration diverges.
    pub largest_pull: f64,
}

impl RecAdamConfig {
    /// Checks every range of the table above.
    fn check(&self) -> Result<(), SettingError> {
        self.adamw.check()?;
        from_0("pull", self.pull)?;
        from_0("slope", self.slope)?;
        check("midpoint", self.midpoint, "a number", |_| true)?;
        match self.largest_pull > 0.0 {
            true => Ok(()),
            false => check("largest pull", self.largest_pull, "above 0", |_| false),
        }
    }

    /// The weight `λ(t) = 1 / (1 + exp(-k (t - t0)))` of the target task at a step, the first being 1.
    pub fn annealing(&self, step: usize) -> f64 {
        1.0 / (1.0 + (-self.slope * (step as f64 - self.midpoint)).exp())
    }
}

/// AdamW whose step is weighted by λ(t), plus a step of weight 1 - λ(t) towards where training started:
///
/// `θ ← θ - η w θ - η λ(t) m̂ / (√v̂ + ε) - η (1 - λ(t)) γ (θ - θ*)`
///
/// θ* are the parameters before the first step, η is the learning rate and w the weight decay, which is not
/// annealed.
///
/// Source: Chen et al., "Recall and Learn", EMNLP 2020, arXiv:2004.12651, algorithm 1; weight decay as in
/// the authors' program.
pub struct RecAdam {
    optimizer: ModuleOptimizer,
    gradient_scale: Arc<Scale>,
}

impl RecAdam {
    /// Starts without moments.
    ///
    /// `fresh` are module paths, taken literally: what lies under them is not pretrained, and takes plain AdamW's
    /// steps.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first constant that is out of its range.
    pub fn new(config: RecAdamConfig, fresh: &[String]) -> Result<Self, SettingError> {
        config.check()?;
        let gradient_scale = Arc::new(Scale::default());
        let group = |weight_decay, is_pulled| Group {
            config: RecAdamConfig {
                adamw: AdamWConfig {
                    weight_decay,
                    ..config.adamw
                },
                ..config
            },
            is_pulled,
            gradient_scale: gradient_scale.clone(),
        };
        let matching = |patterns: Vec<&str>| {
            ParamGroup::from_regexes(patterns).expect("what is not ours in them is escaped")
        };
        let decay = config.adamw.weight_decay;
        let mut optimizer = ModuleOptimizer::from(group(decay, true)).with_group(
            matching(vec![NO_DECAY]),
            group(0.0, true),
            None,
        );
        // The last group that fits a parameter is the one that counts.
        for path in fresh {
            let under = format!(r"^{}(\.|$)", escaped(path));
            optimizer = optimizer
                .with_group(matching(vec![&under]), group(decay, false), None)
                .with_group(matching(vec![&under, NO_DECAY]), group(0.0, false), None);
        }
        Ok(Self {
            optimizer,
            gradient_scale,
        })
    }

    /// Updates every parameter that has a gradient, of which each is first multiplied by `gradient_scale`.
    pub fn step<M: Module>(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        module: M,
        gradients: GradientsParams,
    ) -> M {
        self.gradient_scale.set(gradient_scale);
        self.optimizer.step(learning_rate, module, gradients)
    }

    /// The moments of every parameter and where it started, by its id.
    pub fn to_record(&self) -> OptimizerRecord {
        self.optimizer.to_record()
    }

    /// Continues with a recorded state, for a module with the same parameter ids.
    pub fn load_record(&mut self, record: OptimizerRecord) {
        self.optimizer = self.optimizer.clone().load_record(record);
    }
}

/// A regular expression for the text itself.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// RecAdam for the parameters of one group.
#[derive(Clone)]
struct Group {
    config: RecAdamConfig,
    is_pulled: bool,
    gradient_scale: Arc<Scale>,
}

/// AdamW's moments, and where the parameter started.
#[derive(Clone)]
struct RecAdamState<const D: usize> {
    adamw: State<D>,
    start: Kept<D>,
}

/// By hand: Burn's derive names its items from the root of Burn's own crate.
impl<const D: usize> RecordState for RecAdamState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.adamw.state_flatten(&join_path(prefix, "adamw"), out);
        out.push_tensor(prefix, "start", self.start.data());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let adamw = State::state_unflatten(&join_path(prefix, "adamw"), source, device)?;
        let start = Kept::read(source, prefix, "start")?;
        Some(Self { adamw, start })
    }
}

impl Optimizer for Group {
    type State<const D: usize> = RecAdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (adamw, start) = match state {
            None => (None, parameter.clone()),
            Some(state) => (Some(state.adamw), state.start.on(&parameter.device())),
        };
        let step = adamw.as_ref().map_or(0, |state| state.time) + 1;
        let RecAdamConfig {
            adamw: numbers,
            pull,
            largest_pull,
            ..
        } = self.config;
        let annealing = match self.is_pulled {
            true => self.config.annealing(step),
            false => 1.0,
        };
        let pull = (learning_rate * (1.0 - annealing) * pull).min(largest_pull);
        let kept = 1.0 - learning_rate * numbers.weight_decay - pull;
        let parameter = match pull {
            0.0 => parameter * kept,
            _ => parameter * kept + start.clone() * pull,
        };
        let (parameter, adamw) = update(parameter, gradient, adamw, |time| fused::AdamW {
            learning_rate: learning_rate * annealing,
            beta_1: numbers.betas[0],
            beta_2: numbers.betas[1],
            epsilon: numbers.epsilon,
            weight_decay: 0.0,
            time: time as u32,
            gradient_scale: self.gradient_scale.get(),
        });
        let start = Kept::Here(start);
        (parameter, Some(RecAdamState { adamw, start }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        RecAdamState {
            adamw: state.adamw.moved(device),
            start: state.start.moved(device),
        }
    }
}
