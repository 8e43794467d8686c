use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamGroup, ParamId};
use burn::tensor::{DType, Tensor};

use crate::noise::noise_scale;
use crate::report::{NoiseReport, Outcome, ParamReport, SkipReason};
use crate::stream::UnitStream;
use crate::survey::{self, Survey};
use crate::values::Values;
use crate::{NoiseKind, NoiseScale, NoisyTuneConfig, NoisyTuneError, Treatment};

/// Adds NoisyTune's noise to the parameters of any Burn module.
///
/// Apply it once, after the pretrained weights are loaded and before finetuning begins. Parameters
/// keep their id, device, dtype, load and save mappers and gradient setting.
///
/// ```
/// use burn::module::Module;
/// use burn::nn::LinearConfig;
/// use noisytune_burn::NoisyTuneMapper;
///
/// let model = LinearConfig::new(8, 4).init(&Default::default());
/// let mut mapper = NoisyTuneMapper::new(0.15).with_seed(7);
/// let model = model.map(&mut mapper);
/// println!("{}", mapper.report());
/// # let _ = model;
/// ```
///
/// [`NoisyTune`](crate::NoisyTune) wraps these steps, and looks at the whole module first.
/// Source: Wu et al., "NoisyTune", ACL 2022, equation 1.
#[derive(Debug)]
pub struct NoisyTuneMapper {
    config: NoisyTuneConfig,
    survey: Survey,
    path: Vec<String>,
    containers: Vec<String>,
    /// The first place of each parameter id: ties follow what happened there.
    first: HashMap<ParamId, First>,
    report: NoiseReport,
}

#[derive(Debug)]
struct First {
    path: String,
    /// The reason that kept the parameter out for what it is and not for the values it holds.
    refused: Option<SkipReason>,
}

impl NoisyTuneMapper {
    /// Builds a mapper with intensity `lambda`, seed 0 and the paper's settings.
    ///
    /// # Panics
    ///
    /// When `lambda` is negative, infinite or not a number; [`try_new`](Self::try_new) returns an
    /// error instead.
    pub fn new(lambda: f64) -> Self {
        match Self::try_new(lambda) {
            Ok(mapper) => mapper,
            Err(error) => panic!("{error}"),
        }
    }

    /// Builds a mapper with intensity `lambda`, seed 0 and the paper's settings.
    ///
    /// # Errors
    ///
    /// [`NoisyTuneError::InvalidLambda`] when `lambda` is negative, infinite or not a number.
    pub fn try_new(lambda: f64) -> Result<Self, NoisyTuneError> {
        Self::from_config(NoisyTuneConfig::new(lambda))
    }

    pub(crate) fn from_config(config: NoisyTuneConfig) -> Result<Self, NoisyTuneError> {
        let lambda = config.lambda;
        if !lambda.is_finite() || lambda < 0.0 {
            return Err(NoisyTuneError::InvalidLambda { lambda });
        }
        let report = NoiseReport {
            lambda,
            seed: config.seed,
            kind: config.kind,
            scale: config.scale,
            global_std: None,
            entries: Vec::new(),
        };
        Ok(Self {
            config,
            survey: Survey::default(),
            path: Vec::new(),
            containers: Vec::new(),
            first: HashMap::new(),
            report,
        })
    }

