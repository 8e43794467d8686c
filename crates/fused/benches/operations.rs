//! Fused operations against Burn's own on flex, at the sizes of one all-MiniLM-L6-v2 training step
//! (32 sentences of 38 tokens), forward and forward with backward:
//!
//! ```text
//! RAYON_NUM_THREADS=2 cargo bench --profile dev -p fused
//! ```

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Distribution, Tensor, module};
use criterion::{Criterion, criterion_group, criterion_main};
use fused::{Dropout, DropoutKey};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 32;
const TOKENS: usize = 38;
const HIDDEN: usize = 384;
const INNER: usize = 1536;
const HEADS: usize = 12;
const EPSILON: f64 = 1e-12;

fn leaf<const D: usize>(shape: [usize; D], scale: f64) -> Tensor<D> {
    let device = Device::flex().autodiff();
    Tensor::random(shape, Distribution::Normal(0.0, scale), &device).require_grad()
}

fn active() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 1,
        step: 2,
        site: 3,
    };
    Dropout::new(0.1, key).expect("in range")
}

/// Burn's `Dropout` as it is: a random mask, kept for the backward pass.
fn plain_dropout<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let mask = x.random_like(Distribution::Bernoulli(0.9));
    x * mask * (1.0 / 0.9)
}

fn plain_layer_norm(x: Tensor<3>, gamma: Tensor<1>, beta: Tensor<1>) -> Tensor<3> {
    module::layer_norm(x, gamma, Some(beta), EPSILON)
}

fn plain_attention(query: Tensor<3>, key: Tensor<3>, value: Tensor<3>) -> Tensor<3> {
    let [batch, tokens, width] = query.dims();
    let split = |x: Tensor<3>| {
        x.reshape([batch, tokens, HEADS, width / HEADS])
            .swap_dims(1, 2)
    };
    let scores = split(query).matmul(split(key).transpose());
    let scores = scores / ((width / HEADS) as f64).sqrt();
    let context = plain_dropout(softmax(scores, 3)).matmul(split(value));
    context.swap_dims(1, 2).reshape([batch, tokens, width])
}

/// Measures both functions, without and with the backward pass.
fn compare(
    criterion: &mut Criterion,
    name: &str,
    fused: impl Fn() -> Tensor<3>,
    plain: impl Fn() -> Tensor<3>,
) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(2));
    let functions: [(&str, &dyn Fn() -> Tensor<3>); 2] = [("fused", &fused), ("plain", &plain)];
    for (kind, function) in functions {
        group.bench_function(format!("{kind}/forward"), |bench| {
            bench.iter(|| black_box(function()));
        });
        group.bench_function(format!("{kind}/both"), |bench| {
            bench.iter(|| black_box(function().sum().backward()));
        });
    }
    group.finish();
}

