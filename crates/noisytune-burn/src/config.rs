use core::fmt;

use burn::config::{Config, config_to_json};
use burn::module::Module;
use serde::{Deserialize, Serialize};

use crate::{NoisyTuneError, NoisyTuneMapper, Selection, Surveyed};

/// The distribution of the noise.
///
/// `std` is the scale that [`NoiseScale`] chooses. At the same `lambda`, the standard deviations of
/// the two Gaussians differ by a factor of √12 ≈ 3.46.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoiseKind {
    /// `U(-lambda/2, lambda/2) * std`, the paper's NoisyTune: standard deviation `lambda * std / √12`.
    #[default]
    Uniform,
    /// `N(0, (lambda * std)²)`: the paper's formula with `N(0, lambda²)` in place of the uniform
    /// distribution, so the noise is √12 times as strong as [`Uniform`](Self::Uniform).
    Gaussian,
    /// `N(0, (lambda * std / √12)²)`: a Gaussian with the variance of [`Uniform`](Self::Uniform),
    /// a control that changes only the shape of the distribution.
    MatchedGaussian,
}

/// What the noise of a parameter is proportional to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoiseScale {
    /// The standard deviation of that parameter: the paper's matrix-wise noise.
    #[default]
    PerTensor,
    /// One standard deviation over the elements of all selected parameters. It is measured in a
    /// separate pass, so it takes [`NoisyTune`](crate::NoisyTune) or [`NoisyTuneConfig::survey`].
    Global,
}

/// Whether a class of parameters takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Treatment {
    /// They receive noise.
    Perturb,
    /// They stay as they are, and the report says so.
    Skip,
}

/// Settings of NoisyTune (Wu et al., ACL 2022, arXiv:2202.12024).
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `lambda` | required | noise intensity; the paper takes 0.15 on GLUE and 0.1 on XTREME | finite, at least 0 |
/// | `seed` | 0 | chooses the noise, together with the path of each parameter | any |
/// | `kind` | `Uniform` | distribution of the noise | [`NoiseKind`] |
/// | `scale` | `PerTensor` | what the noise is proportional to | [`NoiseScale`] |
/// | `selection` | everything | which parameters take part | [`Selection`] |
/// | `frozen` | `Perturb` | parameters that do not require gradients | [`Treatment`] |
/// | `adapters` | `Skip` | freshly initialised factors of a reparameterization such as LoRA | [`Treatment`] |
///
/// ```
/// use burn::config::Config;
/// use noisytune_burn::{NoiseKind, NoisyTuneConfig};
///
/// let config = NoisyTuneConfig::new(0.15).with_seed(7).with_kind(NoiseKind::Gaussian);
/// let same = NoisyTuneConfig::load_binary(config.to_string().as_bytes())?;
/// assert_eq!(same.seed, 7);
/// # Ok::<(), burn::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NoisyTuneConfig {
    /// Noise intensity λ.
    pub lambda: f64,
    /// Seed of the noise.
    #[serde(default)]
    pub seed: u64,
    /// Distribution of the noise.
    #[serde(default)]
    pub kind: NoiseKind,
    /// What the noise is proportional to.
    #[serde(default)]
    pub scale: NoiseScale,
    /// The parameters that take part.
    #[serde(default)]
    pub selection: Selection,
    /// What happens to parameters that do not require gradients.
    #[serde(default = "perturb")]
    pub frozen: Treatment,
    /// What happens to the factors of a reparameterization such as LoRA.
    #[serde(default = "skip")]
    pub adapters: Treatment,
}

fn perturb() -> Treatment {
    Treatment::Perturb
}

fn skip() -> Treatment {
    Treatment::Skip
}

impl Config for NoisyTuneConfig {}

/// As JSON.
impl fmt::Display for NoisyTuneConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&config_to_json(self))
    }
}

impl NoisyTuneConfig {
    /// The paper's settings with intensity `lambda`, under seed 0.
    pub fn new(lambda: f64) -> Self {
        Self {
            lambda,
            seed: 0,
            kind: NoiseKind::default(),
            scale: NoiseScale::default(),
            selection: Selection::default(),
            frozen: perturb(),
            adapters: skip(),
        }
    }

    /// Sets the seed of the noise.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the distribution of the noise.
    pub fn with_kind(self, kind: NoiseKind) -> Self {
        Self { kind, ..self }
    }

    /// Sets what the noise is proportional to.
    pub fn with_scale(self, scale: NoiseScale) -> Self {
        Self { scale, ..self }
    }

    /// Sets which parameters take part: a [`Selection`], or Burn's
    /// [`ParamGroup`](burn::module::ParamGroup).
    pub fn with_selection(self, selection: impl Into<Selection>) -> Self {
        let selection = selection.into();
        Self { selection, ..self }
    }

    /// Sets what happens to parameters that do not require gradients. If they are perturbed, they stay
    /// frozen. A bare mapper cannot tell them from buffers, and always leaves them out.
    pub fn with_frozen(self, frozen: Treatment) -> Self {
        Self { frozen, ..self }
    }

    /// Sets what happens to the factors of a reparameterization such as LoRA. By default they are
    /// skipped: they are fresh, and the base under them is what was pretrained.
    pub fn with_adapters(self, adapters: Treatment) -> Self {
        Self { adapters, ..self }
    }

    /// Builds the mapper that applies these settings to one parameter after the other.
    ///
    /// # Errors
    ///
    /// - [`NoisyTuneError::InvalidLambda`] when `lambda` is negative, infinite or not a number;
    /// - [`NoisyTuneError::SurveyNeeded`] when the scale is [`NoiseScale::Global`], which no mapper
    ///   can know before it has seen the last parameter.
    pub fn init(&self) -> Result<NoisyTuneMapper, NoisyTuneError> {
        self.check()?;
        match self.scale {
            NoiseScale::PerTensor => Ok(NoisyTuneMapper::from_checked(self.clone(), None)),
            NoiseScale::Global => Err(NoisyTuneError::SurveyNeeded),
        }
    }

    /// Looks at a module before it is mapped, without changing it: finds its
    /// [`RunningState`](burn::module::RunningState) buffers, whatever their names, and measures the
    /// global standard deviation if the scale is [`NoiseScale::Global`]. Parameters in a device's own
    /// memory are measured here, all at once instead of one by one.
    ///
    /// [`NoisyTune::try_noisy_tune`](crate::NoisyTune::try_noisy_tune) does this and perturbs the
    /// module.
    ///
    /// # Errors
    ///
    /// - [`NoisyTuneError::InvalidLambda`] when `lambda` is negative, infinite or not a number;
    /// - [`NoisyTuneError::UnmatchedNames`] when the selection names something that the module lacks;
    /// - [`NoisyTuneError::UnusableGlobalStd`] when the scale is global and the selected parameters
    ///   hold fewer than two finite elements, or only equal ones.
    pub fn survey<M: Module>(&self, module: &M) -> Result<Surveyed, NoisyTuneError> {
        Surveyed::new(self, module)
    }

    pub(crate) fn check(&self) -> Result<(), NoisyTuneError> {
        let lambda = self.lambda;
        if !lambda.is_finite() || lambda < 0.0 {
            return Err(NoisyTuneError::InvalidLambda { lambda });
        }
        Ok(())
    }
}
