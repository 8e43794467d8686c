//! Where a traversal stands in a module, and what a parameter is there, whatever values it holds.

use std::collections::HashSet;

use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Tensor};

use crate::{NoisyTuneConfig, SkipReason, Treatment};

/// Burn's name for the container of LoRA factors and the like.
const ADAPTER: &str = "Reparameterization";

/// The way from the root of a module to where the traversal is.
#[derive(Debug, Default)]
pub(crate) struct Place {
    names: Vec<String>,
    /// How many reparameterizations the place is inside of.
    adapters: usize,
}

impl Place {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.names.push(name.to_string());
        self.adapters += usize::from(container == ADAPTER);
    }

    pub(crate) fn exit(&mut self, container: &str) {
        self.names.pop();
        self.adapters -= usize::from(container == ADAPTER);
    }

    pub(crate) fn is_root(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn path(&self) -> String {
        self.names.join(".")
    }

    /// The reason to leave a parameter out because of what it is; its values are not read.
    ///
    /// Burn hands a buffer to a mapper as if it were a frozen parameter. Without `buffers` to tell them
    /// apart, everything frozen is left out.
    pub(crate) fn refusal<const D: usize>(
        &self,
        config: &NoisyTuneConfig,
        buffers: Option<&HashSet<ParamId>>,
        param: &Param<Tensor<D>>,
    ) -> Option<SkipReason> {
        // The selection decides before anything that would initialise a lazy parameter.
        if !config.selection.matches(&param.id, &self.path()) {
            return Some(SkipReason::NotSelected);
        }
        if self.adapters > 0 && config.adapters == Treatment::Skip {
            return Some(SkipReason::Adapter);
        }
        if buffers.is_some_and(|buffers| buffers.contains(&param.id)) {
            return Some(SkipReason::Buffer);
        }
        if matches!(param.dtype(), DType::QFloat(_)) {
            return Some(SkipReason::Quantized);
        }
        let frozen = !requires_grad(param);
        // A survey has named every buffer; without one, Burn's names for them have to do.
        if frozen && buffers.is_none() && self.is_named_as_buffer() {
            return Some(SkipReason::Buffer);
        }
        if frozen && config.frozen == Treatment::Skip {
            return Some(SkipReason::Frozen);
        }
        // A buffer is shared by all clones of its module: noise in one would change the others too.
        if frozen && buffers.is_none() {
            return Some(SkipReason::PossibleBuffer);
        }
        None
    }

    fn is_named_as_buffer(&self) -> bool {
        self.names
            .last()
            .is_some_and(|name| name.starts_with("running_"))
    }
}

/// Whether a parameter is configured to be trained, even on a plain device.
fn requires_grad<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    if param.is_autodiff() {
        param.is_require_grad()
    } else {
        // Burn hides the setting on a plain device; `train` reveals it.
        param.clone().train().is_require_grad()
    }
}