    /// Sets the seed of the noise.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self.report.seed = seed;
        self
    }

    /// Sets the distribution of the noise.
    pub fn with_kind(mut self, kind: NoiseKind) -> Self {
        self.config.kind = kind;
        self.report.kind = kind;
        self
    }

    /// Sets what the noise is proportional to. [`NoiseScale::Global`] needs
    /// [`survey`](Self::survey) before the module is mapped.
    pub fn with_scale(mut self, scale: NoiseScale) -> Self {
        self.config.scale = scale;
        self.report.scale = scale;
        self
    }

    /// Sets which parameters take part; see [`selection`](crate::selection) for presets.
    pub fn with_group(mut self, group: ParamGroup) -> Self {
        self.config.group = group;
        self
    }

    /// Sets what happens to parameters that do not require gradients. By default they are
    /// perturbed, and stay frozen.
    pub fn with_frozen(mut self, frozen: Treatment) -> Self {
        self.config.frozen = frozen;
        self
    }

    /// Sets what happens to the factors of a reparameterization such as LoRA. By default they
    /// are skipped: they are fresh, and the base under them is what was pretrained.
    pub fn with_adapters(mut self, adapters: Treatment) -> Self {
        self.config.adapters = adapters;
        self
    }

    /// Looks at the module that is going to be mapped, without changing it: finds the
    /// [`RunningState`](burn::module::RunningState) buffers of any name, and measures the global
    /// standard deviation if the scale is [`NoiseScale::Global`].
    ///
    /// A mapper that was not surveyed knows the buffers of [`BatchNorm`](burn::nn::BatchNorm), and
    /// frozen tensors whose name begins with `running_`.
    ///
    /// # Errors
    ///
    /// [`NoisyTuneError::UnusableGlobalStd`] when the scale is global and the selected parameters
    /// hold fewer than two elements, or equal ones.
    pub fn survey<M: Module>(mut self, module: &M) -> Result<Self, NoisyTuneError> {
        self.survey = Survey::buffers_of(module);
        if self.config.scale == NoiseScale::Global {
            let std = survey::global_std(&mut self, module)?;
            self.survey.global_std = Some(std);
            self.report.global_std = Some(std);
        }
        Ok(self)
    }

    /// The settings.
    pub fn config(&self) -> &NoisyTuneConfig {
        &self.config
    }

    /// What was done so far.
    pub fn report(&self) -> &NoiseReport {
        &self.report
    }

    /// What was done.
    pub fn into_report(self) -> NoiseReport {
        self.report
    }

    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.path.push(name.to_string());
        self.containers.push(container.to_string());
    }

    pub(crate) fn exit(&mut self) {
        self.path.pop();
        self.containers.pop();
    }

    /// The reason to leave a parameter out for what it is; values are not read.
    pub(crate) fn refusal<const D: usize>(
        &self,
        param: &Param<Tensor<D>>,
        path: &str,
    ) -> Option<SkipReason> {
        // The group decides before anything that would initialise a lazy parameter.
        if !self.config.group.matches(&param.id, Some(path)) {
            return Some(SkipReason::NotSelected);
        }
        let in_adapter = self
            .containers
            .iter()
            .any(|kind| kind == "Reparameterization");
        if in_adapter && self.config.adapters == Treatment::Skip {
            return Some(SkipReason::Adapter);
        }
        if self.survey.buffers.contains(&param.id) {
            return Some(SkipReason::Buffer);
        }
        if matches!(param.dtype(), DType::QFloat(_)) {
            return Some(SkipReason::Quantized);
        }
        let frozen = !survey::requires_grad(param);
        if frozen && self.named_as_buffer() {
            return Some(SkipReason::Buffer);
        }
        if frozen && self.config.frozen == Treatment::Skip {
            return Some(SkipReason::Frozen);
        }
        None
    }

    /// Burn hands a buffer to a mapper as if it were a frozen parameter; without a survey the
    /// name is all there is to tell them apart.
    fn named_as_buffer(&self) -> bool {
        self.path
            .last()
            .is_some_and(|name| name.starts_with("running_"))
    }

    pub(crate) fn current_path(&self) -> String {
        self.path.join(".")
    }

    /// Perturbs the values of one parameter that nothing about itself refuses.
    fn perturb<const D: usize>(&self, tensor: Tensor<D>, path: &str) -> (Tensor<D>, Outcome) {
        let values = Values::of(tensor);
        let (values, outcome) = match self.scale_of(&values) {
            Err(reason) => (values, Outcome::Skipped(reason)),
            // Adding a zero would turn -0 into +0, and the input is to stay bit for bit.
            Ok((std, 0.0)) => (
                values,
                Outcome::Perturbed {
                    std,
                    noise_rms: 0.0,
                },
            ),
            Ok((std, scale)) => {
                let stream = UnitStream::new(self.config.seed, path, self.config.kind);
                let (values, noise_rms) = values.perturb(&stream, scale);
                (values, Outcome::Perturbed { std, noise_rms })
            }
        };
        (values.into_tensor(), outcome)
    }

    /// The std of the values, if they have one, and the factor between unit draw and noise.
    fn scale_of<const D: usize>(
        &self,
        values: &Values<D>,
    ) -> Result<(Option<f64>, f64), SkipReason> {
        if values.is_empty() {
            return Err(SkipReason::Empty);
        }
        let moments = values.moments();
        if !moments.m2.is_finite() {
            return Err(SkipReason::NonFinite);
        }
        let own = Some(moments.std()).filter(|std| !std.is_nan());
        let std = match self.config.scale {
            NoiseScale::PerTensor => match own {
                None => return Err(SkipReason::SingleElement),
                Some(0.0) => return Err(SkipReason::Constant),
                Some(std) => std,
            },
            NoiseScale::Global => self.survey.global_std.ok_or(SkipReason::GlobalStdUnknown)?,
        };
        Ok((own, noise_scale(self.config.kind, self.config.lambda, std)))
    }
}

impl ModuleMapper for NoisyTuneMapper {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.current_path();
        let shape = param.lazy_shape();
        let (key, refused, tied_to) = match self.first.get(&param.id) {
            Some(first) => (first.path.clone(), first.refused, Some(first.path.clone())),
            None => (path.clone(), self.refusal(&param, &path), None),
        };
        if tied_to.is_none() {
            let path = path.clone();
            self.first.insert(param.id, First { path, refused });
        }

        let (param, dtype, outcome) = match refused {
            Some(reason) => {
                let dtype = if param.is_initialized() {
                    format!("{:?}", param.dtype())
                } else {
                    "-".to_string()
                };
                (param, dtype, Outcome::Skipped(reason))
            }
            None => {
                let (id, tensor, mapper) = param.consume();
                let dtype = format!("{:?}", tensor.dtype());
                let (tensor, outcome) = self.perturb(tensor, &key);
                let param = Param::from_mapped_value(id, tensor, mapper);
                (param, dtype, outcome)
            }
        };
        self.report.entries.push(ParamReport {
            path,
            elements: shape.num_elements(),
            shape: shape.to_vec(),
            dtype,
            tied_to,
            outcome,
        });
        param
    }
}
