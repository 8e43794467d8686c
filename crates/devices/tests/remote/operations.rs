//! Each operation of `fused`, forward and backward, on a server and here.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use fused::{AdamW, Dropout, DropoutKey, Moments, Norm, Packing};

use crate::process::Server;

/// Values that look random and are the same everywhere.
fn values<const D: usize>(salt: usize, shape: [usize; D]) -> TensorData {
    let count = shape.iter().product();
    let value = |i: usize| ((i * 7919 + salt * 104_729 + i * i * 31) % 2003) as f32 / 1001.5 - 1.0;
    TensorData::new((0..count).map(value).collect::<Vec<f32>>(), shape)
}

/// A leaf of the graph.
fn leaf<const D: usize>(salt: usize, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(values(salt, shape), device).require_grad()
}

fn bits<const D: usize>(tensor: Tensor<D>) -> Vec<u32> {
    let data = tensor.into_data();
    data.iter::<f32>().map(f32::to_bits).collect()
}

/// The bits of a result and of every leaf's gradient, with another weight for every element of the result.
macro_rules! all_bits {
    ($result:expr; $($leaf:ident),+) => {{
        let result = $result;
        let weights = Tensor::from_data(values(99, result.dims()), &result.device());
        let gradients = (result.clone() * weights).sum().backward();
        vec![
            bits(result.inner()),
            $(bits($leaf.grad(&gradients).expect(stringify!($leaf))),)+
        ]
    }};
}

fn dropout(site: u32) -> Option<Dropout> {
    let key = DropoutKey {
        seed: u64::MAX - 5,
        step: 3 << 48 | 17,
        site,
    };
    Dropout::new(0.25, key).expect("a probability")
}

/// Every operation's results, by name.
fn everything(device: &Device) -> Vec<(&'static str, Vec<Vec<u32>>)> {
    let plain = device.clone().inner();
    let device = &plain.clone().autodiff();
    let x = leaf(1, [2, 5, 12], device);
    let square = leaf(2, [12, 12], device);
    let wide = leaf(3, [12, 24], device);
    let vector = leaf(4, [12], device);
    let wide_vector = leaf(5, [24], device);
    let beta = leaf(6, [12], device);
    let shift = leaf(13, [12], device);
    let norm = || Norm {
        gamma: vector.clone(),
        beta: beta.clone(),
        epsilon: 1e-5,
    };
    let other = leaf(7, [2, 5, 12], device);
    let third = leaf(8, [2, 5, 12], device);
    let bias = leaf(9, [1, 3, 5, 5], device);
    let table = leaf(10, [11, 12], device);
    let logits = leaf(11, [6, 4], device);
    let mask: Vec<bool> = (0..10).map(|i| i % 7 != 4).collect();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(mask, [2, 5]), device);
    let ids: Vec<i64> = (0..10).map(|i| (i * i) % 11).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [2, 5]), device);
    let targets =
        Tensor::<1, Int>::from_data(TensorData::new(vec![0_i64, 3, 1, 1, 2, 0], [6]), device);
    let packing = |lengths: [usize; 3]| Packing::new(lengths).expect("few rows");
    let flat = |tensor: &Tensor<3>| tensor.clone().reshape([1, 10, 12]);

    let mut all = vec![
        (
            "linear",
            all_bits!(fused::linear(x.clone(), wide.clone(), wide_vector.clone()); x, wide, wide_vector),
        ),
        (
            "linear_gelu",
            all_bits!(fused::linear_gelu(x.clone(), square.clone(), vector.clone()); x, square, vector),
        ),
        ("gelu", all_bits!(fused::gelu(x.clone()); x)),
        ("geglu", all_bits!(fused::geglu(x.clone()); x)),
        ("branches", {
            let [one, two, three] = fused::branches(x.clone());
            all_bits!(one * two + three; x)
        }),
        ("rotary", {
            let angles = leaf(12, [5, 2], device).detach();
            all_bits!(fused::rotary(x.clone(), angles.clone().cos(), angles.sin(), 3); x)
        }),
        ("parts", {
            let [one, two, _] = fused::parts(x.clone());
            all_bits!(one * two; x)
        }),
        (
            "layer_norm",
            all_bits!(fused::layer_norm(x.clone(), vector.clone(), beta.clone(), 1e-12); x, vector, beta),
        ),
        (
            "linear_dropout_add_layer_norm",
            all_bits!(
                fused::linear_dropout_add_layer_norm(
                    x.clone(), square.clone(), shift.clone(), other.clone(), norm(), dropout(1)
                );
                x, square, shift, other, vector, beta
            ),
        ),
        (
            "dropout",
            all_bits!(fused::dropout(x.clone(), dropout(2)); x),
        ),
        (
            "embedding",
            all_bits!(fused::embedding(table.clone(), ids); table),
        ),
        (
            "attention",
            all_bits!(
                fused::attention(x.clone(), other.clone(), third.clone(), 3, Some(mask.clone()), dropout(3));
                x, other, third
            ),
        ),
        (
            "packed_attention",
            all_bits!(
                fused::packed_attention(
                    flat(&x), flat(&other), flat(&third), 3, [packing([2, 7, 1]), packing([4, 3, 3])], dropout(4)
                );
                x, other, third
            ),
        ),
        (
            "biased_attention",
            all_bits!(
                fused::biased_attention([x.clone(), other.clone(), third.clone()], bias.clone(), 3, mask, dropout(5));
                x, other, third, bias
            ),
        ),
        (
            "cross_entropy",
            all_bits!(fused::cross_entropy(logits.clone(), targets.clone()); logits),
        ),
    ];
    // Without a graph the operations have forms of their own.
    let inner = |tensor: &Tensor<3>| tensor.clone().inner();
    let affine = [
        fused::linear(inner(&x), square.clone().inner(), vector.clone().inner()),
        fused::linear_gelu(inner(&x), square.clone().inner(), vector.clone().inner()),
        fused::linear_dropout_add_layer_norm(
            inner(&x),
            square.clone().inner(),
            vector.clone().inner(),
            inner(&other),
            Norm {
                gamma: vector.clone().inner(),
                beta: beta.clone().inner(),
                epsilon: 1e-5,
            },
            None,
        ),
    ];
    all.push(("without a graph", affine.map(bits).to_vec()));
    let loss = fused::cross_entropy(logits.clone().inner(), targets.inner());
    all.push(("cross_entropy without a graph", vec![bits(loss)]));
    let step = AdamW {
        learning_rate: 1e-3,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        time: 7,
        gradient_scale: 0.3,
    };
    let moments = Moments {
        first: inner(&third),
        second: inner(&x) * inner(&x),
    };
    let stepped = fused::adamw_step(inner(&x), inner(&other), Some(moments), step);
    let (parameter, moments) = stepped.expect("numbers in range");
    let stepped = [parameter, moments.first, moments.second].map(bits);
    all.push(("adamw", stepped.to_vec()));
    all.push(("squared_norm", vec![bits(fused::squared_norm(inner(&x)))]));
    all
}

#[test]
fn every_operation_has_the_bits_of_the_kernel_here() {
    let server = Server::start();
    let (here, there) = (everything(&Device::flex()), everything(&server.device()));
    for ((name, here), (_, there)) in here.iter().zip(&there) {
        assert_eq!(there, here, "{name}");
    }
    assert_eq!((here.len(), there.len()), (19, 19));
}
