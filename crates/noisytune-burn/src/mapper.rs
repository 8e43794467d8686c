use std::collections::HashMap;

use burn::module::{Module, ParamGroup, ParamId};

use crate::device::Squares;
use crate::survey::{self, Survey};
use crate::traversal::First;
use crate::{NoiseKind, NoiseReport, NoiseScale, NoisyTuneConfig, NoisyTuneError, Treatment};

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
/// Source: Wu et al., "NoisyTune", ACL 2022, arXiv:2202.12024.
#[derive(Debug)]
pub struct NoisyTuneMapper {
    pub(crate) config: NoisyTuneConfig,
    pub(crate) survey: Survey,
    pub(crate) path: Vec<String>,
    /// How many reparameterizations the traversal is inside of.
    pub(crate) adapters: usize,
    /// The first place of each parameter id: ties follow what happened there.
    pub(crate) first: HashMap<ParamId, First>,
    pub(crate) report: NoiseReport,
    /// Entries of the report whose noise is still on a device, to be read.
    pub(crate) asked: Vec<(usize, Squares)>,
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
            adapters: 0,
            first: HashMap::new(),
            report,
            asked: Vec::new(),
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

    /// Looks at the module before it is mapped, without changing it: finds its
    /// [`RunningState`](burn::module::RunningState) buffers, whatever their names, and measures the
    /// global standard deviation if the scale is [`NoiseScale::Global`]. Parameters in a device's own
    /// memory are measured here, all at once instead of one by one.
    ///
    /// Without a survey, a mapper takes frozen tensors whose names begin with `running_` for buffers,
    /// which is what burn-nn calls them. Change the settings before the survey, not after it.
    ///
    /// # Errors
    ///
    /// [`NoisyTuneError::UnusableGlobalStd`] when the scale is global and the selected parameters
    /// hold fewer than two elements, or only equal ones.
    pub fn survey<M: Module>(mut self, module: &M) -> Result<Self, NoisyTuneError> {
        self.survey = Survey::buffers_of(module);
        let moments = survey::moments(&mut self, module);
        if self.config.scale == NoiseScale::Global {
            let std = survey::global_std(&moments)?;
            self.survey.global_std = Some(std);
            self.report.global_std = Some(std);
        }
        self.survey.moments = moments.into_iter().collect();
        Ok(self)
    }

    /// The settings.
    pub fn config(&self) -> &NoisyTuneConfig {
        &self.config
    }

    /// What has been done so far.
    pub fn report(&self) -> &NoiseReport {
        &self.report
    }

    /// What was done.
    pub fn into_report(self) -> NoiseReport {
        self.report
    }
}
