//! What the mapper does with each parameter that Burn shows it.

use burn::module::{ModuleMapper, Param, ParamId};
use burn::tensor::{DType, Tensor};

use crate::device::{self, Squares};
use crate::noise::noise_scale;
use crate::stream::UnitStream;
use crate::survey;
use crate::values::{Measured, Values};
use crate::{NoiseScale, NoisyTuneMapper, Outcome, ParamReport, SkipReason, Treatment};

/// Burn's name for the container of LoRA factors and the like.
const ADAPTER: &str = "Reparameterization";

/// The first place of a parameter id.
#[derive(Debug)]
pub(crate) struct First {
    path: String,
    /// Why the parameter was left out, if because of what it is and not the values it holds.
    refused: Option<SkipReason>,
}

impl NoisyTuneMapper {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.path.push(name.to_string());
        self.adapters += usize::from(container == ADAPTER);
    }

    pub(crate) fn exit(&mut self, container: &str) {
        self.path.pop();
        self.adapters -= usize::from(container == ADAPTER);
        if self.path.is_empty() {
            self.settle();
        }
    }

    /// Reads back the noise still on devices and writes it into the report: rarely, because a device
    /// is idle while we wait for it.
    fn settle(&mut self) {
        let (entries, squares): (Vec<usize>, Vec<Squares>) = self.asked.drain(..).unzip();
        for (entry, rms) in entries.into_iter().zip(device::rms(&squares)) {
            if let Outcome::Perturbed { noise_rms, .. } = &mut self.report.entries[entry].outcome {
                *noise_rms = rms;
            }
        }
    }

    /// The reason to leave a parameter out because of what it is; its values are not read.
    pub(crate) fn refusal<const D: usize>(
        &self,
        param: &Param<Tensor<D>>,
        path: &str,
    ) -> Option<SkipReason> {
        // The group decides before anything that would initialise a lazy parameter.
        if !self.config.group.matches(&param.id, Some(path)) {
            return Some(SkipReason::NotSelected);
        }
        if self.adapters > 0 && self.config.adapters == Treatment::Skip {
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

    /// Burn hands a buffer to a mapper as if it were a frozen parameter; without a survey, only the
    /// name tells them apart.
    fn named_as_buffer(&self) -> bool {
        self.path
            .last()
            .is_some_and(|name| name.starts_with("running_"))
    }

    pub(crate) fn current_path(&self) -> String {
        self.path.join(".")
    }

    /// Perturbs a parameter, unless its values rule it out.
    fn perturb<const D: usize>(
        &mut self,
        id: &ParamId,
        tensor: Tensor<D>,
        path: &str,
    ) -> (Tensor<D>, Outcome) {
        let values = Values::of(tensor);
        let (values, outcome) = match self.scale_of(id, &values) {
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
                let stream = UnitStream::new(self.config.seed, path, self.config.kind);
                let (values, rms) = values.perturb(&stream, scale);
                let noise_rms = match rms {
                    Measured::Here(rms) => rms,
                    Measured::There(squares) => {
                        self.asked.push((self.report.entries.len(), squares));
                        f64::NAN
                    }
                };
                (values, Outcome::Perturbed { std, noise_rms })
            }
        };
        (values.into_tensor(), outcome)
    }

    /// The std of the values, if they have one, and the factor between unit draw and noise.
    fn scale_of<const D: usize>(
        &self,
        id: &ParamId,
        values: &Values<D>,
    ) -> Result<(Option<f64>, f64), SkipReason> {
        if values.is_empty() {
            return Err(SkipReason::Empty);
        }
        let surveyed = self.survey.moments.get(id).copied();
        let moments = surveyed.unwrap_or_else(|| values.moments());
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

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.current_path();
        let shape = param.lazy_shape();
        let (key, refused) = match self.first.get(&param.id) {
            Some(first) => (first.path.clone(), first.refused),
            None => {
                let refused = self.refusal(&param, &path);
                let first = First {
                    path: path.clone(),
                    refused,
                };
                self.first.insert(param.id, first);
                (path.clone(), refused)
            }
        };

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
                let (tensor, outcome) = self.perturb(&id, tensor, &key);
                let param = Param::from_mapped_value(id, tensor, mapper);
                (param, dtype, outcome)
            }
        };
        self.report.entries.push(ParamReport {
            tied_to: Some(key).filter(|key| *key != path),
            path,
            elements: shape.num_elements(),
            shape: shape.to_vec(),
            dtype,
            outcome,
        });
        if self.path.is_empty() {
            self.settle();
        }
        param
    }
}
