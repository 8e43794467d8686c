use burn::module::Module;

use crate::survey::Survey;
use crate::{NoiseReport, NoisyTuneConfig, NoisyTuneError, NoisyTuneMapper, Unchanged};

/// Settings together with what [`NoisyTuneConfig::survey`] found out about one module: its buffers,
/// its ties, and what the settings need measured.
///
/// It perturbs that module, once, and the settings cannot change in between.
///
/// ```
/// use burn::nn::LinearConfig;
/// use noisytune_burn::{NoiseScale, NoisyTuneConfig};
///
/// let model = LinearConfig::new(8, 4).init(&Default::default());
/// let config = NoisyTuneConfig::new(0.15).with_scale(NoiseScale::Global);
/// let surveyed = config.survey(&model)?;
/// println!("std of all parameters: {:?}", surveyed.global_std());
/// let (model, report) = surveyed.map(model)?;
/// # let _ = (model, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Surveyed {
    config: NoisyTuneConfig,
    survey: Survey,
}

impl Surveyed {
    pub(crate) fn new<M: Module>(
        config: &NoisyTuneConfig,
        module: &M,
    ) -> Result<Self, NoisyTuneError> {
        config.check()?;
        Ok(Self {
            survey: Survey::of(config, module)?,
            config: config.clone(),
        })
    }

    /// The settings.
    pub fn config(&self) -> &NoisyTuneConfig {
        &self.config
    }

    /// The standard deviation over the elements of all selected parameters, if the scale is
    /// [`NoiseScale::Global`](crate::NoiseScale::Global).
    pub fn global_std(&self) -> Option<f64> {
        self.survey.global_std()
    }

    /// Returns the module with noise, and the report of what was done to each parameter. Ids, paths and
    /// buffers have to be those of the survey, and what it measured is measured again and has to be the
    /// same: with [`NoiseScale::Global`](crate::NoiseScale::Global) every selected parameter, otherwise
    /// those in a device's own memory. In host memory the others are measured as they are perturbed, so
    /// the noise is that of their present values.
    ///
    /// # Errors
    ///
    /// With the module as it was:
    ///
    /// - [`NoisyTuneError::StaleSurvey`] when the module is not as it was surveyed;
    /// - [`NoisyTuneError::NothingPerturbed`] when every parameter was skipped.
    pub fn map<M: Module>(self, module: M) -> Result<(M, NoiseReport), Unchanged<M>> {
        match Survey::of(&self.config, &module) {
            Ok(survey) => match self.survey.difference(&survey) {
                None => self.map_as_surveyed(module),
                Some(path) => Err(Unchanged::new(module, NoisyTuneError::StaleSurvey { path })),
            },
            Err(error) => Err(Unchanged::new(module, error)),
        }
    }

    /// Perturbs a module that cannot have changed since.
    pub(crate) fn map_as_surveyed<M: Module>(
        self,
        module: M,
    ) -> Result<(M, NoiseReport), Unchanged<M>> {
        let mut mapper = NoisyTuneMapper::from_checked(self.config, Some(self.survey));
        let module = module.map(&mut mapper);
        let report = mapper.into_report();
        if report.perturbed().next().is_none() {
            let error = NoisyTuneError::NothingPerturbed {
                considered: report.entries.len(),
                reasons: report.reasons(),
            };
            return Err(Unchanged::new(module, error));
        }
        Ok((module, report))
    }
}
