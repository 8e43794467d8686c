use std::collections::HashMap;

use burn::module::{Flag, ModuleMapper, Param, ParamId};
use burn::tensor::{Bool, DType, Int, Tensor};

use crate::device::{self, PendingRms};
use crate::moments::Moments;
use crate::noise::noise_scale;
use crate::place::Place;
use crate::selection::Unmatched;
use crate::stream::UnitStream;
use crate::survey::Survey;
use crate::values::{Measured, Values};
use crate::{NoiseReport, NoiseScale, NoisyTuneConfig, Outcome, ParamReport, SkipReason};

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
/// let mut mapper = NoisyTuneMapper::new(0.15);
/// let model = model.map(&mut mapper);
/// println!("{}", mapper.report());
/// # let _ = model;
/// ```
///
/// A mapper sees one parameter after the other. [`NoisyTune`](crate::NoisyTune) looks at the whole
/// module first: it finds every buffer, can take one scale for all parameters, and returns an error
/// if nothing was perturbed.
///
/// Source: Wu et al., "NoisyTune", ACL 2022, arXiv:2202.12024.
#[derive(Debug)]
pub struct NoisyTuneMapper {
    config: NoisyTuneConfig,
    /// What is known about the whole module, if it was looked at.
    survey: Option<Survey>,
    place: Place,
    /// What the selection names and no parameter has matched so far.
    unmatched: Unmatched,
    /// The places of each id that are not tied to an earlier one.
    firsts: HashMap<ParamId, Vec<First>>,
    report: NoiseReport,
    /// Entries of the report whose noise is still on a device, to be read.
    pending: Vec<(usize, PendingRms)>,
}

/// A place that later ones with the same id may be tied to.
#[derive(Debug)]
struct First {
    path: String,
    /// What it held; `None` if it was left out without being read.
    held: Option<Held>,
    /// Why it was left out, if because of what it is and not the values it holds.
    refused: Option<SkipReason>,
}

/// What tells tied parameters from others with the same id, such as a model and its moving average.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    shape: Vec<usize>,
    dtype: DType,
    moments: [u64; 3],
}

impl Held {
    fn new<const D: usize>(values: &Values<D>, moments: Moments) -> Self {
        Self {
            shape: values.shape().to_vec(),
            dtype: values.dtype(),
            moments: [moments.count, moments.mean, moments.m2].map(f64::to_bits),
        }
    }
}

