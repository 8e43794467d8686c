//! Modules in enums, options, vectors, arrays, tuples and generics.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;

use crate::model::noised;

#[derive(Module, Debug)]
enum Choice {
    Plain(Linear),
    #[allow(dead_code)]
    Double(Vec<Linear>),
}

#[derive(Module, Debug)]
struct Wrapper<M: Module> {
    inner: M,
}

#[derive(Module, Debug)]
struct Everything {
    choice: Choice,
    some: Option<Linear>,
    none: Option<Linear>,
    list: Vec<Linear>,
    pair: [Linear; 2],
    tuple: (Linear, Wrapper<Linear>),
}

#[test]
fn noise_reaches_every_container_under_burns_paths() {
    let linear = || {
        LinearConfig::new(3, 2)
            .with_bias(false)
            .init(&Device::flex())
    };
    let (_, report) = noised(Everything {
        choice: Choice::Plain(linear()),
        some: Some(linear()),
        none: None,
        list: vec![linear(), linear()],
        pair: [linear(), linear()],
        tuple: (linear(), Wrapper { inner: linear() }),
    });
    let paths: Vec<&str> = report
        .perturbed()
        .map(|entry| entry.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "choice.Plain.weight",
            "some.weight",
            "list.0.weight",
            "list.1.weight",
            "pair.0.weight",
            "pair.1.weight",
            "tuple.0.weight",
            "tuple.1.inner.weight",
        ]
    );
    assert_eq!(report.entries.len(), 8);
}
