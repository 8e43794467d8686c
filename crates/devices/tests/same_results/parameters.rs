//! Parameters and gradients by name, and how far two of them are apart.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Elements by the parameter's path.
pub(crate) type Named = BTreeMap<String, Vec<f32>>;

/// Every float parameter.
pub(crate) fn values<M: Module>(module: &M) -> Named {
    collect(module, None)
}

/// The gradient of every float parameter.
pub(crate) fn gradients<M: Module>(module: &M, gradients: &GradientsParams) -> Named {
    collect(module, Some(gradients))
}

fn collect<M: Module>(module: &M, gradients: Option<&GradientsParams>) -> Named {
    let mut collector = Collector {
        path: Vec::new(),
        gradients,
        named: Named::new(),
    };
    module.visit(&mut collector);
    collector.named
}

struct Collector<'a> {
    path: Vec<String>,
    gradients: Option<&'a GradientsParams>,
    named: Named,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let tensor = match self.gradients {
            None => param.val(),
            Some(gradients) => gradients
                .get::<D>(param.id)
                .unwrap_or_else(|| panic!("{name} has no gradient")),
        };
        let elements = tensor.into_data().try_to_vec().expect("f32 elements");
        self.named.insert(name, elements);
    }
}

/// `‖a - b‖ / ‖b - origin‖`.
pub(crate) fn distance(a: &[f32], b: &[f32], origin: impl Fn(usize) -> f32) -> f64 {
    assert_eq!(a.len(), b.len());
    let (mut difference, mut length) = (0.0, 0.0);
    for (i, (&a, &b)) in a.iter().zip(b).enumerate() {
        difference += (f64::from(a) - f64::from(b)).powi(2);
        length += (f64::from(b) - f64::from(origin(i))).powi(2);
    }
    (difference / length).sqrt()
}

/// Softmax does not see a shift of all keys, so the true gradient of their bias is 0 and what is computed is
/// rounding.
pub(crate) fn is_rounding_only(name: &str) -> bool {
    name.ends_with("key.bias")
}

/// Checks the distance of every parameter and names the worst.
#[track_caller]
pub(crate) fn assert_all_close(
    what: &str,
    ours: &Named,
    theirs: &Named,
    origin: impl Fn(&str, usize) -> f32,
    tolerance: f64,
) {
    assert_eq!(ours.len(), theirs.len());
    let distances = ours
        .iter()
        .filter(|(name, _)| !is_rounding_only(name))
        .map(|(name, ours)| {
            let apart = distance(ours, &theirs[name], |i| origin(name, i));
            (apart, name)
        });
    let (worst, name) = distances
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .expect("parameters");
    println!("{what}: {worst:.1e} at most, of {name}");
    assert!(
        worst <= tolerance,
        "{what} of {name}: {worst:e}, accepted {tolerance:e}"
    );
}
