//! What must be known about a whole module before its parameters are perturbed one by one.

use std::collections::{HashMap, HashSet};

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, Int, Tensor};

use crate::device::{self, PendingMoments};
use crate::moments::Moments;
use crate::place::Place;
use crate::selection::Unmatched;
use crate::values::{self, Measured, Values};
use crate::{NoiseScale, NoisyTuneConfig, NoisyTuneError};

/// The result of looking at a module once.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Ids of the float tensors that are buffers.
    buffers: HashSet<ParamId>,
    /// Every float tensor, in the order of the traversal.
    places: Vec<(ParamId, String)>,
    /// Ids that occur in more than one place.
    repeated: HashSet<ParamId>,
    /// What was measured, per id and path.
    moments: HashMap<(ParamId, String), Moments>,
    /// The standard deviation of all selected elements, if the scale is global.
    global_std: Option<f64>,
}

impl Survey {
    /// Looks at a module. Parameters in a device's own memory are measured, all at once; those in
    /// host memory only if the scale is global, because they are measured again right before they
    /// are perturbed, while they are in the caches.
    pub(crate) fn of<M: Module>(
        config: &NoisyTuneConfig,
        module: &M,
    ) -> Result<Self, NoisyTuneError> {
        let survey = Self {
            buffers: buffers_of(module),
            ..Self::default()
        };
        let unmatched = config.selection.terms();
        let mut measure = Measure {
            config,
            survey,
            unmatched,
            place: Place::default(),
            seen: HashSet::new(),
            measured: Vec::new(),
            pending: Vec::new(),
        };
        module.visit(&mut measure);
        let Measure {
            mut survey,
            mut measured,
            pending,
            unmatched,
            ..
        } = measure;
        let names = unmatched.names();
        if !names.is_empty() {
            return Err(NoisyTuneError::UnmatchedNames { names });
        }
        let (entries, pending): (Vec<usize>, Vec<PendingMoments>) = pending.into_iter().unzip();
        for (entry, moments) in entries.into_iter().zip(device::moments(&pending)) {
            measured[entry].1 = moments;
        }
        if config.scale == NoiseScale::Global {
            survey.global_std = Some(global_std(&measured)?);
        }
        let measured = measured.into_iter();
        survey.moments = measured
            .map(|(parameter, moments)| ((parameter.id, parameter.path), moments))
            .collect();
        Ok(survey)
    }

    pub(crate) fn buffers(&self) -> &HashSet<ParamId> {
        &self.buffers
    }

    pub(crate) fn is_repeated(&self, id: &ParamId) -> bool {
        self.repeated.contains(id)
    }

    pub(crate) fn moments(&self, id: &ParamId, path: &str) -> Option<Moments> {
        if self.moments.is_empty() {
            return None;
        }
        self.moments.get(&(*id, path.to_string())).copied()
    }

    pub(crate) fn global_std(&self) -> Option<f64> {
        self.global_std
    }

    /// The first place at which another survey found something else.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let (ours, theirs) = (&self.places, &other.places);
        let more = if ours.len() > theirs.len() {
            ours
        } else {
            theirs
        };
        let index = (0..more.len()).find(|&index| {
            let (Some(our), Some(their)) = (ours.get(index), theirs.get(index)) else {
                return true;
            };
            let (id, path) = our;
            our != their
                || self.buffers.contains(id) != other.buffers.contains(id)
                || bits(self.moments(id, path)) != bits(other.moments(id, path))
        })?;
        Some(more[index].1.clone())
    }
}

/// Numbers that are not finite equal themselves as bits.
fn bits(moments: Option<Moments>) -> Option<[u64; 3]> {
    moments.map(|moments| [moments.count, moments.mean, moments.m2].map(f64::to_bits))
}

/// Finds the buffers by what makes them buffers: `RunningState` keeps only the value of the parameter
/// that a mapper returns. So give every parameter of a clone a new id; the tensors that still have
/// their old one are the buffers.
pub(crate) fn buffers_of<M: Module>(module: &M) -> HashSet<ParamId> {
    let mut renumber = Renumber::default();
    let renumbered = module.clone().map(&mut renumber);
    let mut unchanged = UnchangedIds {
        fresh: renumber.fresh,
        kept: HashSet::new(),
    };
    renumbered.visit(&mut unchanged);
    unchanged.kept
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

/// A parameter that was measured.
struct Parameter {
    id: ParamId,
    path: String,
    shape: Vec<usize>,
}

/// Pools the elements of all parameters that can be measured, tied ones once.
fn global_std(measured: &[(Parameter, Moments)]) -> Result<f64, NoisyTuneError> {
    let mut pool = Moments::default();
    let mut pooled = HashSet::new();
    for (parameter, moments) in measured {
        let held = (parameter.id, &parameter.shape, bits(Some(*moments)));
        // A tensor with a NaN or an infinity is skipped, and must not spoil the others' scale.
        if moments.m2.is_finite() && pooled.insert(held) {
            pool = pool.merge(*moments);
        }
    }
    // Without elements it is -0.
    let std = pool.std() + 0.0;
    if std.is_finite() && std > 0.0 {
        Ok(std)
    } else {
        let finite = measured
            .iter()
            .filter(|(_, moments)| moments.m2.is_finite());
        Err(NoisyTuneError::UnusableGlobalStd {
            parameters: measured.len(),
            non_finite: measured.len() - finite.count(),
            std,
        })
    }
}

struct Measure<'a> {
    config: &'a NoisyTuneConfig,
    survey: Survey,
    unmatched: Unmatched,
    place: Place,
    seen: HashSet<ParamId>,
    measured: Vec<(Parameter, Moments)>,
    /// Indices into `measured` of what is still on devices.
    pending: Vec<(usize, PendingMoments)>,
}

impl ModuleVisitor for Measure<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.place.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.place.exit(container_type);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.unmatched.cross_off(&param.id, &self.place.path());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.unmatched.cross_off(&param.id, &self.place.path());
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.unmatched.cross_off(&flag.id, &self.place.path());
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.place.path();
        self.unmatched.cross_off(&param.id, &path);
        self.survey.places.push((param.id, path.clone()));
        if !self.seen.insert(param.id) {
            self.survey.repeated.insert(param.id);
        }
        let is_global = self.config.scale == NoiseScale::Global;
        if !is_global && values::in_host_memory(&param.lazy_device()) {
            return;
        }
        let buffers = Some(&self.survey.buffers);
        if self.place.refusal(self.config, buffers, param).is_some() {
            return;
        }
        let values = Values::of(param.base());
        let parameter = Parameter {
            id: param.id,
            path,
            shape: values.shape().to_vec(),
        };
        let moments = match values.measured() {
            Measured::Known(moments) => moments,
            Measured::Pending(moments) => {
                self.pending.push((self.measured.len(), moments));
                Moments::default()
            }
        };
        self.measured.push((parameter, moments));
    }
}
