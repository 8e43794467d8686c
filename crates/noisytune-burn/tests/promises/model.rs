//! Modules and readings that the other tests share.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use noisytune_burn::{NoiseReport, NoisyTuneConfig, Outcome, ParamReport, SkipReason};

/// A module of one parameter, whose path is `weight`.
#[derive(Module, Debug)]
pub(crate) struct One<const D: usize> {
    pub(crate) weight: Param<Tensor<D>>,
}

impl<const D: usize> One<D> {
    pub(crate) fn new(data: TensorData) -> Self {
        let dtype = data.dtype();
        let tensor = Tensor::from_data(data, (&Device::flex(), dtype));
        Self {
            weight: Param::from_tensor(tensor),
        }
    }

    pub(crate) fn data(&self) -> TensorData {
        self.weight.val().into_data()
    }
}

/// Values that look like trained weights: spread around a small mean, the same for equal counts.
pub(crate) fn weights(count: usize) -> Vec<f32> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 24) as f32 * 0.8 - 0.37
        })
        .collect()
}

/// Gives every float tensor values that differ, so that there is a spread to scale noise by.
pub(crate) struct Fill;

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let (device, shape) = (tensor.device(), tensor.shape());
            let require_grad = tensor.is_require_grad();
            let data = TensorData::new(weights(shape.num_elements()), shape);
            let tensor = Tensor::from_data(data, (&device, DType::F32));
            if require_grad {
                tensor.require_grad()
            } else {
                tensor
            }
        })
    }
}

/// The float tensors of a module in the order of the traversal.
pub(crate) fn floats<M: Module>(module: &M) -> Vec<TensorData> {
    struct Read(Vec<TensorData>);
    impl ModuleVisitor for Read {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.base().into_data());
        }
    }
    let mut read = Read(Vec::new());
    module.visit(&mut read);
    read.0
}

/// Maps with λ = 0.15 and seed 7, and returns the module and the report.
pub(crate) fn noised<M: Module>(module: M) -> (M, NoiseReport) {
    noised_by(module, NoisyTuneConfig::new(0.15).with_seed(7))
}

/// Maps with a bare mapper.
pub(crate) fn noised_by<M: Module>(module: M, config: NoisyTuneConfig) -> (M, NoiseReport) {
    let mut mapper = config.init().unwrap();
    let module = module.map(&mut mapper);
    (module, mapper.into_report())
}

pub(crate) fn skip_reason(entry: &ParamReport) -> Option<SkipReason> {
    match entry.outcome {
        Outcome::Perturbed { .. } => None,
        Outcome::Skipped(reason) => Some(reason),
    }
}

/// The std and the noise RMS of an entry that was perturbed.
pub(crate) fn perturbation(entry: &ParamReport) -> (f64, f64) {
    match entry.outcome {
        Outcome::Perturbed { std, noise_rms, .. } => {
            (std.expect("more than one element"), noise_rms)
        }
        Outcome::Skipped(reason) => panic!("{} was skipped: {reason}", entry.path),
    }
}
