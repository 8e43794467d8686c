//! How far finetuning moved a module.

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::nn::transformer::TransformerEncoderConfig;
use burn::tensor::{DType, Device, Tensor, TensorData};
use noisytune_burn::{NoisyTune, PAPER_GROUPS, distances};

use crate::model::{One, weights};

#[derive(Module, Debug)]
struct Pair {
    query: Option<One<2>>,
    key: Option<One<2>>,
}

fn matrix(values: [f32; 4]) -> Option<One<2>> {
    Some(One::new(TensorData::new(values.to_vec(), [2, 2])))
}

fn pair() -> (Pair, Pair) {
    let first = Pair {
        query: matrix([3.0, 0.0, 0.0, 4.0]),
        key: matrix([0.0; 4]),
    };
    let second = Pair {
        query: matrix([3.0, 0.5, -0.25, 4.0]),
        key: matrix([1.0, -1.0, 0.0, 0.0]),
    };
    (first, second)
}

/// Announces no field, so that both parameters have one path.
#[derive(Clone, Debug)]
struct Unnamed([One<1>; 2]);

impl Module for Unnamed {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.to_device(device))
    }

    fn train(self) -> Self {
        Self(self.0.train())
    }

    fn valid(&self) -> Self {
        Self(self.0.valid())
    }

    fn materialize(self) -> Self {
        Self(self.0.materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for one in &self.0 {
            visitor.visit_float(&one.weight);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let map = |one: One<1>| One {
            weight: mapper.map_float(one.weight),
        };
        Self(self.0.map(map))
    }
}

#[test]
fn parameters_of_one_path_are_compared_in_their_order() {
    let vector = |values: Vec<f32>| {
        let count = values.len();
        One::new(TensorData::new(values, [count]))
    };
    let first = Unnamed([vector(vec![1.0, 2.0]), vector(vec![1.0, 2.0, 3.0])]);
    let second = Unnamed([vector(vec![1.0, 2.5]), vector(vec![1.0, 2.0, 2.0])]);
    let moved = distances(&first, &second).unwrap();
    let l1: Vec<f64> = moved.entries.iter().map(|entry| entry.l1).collect();
    assert_eq!(l1, [0.5, 1.0]);
    assert!(
        distances(&first, &first)
            .unwrap()
            .entries
            .iter()
            .all(|entry| entry.l1 == 0.0)
    );
}

#[test]
fn l1_and_relative_l2_are_what_their_names_say() {
    let (first, second) = pair();
    let report = distances(&first, &second).unwrap();
    let query = &report.entries[0];
    assert_eq!(query.path, "query.weight");
    assert_eq!(query.l1, 0.75);
    // The changes are 1/2 and -1/4, the norm is 5.
    assert_eq!(query.relative_l2(), Some((0.3125f64 / 25.0).sqrt()));
    assert_eq!(report.entries[1].relative_l2(), None);
    let total = report.total(&ParamGroup::all());
    assert_eq!((total.parameters, total.elements), (2, 8));
    assert_eq!(total.l1, 2.75);
    assert_eq!(total.relative_l2, Some((2.3125f64 / 25.0).sqrt()));
}

#[test]
fn the_change_of_the_l1_norm_is_relative_to_the_first_modules() {
    let (first, second) = pair();
    let report = distances(&first, &second).unwrap();
    assert_eq!(report.entries[0].l1_norms, [7.0, 7.75]);
    assert_eq!(report.entries[1].l1_norms, [0.0, 2.0]);
    let total = |report: &noisytune_burn::DistanceReport, pattern| {
        report.total(&ParamGroup::from_regex(pattern).unwrap())
    };
    assert_eq!(total(&report, "").l1_norm_change, Some(2.75 / 7.0));
    assert_eq!(total(&report, "query").l1_norm_change, Some(0.75 / 7.0));
    assert_eq!(total(&report, "key").l1_norm_change, None);
    // What cancels in the norm does not in the distance.
    let back = distances(&second, &first).unwrap();
    assert_eq!(total(&back, "").l1_norm_change, Some(-2.75 / 9.75));
}

#[test]
fn a_module_is_at_distance_zero_from_itself() {
    let (first, _) = pair();
    let report = distances(&first, &first).unwrap();
    assert!(
        report
            .entries
            .iter()
            .all(|entry| entry.l1 == 0.0 && entry.squared_l2 == 0.0)
    );
}

#[test]
fn the_papers_groups_find_the_parts_of_burns_transformer() {
    let config = TransformerEncoderConfig::new(8, 16, 2, 3);
    let first = config.init(&Device::flex());
    let second = first.clone().noisy_tune(0.15);
    let report = distances(&first, &second).unwrap();
    let groups = report.grouped(&PAPER_GROUPS).unwrap();
    let sizes: Vec<_> = groups
        .iter()
        .map(|(name, group)| (name.as_str(), group.parameters))
        .collect();
    // Three layers with weight and bias each; dense is attention output, inner and outer. The
    // rest of `all` are two layer norms per layer.
    assert_eq!(
        sizes,
        [
            ("query", 6),
            ("key", 6),
            ("value", 6),
            ("dense", 18),
            ("all", 48)
        ]
    );
    assert!(groups.iter().all(|(_, group)| group.l1 > 0.0));
}

#[test]
fn the_papers_groups_find_the_parts_of_hugging_faces_bert() {
    const LAYER: [(&str, &str); 8] = [
        ("attention.self.query.weight", "query"),
        ("attention.self.key.bias", "key"),
        ("attention.self.value.weight", "value"),
        ("attention.output.dense.weight", "dense"),
        ("attention.output.LayerNorm.gamma", ""),
        ("intermediate.dense.bias", "dense"),
        ("output.dense.weight", "dense"),
        ("output.LayerNorm.beta", ""),
    ];
    let id = ParamId::new();
    for (name, expected) in LAYER {
        let path = format!("bert.encoder.layer.11.{name}");
        for (group, pattern) in PAPER_GROUPS {
            let matches = ParamGroup::from_regex(pattern)
                .unwrap()
                .matches(&id, Some(&path));
            assert_eq!(
                matches,
                group == expected || group == "all",
                "{path} {group}"
            );
        }
    }
}

#[test]
fn dtypes_may_differ_and_large_tensors_are_summed_exactly_enough() {
    let values = weights(50_000);
    let first = One::<1>::new(TensorData::new(values.clone(), [50_000]));
    let tensor = Tensor::<1>::from_data(
        TensorData::new(
            values
                .iter()
                .map(|x| f64::from(*x) + 0.5)
                .collect::<Vec<_>>(),
            [50_000],
        ),
        (&Device::flex(), DType::F64),
    );
    let second = One {
        weight: Param::from_tensor(tensor),
    };
    let report = distances(&first, &second).unwrap();
    // The sum of 50,000 exact halves, and rounding of f32 + 0.5 in f64.
    assert!((report.entries[0].l1 - 25_000.0).abs() < 1e-9);
}

#[test]
fn a_missing_parameter_is_an_error_that_names_it() {
    let (first, mut second) = pair();
    second.key = None;
    assert_eq!(
        distances(&first, &second).unwrap_err().to_string(),
        "parameter key.weight is in the first module only"
    );
    assert_eq!(
        distances(&second, &first).unwrap_err().to_string(),
        "parameter key.weight is in the second module only"
    );
}

#[test]
fn another_shape_is_an_error_that_names_both() {
    let (first, mut second) = pair();
    second.query = Some(One::new(TensorData::new(vec![0f32; 6], [2, 3])));
    assert_eq!(
        distances(&first, &second).unwrap_err().to_string(),
        "parameter query.weight has shape [2, 2] in the first module and [2, 3] in the second"
    );
}

#[test]
fn a_pattern_that_is_no_regular_expression_is_an_error_of_one_line() {
    let (first, second) = pair();
    let report = distances(&first, &second).unwrap();
    assert_eq!(
        report
            .grouped(&[("broken", "(query")])
            .unwrap_err()
            .to_string(),
        "pattern \"(query\" of group broken is not a regular expression: unclosed group"
    );
}