impl NoisyTuneMapper {
    /// Builds a mapper with intensity `lambda`, seed 0 and the paper's settings;
    /// [`NoisyTuneConfig::init`] builds one with other settings.
    ///
    /// # Panics
    ///
    /// When `lambda` is negative, infinite or not a number; [`NoisyTuneConfig::init`] returns an
    /// error instead.
    pub fn new(lambda: f64) -> Self {
        match NoisyTuneConfig::new(lambda).init() {
            Ok(mapper) => mapper,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn from_checked(config: NoisyTuneConfig, survey: Option<Survey>) -> Self {
        let report = NoiseReport {
            lambda: config.lambda,
            seed: config.seed,
            kind: config.kind,
            scale: config.scale,
            global_std: survey.as_ref().and_then(Survey::global_std),
            unmatched: Vec::new(),
            entries: Vec::new(),
        };
        let mut mapper = Self {
            unmatched: config.selection.terms(),
            config,
            survey,
            place: Place::default(),
            firsts: HashMap::new(),
            report,
            pending: Vec::new(),
        };
        mapper.report.unmatched = mapper.unmatched.names();
        mapper
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

    /// Perturbs a parameter under the key of its own path or of the one it is tied to, unless it is
    /// left out.
    fn visit<const D: usize>(
        &mut self,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, ParamReport) {
        let path = self.place.path();
        self.unmatched.cross_off(&param.id, &path);
        let buffers = self.survey.as_ref().map(Survey::buffers);
        let refused = self.place.refusal(&self.config, buffers, &param);
        let is_repeated = match &self.survey {
            Some(survey) => survey.is_repeated(&param.id),
            None => self.firsts.contains_key(&param.id),
        };
        // Without a survey, places that share the id of one that was left out are left out with it, unread.
        let unread = self.tied(&param.id, None);
        if let Some(first) = unread.filter(|_| self.survey.is_none()) {
            let (tied_to, reason) = (Some(first.path.clone()), first.refused);
            let reason = reason.expect("a place that was not read was left out");
            let entry = Self::left_out(&param, path, tied_to, reason);
            return (param, entry);
        }
        // A parameter that is left out is read only to tell whether it is tied to another.
        let is_read = is_repeated && !matches!(param.dtype(), DType::QFloat(_));
        if let Some(reason) = refused.filter(|_| !is_read) {
            let tied_to = unread.map(|first| first.path.clone());
            if tied_to.is_none() {
                self.remember(&param.id, &path, None, refused);
            }
            let entry = Self::left_out(&param, path, tied_to, reason);
            return (param, entry);
        }

        let (id, tensor, mapper) = param.consume();
        let values = Values::of(tensor);
        let moments = match self
            .survey
            .as_ref()
            .and_then(|survey| survey.moments(&id, &path))
        {
            Some(moments) => moments,
            None => values.moments(),
        };
        let held = Held::new(&values, moments);
        let (tied_to, refused) = match self.tied(&id, Some(&held)) {
            Some(first) => (Some(first.path.clone()), first.refused),
            None => {
                self.remember(&id, &path, Some(held.clone()), refused);
                (None, refused)
            }
        };
        let key = tied_to.as_deref().unwrap_or(&path);
        let (values, outcome) = match refused {
            Some(reason) => (values, Outcome::Skipped(reason)),
            None => self.perturb(values, moments, key),
        };
        let entry = ParamReport {
            tied_to: tied_to.filter(|first| *first != path),
            path,
            elements: held.shape.iter().product(),
            dtype: Some(held.dtype),
            shape: held.shape,
            outcome,
        };
        (
            Param::from_mapped_value(id, values.into_tensor(), mapper),
            entry,
        )
    }

    /// The report of a parameter whose values were not read.
    fn left_out<const D: usize>(
        param: &Param<Tensor<D>>,
        path: String,
        tied_to: Option<String>,
        reason: SkipReason,
    ) -> ParamReport {
        let shape = param.lazy_shape();
        ParamReport {
            tied_to: tied_to.filter(|first| *first != path),
            path,
            elements: shape.num_elements(),
            shape: shape.to_vec(),
            dtype: param.is_initialized().then(|| param.dtype()),
            outcome: Outcome::Skipped(reason),
        }
    }

    /// The earlier place that a parameter is tied to: one with the same id that held the same, or was
    /// not read either.
    fn tied(&self, id: &ParamId, held: Option<&Held>) -> Option<&First> {
        let firsts = self.firsts.get(id)?;
        firsts.iter().find(|first| first.held.as_ref() == held)
    }

    fn remember(
        &mut self,
        id: &ParamId,
        path: &str,
        held: Option<Held>,
        refused: Option<SkipReason>,
    ) {
        let first = First {
            path: path.to_string(),
            held,
            refused,
        };
        self.firsts.entry(*id).or_default().push(first);
    }

    /// Perturbs a parameter, unless its values rule it out.
    fn perturb<const D: usize>(
        &mut self,
        values: Values<D>,
        moments: Moments,
        key: &str,
    ) -> (Values<D>, Outcome) {
        match self.scale_of(&values, moments) {
            Err(reason) => (values, Outcome::Skipped(reason)),
            // Adding zero would turn -0 into +0, and the input must stay as it is, bit for bit.
            Ok((std, 0.0)) => (
                values,
                Outcome::Perturbed {
                    std,
                    noise_rms: 0.0,
                },
            ),
            Ok((std, scale)) => {
                let stream = UnitStream::new(self.config.seed, key, self.config.kind);
                if values.overflow(moments, &stream, scale) {
                    return (values, Outcome::Skipped(SkipReason::Overflow));
                }
                let (values, rms) = values.perturb(&stream, scale);
                let noise_rms = match rms {
                    Measured::Known(rms) => rms,
                    Measured::Pending(rms) => {
                        self.pending.push((self.report.entries.len(), rms));
                        f64::NAN
                    }
                };
                (values, Outcome::Perturbed { std, noise_rms })
            }
        }
    }

    /// The std of the values, if they have one, and the factor between unit draw and noise.
    fn scale_of<const D: usize>(
        &self,
        values: &Values<D>,
        moments: Moments,
    ) -> Result<(Option<f64>, f64), SkipReason> {
        if values.is_empty() {
            return Err(SkipReason::Empty);
        }
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
            NoiseScale::Global => self
                .report
                .global_std
                .expect("a mapper of this scale has a survey, which measured it"),
        };
        Ok((own, noise_scale(self.config.kind, self.config.lambda, std)))
    }

    /// Brings the report up to date. That reads back the noise still on devices: rarely, because a
    /// device is idle while we wait for it.
    fn finish(&mut self) {
        self.report.unmatched = self.unmatched.names();
        let (entries, pending): (Vec<usize>, Vec<PendingRms>) = self.pending.drain(..).unzip();
        for (entry, rms) in entries.into_iter().zip(device::rms(&pending)) {
            if let Outcome::Perturbed { noise_rms, .. } = &mut self.report.entries[entry].outcome {
                *noise_rms = rms;
            }
        }
    }
}

impl ModuleMapper for NoisyTuneMapper {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.place.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.place.exit(container_type);
        if self.place.is_root() {
            self.finish();
        }
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.unmatched.cross_off(&param.id, &self.place.path());
        param
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.unmatched.cross_off(&param.id, &self.place.path());
        param
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.unmatched.cross_off(&flag.id, &self.place.path());
        flag
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (param, entry) = self.visit(param);
        self.report.entries.push(entry);
        if self.place.is_root() {
            self.finish();
        }
        param
    }
}