fn operations(criterion: &mut Criterion) {
    let x = || leaf([BATCH, TOKENS, HIDDEN], 1.0);
    let (gamma, beta) = (leaf([HIDDEN], 0.1), leaf([HIDDEN], 0.1));

    // What every backward measurement below contains besides the operation.
    let input = x();
    let nothing = || input.clone() * 1.0;
    compare(criterion, "sum", nothing, nothing);

    for (name, inputs, outputs) in [
        ("linear 384x384", HIDDEN, HIDDEN),
        ("linear 384x1536", HIDDEN, INNER),
        ("linear 1536x384", INNER, HIDDEN),
    ] {
        let x = leaf([BATCH, TOKENS, inputs], 1.0);
        let (weight, bias) = (leaf([inputs, outputs], 0.05), leaf([outputs], 0.05));
        let args = || (x.clone(), weight.clone(), bias.clone());
        let fused = || {
            let (x, weight, bias) = args();
            fused::linear(x, weight, bias)
        };
        let plain = || {
            let (x, weight, bias) = args();
            module::linear(x, weight, Some(bias))
        };
        compare(criterion, name, fused, plain);
    }

    let (weight, bias) = (leaf([HIDDEN, INNER], 0.05), leaf([INNER], 0.05));
    let fused = || fused::linear_gelu(input.clone(), weight.clone(), bias.clone());
    let plain = || {
        gelu(module::linear(
            input.clone(),
            weight.clone(),
            Some(bias.clone()),
        ))
    };
    compare(criterion, "linear_gelu", fused, plain);

    let wide = leaf([BATCH, TOKENS, INNER], 1.0);
    compare(
        criterion,
        "gelu",
        || fused::gelu(wide.clone()),
        || gelu(wide.clone()),
    );
    compare(
        criterion,
        "dropout",
        || fused::dropout(input.clone(), active()),
        || plain_dropout(input.clone()),
    );
    compare(
        criterion,
        "layer_norm",
        || fused::layer_norm(input.clone(), gamma.clone(), beta.clone(), EPSILON),
        || plain_layer_norm(input.clone(), gamma.clone(), beta.clone()),
    );
    let residual = x();
    let fused = || {
        let (x, y) = (input.clone(), residual.clone());
        fused::dropout_add_layer_norm(x, y, gamma.clone(), beta.clone(), EPSILON, active())
    };
    let plain = || {
        let sum = plain_dropout(input.clone()) + residual.clone();
        plain_layer_norm(sum, gamma.clone(), beta.clone())
    };
    compare(criterion, "dropout_add_layer_norm", fused, plain);

    let [query, key, value] = [x(), x(), x()];
    let args = || (query.clone(), key.clone(), value.clone());
    let fused = || {
        let (query, key, value) = args();
        fused::attention(query, key, value, HEADS, None, active())
    };
    let plain = || {
        let (query, key, value) = args();
        plain_attention(query, key, value)
    };
    compare(criterion, "attention", fused, plain);

    layers(criterion, &input);
}

/// Six transformer layers: the training step without embeddings, loss and optimizer.
fn layers(criterion: &mut Criterion, input: &Tensor<3>) {
    let square = || (leaf([HIDDEN, HIDDEN], 0.05), leaf([HIDDEN], 0.05));
    let norm = || (leaf([HIDDEN], 0.1), leaf([HIDDEN], 0.1));
    let layers: Vec<_> = (0..6)
        .map(|_| {
            let projections = [square(), square(), square(), square()];
            let up = (leaf([HIDDEN, INNER], 0.05), leaf([INNER], 0.05));
            let down = (leaf([INNER, HIDDEN], 0.05), leaf([HIDDEN], 0.05));
            (projections, up, down, [norm(), norm()])
        })
        .collect();
    let fused = || {
        let mut x = input.clone();
        for (projections, up, down, norms) in layers.clone() {
            let [query, key, value, out] = projections;
            let [query, key, value] =
                [query, key, value].map(|p| fused::linear(x.clone(), p.0, p.1));
            let context = fused::attention(query, key, value, HEADS, None, active());
            let y = fused::linear(context, out.0, out.1);
            let [first, second] = norms;
            x = fused::dropout_add_layer_norm(y, x, first.0, first.1, EPSILON, active());
            let y = fused::linear_gelu(x.clone(), up.0, up.1);
            let y = fused::linear(y, down.0, down.1);
            x = fused::dropout_add_layer_norm(y, x, second.0, second.1, EPSILON, active());
        }
        x
    };
    let plain = || {
        let mut x = input.clone();
        for (projections, up, down, norms) in layers.clone() {
            let linear =
                |x: Tensor<3>, p: (Tensor<2>, Tensor<1>)| module::linear(x, p.0, Some(p.1));
            let [query, key, value, out] = projections;
            let [query, key, value] = [query, key, value].map(|p| linear(x.clone(), p));
            let y = linear(plain_attention(query, key, value), out);
            let [first, second] = norms;
            x = plain_layer_norm(plain_dropout(y) + x, first.0, first.1);
            let y = linear(gelu(linear(x.clone(), up)), down);
            x = plain_layer_norm(plain_dropout(y) + x, second.0, second.1);
        }
        x
    };
    compare(criterion, "six layers", fused, plain);
}

criterion_group!(benches, operations);
criterion_main!(benches);
