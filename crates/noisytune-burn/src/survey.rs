//! What has to be known about a whole module before its parameters are perturbed one by one.

use std::collections::HashSet;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use crate::moments::Moments;
use crate::values::Values;
use crate::{NoisyTuneError, NoisyTuneMapper};

/// The result of looking at a module once.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Ids of the float tensors that are buffers.
    pub(crate) buffers: HashSet<ParamId>,
    /// The standard deviation of all selected elements, if it was asked for.
    pub(crate) global_std: Option<f64>,
}

impl Survey {
    /// Finds the buffers by what makes them buffers: of the parameter that a mapper returns,
    /// `RunningState` keeps the value only. So every parameter of a clone gets a new id, and the
    /// tensors that still have their old one are the buffers.
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
            global_std: None,
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

/// Whether a parameter is configured to be trained, on a plain device too.
pub(crate) fn requires_grad<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    if param.is_autodiff() {
        param.is_require_grad()
    } else {
        // Burn keeps the setting to itself on a plain device; `train` is what brings it out.
        param.clone().train().is_require_grad()
    }
}

/// Pools the elements of the selected parameters, each id once.
pub(crate) fn global_std<M: Module>(
    mapper: &mut NoisyTuneMapper,
    module: &M,
) -> Result<f64, NoisyTuneError> {
    let mut pool = Pool {
        mapper,
        seen: HashSet::new(),
        moments: Moments::default(),
        parameters: 0,
    };
    module.visit(&mut pool);
    let (std, parameters) = (pool.moments.std(), pool.parameters);
    if std.is_finite() && std > 0.0 {
        Ok(std)
    } else {
        Err(NoisyTuneError::UnusableGlobalStd { parameters, std })
    }
}

struct Pool<'a> {
    mapper: &'a mut NoisyTuneMapper,
    seen: HashSet<ParamId>,
    moments: Moments,
    parameters: usize,
}

impl ModuleVisitor for Pool<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.mapper.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.mapper.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        let path = self.mapper.current_path();
        if self.mapper.refusal(param, &path).is_some() {
            return;
        }
        let moments = Values::of(param.base()).moments();
        // A tensor with a NaN or an infinity is skipped, and must not spoil the others' scale.
        if moments.m2.is_finite() {
            self.moments = self.moments.merge(moments);
            self.parameters += 1;
        }
    }
}
