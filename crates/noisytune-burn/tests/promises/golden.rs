//! Against an independent implementation: `tests/golden/noise/generate.py`.

use std::str::FromStr;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor, TensorData, bf16, f16};
use noisytune_burn::{NoiseKind, NoisyTuneConfig};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::{One, noised_by, perturbation};

/// Its only parameter is `encoder.weight`.
#[derive(Module, Debug)]
struct Model<const D: usize> {
    encoder: One<D>,
}

impl<const D: usize> Model<D> {
    fn new(data: TensorData) -> Self {
        Self {
            encoder: One::new(data),
        }
    }
}

fn golden() -> Value {
    let text = include_str!("../golden/noise/noise.json");
    Value::from_str(text).expect("the generator writes JSON")
}

fn bits(list: &Value) -> Vec<u64> {
    list.as_array()
        .expect("a list of bit patterns")
        .iter()
        .map(|bits| bits.as_u64().expect("a bit pattern"))
        .collect()
}

fn data_of(dtype: &str, bits: &[u64]) -> TensorData {
    let shape = [7, 5];
    match dtype {
        "F64" => TensorData::new(bits.iter().map(|b| f64::from_bits(*b)).collect(), shape),
        "F32" => {
            let values = bits.iter().map(|b| f32::from_bits(*b as u32));
            TensorData::new(values.collect(), shape)
        }
        "F16" => {
            let values = bits.iter().map(|b| f16::from_bits(*b as u16));
            TensorData::new(values.collect(), shape)
        }
        "BF16" => {
            let values = bits.iter().map(|b| bf16::from_bits(*b as u16));
            TensorData::new(values.collect(), shape)
        }
        other => panic!("no such dtype in the golden: {other}"),
    }
}

#[test]
fn noise_is_bit_for_bit_what_the_specification_says_in_every_dtype_and_kind() {
    let golden = golden();
    let lambda = golden["lambda"].as_f64().expect("a number");
    let cases = golden["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 12);
    for case in cases {
        let dtype = case["dtype"].as_str().expect("a string");
        let kind: NoiseKind = serde_json::from_value(case["kind"].clone()).expect("a kind");
        let seed = case["seed"].as_u64().expect("a seed");
        let before = data_of(dtype, &bits(&case["before"]));
        let expected = data_of(dtype, &bits(&case["after"]));

        let mapper = NoisyTuneConfig::new(lambda).with_kind(kind).with_seed(seed);
        let (model, report) = noised_by(Model::<2>::new(before), mapper);
        let after = model.encoder.data();
        if dtype == "F64" {
            // The last bit of std depends on the order of its sum, and reaches a result in f64.
            for (a, b) in after.iter::<f64>().zip(expected.iter::<f64>()) {
                assert!((a - b).abs() <= f64::EPSILON, "{kind:?}: {a} and not {b}");
            }
        } else {
            assert_eq!(after, expected, "{dtype} {kind:?}");
        }

        let (std, _) = perturbation(report.get("encoder.weight").expect("the one parameter"));
        let reference = case["std"].as_f64().expect("a number");
        // Both are f64 sums of 35 terms, in another order.
        assert!(
            (std / reference - 1.0).abs() < 1e-14,
            "{std} against {reference}"
        );
    }
}

#[test]
fn noise_of_a_long_tensor_is_bit_for_bit_what_the_specification_says() {
    let golden = &golden()["long"];
    let count = golden["elements"].as_u64().expect("a count");
    let values: Vec<f32> = (0..count)
        .map(|i| ((i * 2_654_435_761 % (1 << 32)) >> 8) as f32 / (1 << 24) as f32)
        .collect();
    let tensor = Tensor::<1>::from_data(
        TensorData::new(values, [count as usize]),
        (&Device::flex(), DType::F32),
    );
    let encoder = One {
        weight: Param::from_tensor(tensor),
    };
    let seed = golden["seed"].as_u64().expect("a seed");
    let mapper = NoisyTuneConfig::new(0.15).with_seed(seed);
    let (model, _) = noised_by(Model { encoder }, mapper);

    let hash = Sha256::digest(model.encoder.data().as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden["sha256"].as_str().expect("a hash"));
}
