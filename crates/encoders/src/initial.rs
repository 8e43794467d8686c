//! Initial values of a new encoder.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_distr::Normal;
use sha2::{Digest, Sha256};

/// Part of every key. It changes when the way values are drawn changes, so that equal seeds mean equal models.
const VERSION: &[u8] = b"encoders/initial/1";

/// Draws the weights of `module` from N(0, `range`); biases and normalisations keep their constants.
///
/// A weight is a parameter of two dimensions. Its generator is keyed by the seed and its path.
pub(crate) fn drawn<M: Module>(module: M, range: f64, seed: u64) -> M {
    module.map(&mut Draw {
        normal: Normal::new(0.0, range).expect("the config was checked"),
        seed,
        path: Vec::new(),
    })
}

struct Draw {
    normal: Normal<f64>,
    seed: u64,
    path: Vec<String>,
}

impl ModuleMapper for Draw {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, shape, device) = (param.id, param.lazy_shape(), param.lazy_device());
        let values: Vec<f32> = match (D, self.path.last().map(String::as_str)) {
            (1, Some("bias")) => vec![0.0; shape.num_elements()],
            (1, _) => return param,
            _ => {
                let mut hash = Sha256::new();
                hash.update(VERSION);
                hash.update(self.seed.to_le_bytes());
                hash.update(self.path.join(".").as_bytes());
                let rng = ChaCha8Rng::from_seed(hash.finalize().into());
                let draws = self.normal.sample_iter(rng).take(shape.num_elements());
                draws.map(|x| x as f32).collect()
            }
        };
        let values = Tensor::from_data(TensorData::new(values, shape), &device);
        param.transform_for_load(values, id)
    }
}
