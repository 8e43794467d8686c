use burn::module::Module;

use crate::{NoiseReport, NoisyTuneConfig, Surveyed, Unchanged};

/// Adds NoisyTune to every Burn module.
///
/// ```
/// use burn::nn::LinearConfig;
/// use noisytune_burn::{NoisyTune, NoisyTuneConfig};
///
/// let model = LinearConfig::new(8, 4).init(&Default::default());
/// let noised = model.clone().noisy_tune(0.15);
/// let (noised, report) = model.try_noisy_tune(&NoisyTuneConfig::new(0.15).with_seed(7))?;
/// assert_eq!(report.perturbed().count(), 2);
/// # let _ = noised;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait NoisyTune: Module {
    /// Returns the module with the paper's noise of intensity `lambda`, under seed 0.
    ///
    /// # Panics
    ///
    /// When `lambda` is negative, infinite or not a number, or when no parameter was perturbed;
    /// [`try_noisy_tune`](Self::try_noisy_tune) returns an error instead.
    fn noisy_tune(self, lambda: f64) -> Self {
        match self.try_noisy_tune(&NoisyTuneConfig::new(lambda)) {
            Ok((module, _)) => module,
            Err(unchanged) => panic!("{unchanged}"),
        }
    }

    /// Returns the module with noise, and the report of what was done to each parameter.
    ///
    /// # Errors
    ///
    /// With the module as it was:
    ///
    /// - [`InvalidLambda`](crate::NoisyTuneError::InvalidLambda) when `lambda` is negative, infinite
    ///   or not a number;
    /// - [`UnmatchedNames`](crate::NoisyTuneError::UnmatchedNames) when the selection names something
    ///   that the module lacks;
    /// - [`UnusableGlobalStd`](crate::NoisyTuneError::UnusableGlobalStd) when the scale is global and
    ///   cannot be measured;
    /// - [`NothingPerturbed`](crate::NoisyTuneError::NothingPerturbed) when every parameter was
    ///   skipped.
    fn try_noisy_tune(
        self,
        config: &NoisyTuneConfig,
    ) -> Result<(Self, NoiseReport), Unchanged<Self>> {
        match Surveyed::new(config, &self) {
            Ok(surveyed) => surveyed.map_as_surveyed(self),
            Err(error) => Err(Unchanged::new(self, error)),
        }
    }
}

impl<M: Module> NoisyTune for M {}
