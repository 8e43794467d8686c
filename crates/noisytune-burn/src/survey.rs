//! What must be known about a whole module before its parameters are perturbed one by one.

use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use crate::device::{self, Sums};
use crate::moments::Moments;
use crate::values::{self, Measured, Values};
use crate::{NoiseScale, NoisyTuneError, NoisyTuneMapper};

/// The result of looking at a module once.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Ids of the float tensors that are buffers.
    pub(crate) buffers: HashSet<ParamId>,
    /// The standard deviation of all selected elements, if it was asked for.
    pub(crate) global_std: Option<f64>,
    /// What was measured, per parameter.
    pub(crate) moments: HashMap<ParamId, Moments>,
}

impl Survey {
    /// Finds the buffers by what makes them buffers: `RunningState` keeps only the value of the
    /// parameter that a mapper returns. So give every parameter of a clone a new id; the tensors
    /// that still have their old one are the buffers.
    pub(crate) fn buffers_of<M: Module>(module: &M) -> Self {
        let mut renumber = Renumber::default();
        let renumbered = module.clone().map(&mut renumber);
        let mut collect = UnchangedIds {
            fresh: renumber.fresh,
            kept: HashSet::new(),
        };
        renumbered.visit(&mut collect);
        Self {
            buffers: collect.kept,
            ..Self::default()
        }
    }
}

#[derive(Default)]
struct Renumber {
    fresh: HashSet<ParamId>,
}

impl ModuleMapper for Renumber {
    fn map_float<const D: usize>(&mut self, mut param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.id = ParamId::new();
        self.fresh.insert(param.id);
        param
    }
}

struct UnchangedIds {
    fresh: HashSet<ParamId>,
    kept: HashSet<ParamId>,
}

impl ModuleVisitor for UnchangedIds {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.fresh.contains(&param.id) {
            self.kept.insert(param.id);
        }
    }
}

/// Whether a parameter is configured to be trained, even on a plain device.
pub(crate) fn requires_grad<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    if param.is_autodiff() {
        param.is_require_grad()
    } else {
        // Burn hides the setting on a plain device; `train` reveals it.
        param.clone().train().is_require_grad()
    }
}

/// Measures the selected parameters, each id once: those in a device's own memory, or all of them if
/// the scale is global.
pub(crate) fn moments<M: Module>(
    mapper: &mut NoisyTuneMapper,
    module: &M,
) -> Vec<(ParamId, Moments)> {
    let mut survey = Measure {
        is_global: mapper.config.scale == NoiseScale::Global,
        mapper,
        seen: HashSet::new(),
        measured: Vec::new(),
        asked: Vec::new(),
        sums: Vec::new(),
    };
    module.visit(&mut survey);
    let asked = survey.asked.into_iter();
    for (place, moments) in asked.zip(device::moments(&survey.sums)) {
        survey.measured[place].1 = moments;
    }
    survey.measured
}

/// Pools the elements of all parameters that can be measured.
pub(crate) fn global_std(moments: &[(ParamId, Moments)]) -> Result<f64, NoisyTuneError> {
    // A tensor with a NaN or an infinity is skipped, and must not spoil the others' scale.
    let finite = moments.iter().filter(|(_, moments)| moments.m2.is_finite());
    let pooled = |pool: Moments, (_, moments): &(ParamId, Moments)| pool.merge(*moments);
    let std = finite.clone().fold(Moments::default(), pooled).std();
    if std.is_finite() && std > 0.0 {
        Ok(std)
    } else {
        Err(NoisyTuneError::UnusableGlobalStd {
            parameters: finite.count(),
            std,
        })
    }
}

struct Measure<'a> {
    is_global: bool,
    mapper: &'a mut NoisyTuneMapper,
    seen: HashSet<ParamId>,
    measured: Vec<(ParamId, Moments)>,
    /// Indices into `measured` of what is still on devices, and the sums to read for each.
    asked: Vec<usize>,
    sums: Vec<Sums>,
}

impl ModuleVisitor for Measure<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.mapper.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.mapper.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Host memory is measured right before it is perturbed, while it is in the caches.
        if !self.is_global && values::in_host_memory(&param.lazy_device()) {
            return;
        }
        if !self.seen.insert(param.id) {
            return;
        }
        let path = self.mapper.current_path();
        if self.mapper.refusal(param, &path).is_some() {
            return;
        }
        let moments = match Values::of(param.base()).measured() {
            Measured::Here(moments) => moments,
            Measured::There(sums) => {
                self.asked.push(self.measured.len());
                self.sums.push(sums);
                Moments::default()
            }
        };
        self.measured.push((param.id, moments));
    }
}
