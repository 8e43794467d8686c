//! Fused operations against Burn's own on flex, at the sizes of one all-MiniLM-L6-v2 training step
//! (32 sentences of 38 tokens), forward and forward with backward:
//!
//! ```text
//! RAYON_NUM_THREADS=2 cargo bench --profile dev -p fused
//! ```

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Distribution, Int, Tensor, module};
use criterion::{Criterion, criterion_group, criterion_main};
use fused::{AdamW, Dropout, DropoutKey, Norm, Packing, adamw_step, squared_norm};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 32;
const TOKENS: usize = 38;
const HIDDEN: usize = 384;
const INNER: usize = 1536;
const HEADS: usize = 12;
/// Tokens of the sentences of a batch as SST-2 has them: 13.4 in the mean, the longest 38.
const LENGTHS: [usize; BATCH] = [
    38, 29, 26, 24, 22, 20, 19, 18, 16, 15, 15, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 8,
    7, 7, 6, 6, 5, 5, 4,
];
const EPSILON: f64 = 1e-12;

/// Where tensors are made: on flex alone, or as leaves that record gradients.
#[derive(Clone)]
struct Maker(Device);

impl Maker {
    fn leaf<const D: usize>(&self, shape: [usize; D], scale: f64) -> Tensor<D> {
        let x = Tensor::random(shape, Distribution::Normal(0.0, scale), &self.0);
        if self.0.is_autodiff() {
            x.require_grad()
        } else {
            x
        }
    }

    /// `[32, 38, width]` of order 1.
    fn tokens(&self, width: usize) -> Tensor<3> {
        self.leaf([BATCH, TOKENS, width], 1.0)
    }

    /// Weight and bias.
    fn affine(&self, inputs: usize, outputs: usize) -> (Tensor<2>, Tensor<1>) {
        (
            self.leaf([inputs, outputs], 0.05),
            self.leaf([outputs], 0.05),
        )
    }

    /// Gamma and beta.
    fn norm(&self) -> (Tensor<1>, Tensor<1>) {
        (self.leaf([HIDDEN], 0.1), self.leaf([HIDDEN], 0.1))
    }
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

fn plain_linear(x: Tensor<3>, (weight, bias): (Tensor<2>, Tensor<1>)) -> Tensor<3> {
    module::linear(x, weight, Some(bias))
}

fn plain_layer_norm(x: Tensor<3>, (gamma, beta): (Tensor<1>, Tensor<1>)) -> Tensor<3> {
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

/// A function to measure, its inputs included.
type Run = Box<dyn Fn() -> Tensor<3>>;

/// Measures the fused and the plain function that `make` returns: the forward pass without autodiff,
/// then both passes.
fn compare(criterion: &mut Criterion, name: &str, make: impl Fn(&Maker) -> [Run; 2]) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(2));
    let inference = make(&Maker(Device::flex()));
    let training = make(&Maker(Device::flex().autodiff()));
    for (kind, (forward, both)) in ["fused", "plain"]
        .iter()
        .zip(inference.iter().zip(&training))
    {
        group.bench_function(format!("{kind}/forward"), |bench| {
            bench.iter(|| black_box(forward()));
        });
        group.bench_function(format!("{kind}/both"), |bench| {
            bench.iter(|| black_box(both().sum().backward()));
        });
    }
    group.finish();
}

fn operations(criterion: &mut Criterion) {
    // What every measurement of both passes contains besides the operation.
    compare(criterion, "nothing", |make| {
        let (x, y) = (make.tokens(HIDDEN), make.tokens(HIDDEN));
        [
            Box::new(move || x.clone() * 1.0),
            Box::new(move || y.clone() * 1.0),
        ]
    });
    for (name, inputs, outputs) in [
        ("linear 384x384", HIDDEN, HIDDEN),
        ("linear 384x1536", HIDDEN, INNER),
        ("linear 1536x384", INNER, HIDDEN),
    ] {
        compare(criterion, name, |make| {
            let (x, p) = (make.tokens(inputs), make.affine(inputs, outputs));
            let (x2, p2) = (x.clone(), p.clone());
            [
                Box::new(move || fused::linear(x.clone(), p.0.clone(), p.1.clone())),
                Box::new(move || plain_linear(x2.clone(), p2.clone())),
            ]
        });
    }
    compare(criterion, "linear_gelu", |make| {
        let (x, p) = (make.tokens(HIDDEN), make.affine(HIDDEN, INNER));
        let (x2, p2) = (x.clone(), p.clone());
        [
            Box::new(move || fused::linear_gelu(x.clone(), p.0.clone(), p.1.clone())),
            Box::new(move || gelu(plain_linear(x2.clone(), p2.clone()))),
        ]
    });
    compare(criterion, "gelu", |make| {
        let x = make.tokens(INNER);
        let x2 = x.clone();
        [
            Box::new(move || fused::gelu(x.clone())),
            Box::new(move || gelu(x2.clone())),
        ]
    });
    compare(criterion, "dropout", |make| {
        let x = make.tokens(HIDDEN);
        let x2 = x.clone();
        [
            Box::new(move || fused::dropout(x.clone(), active())),
            Box::new(move || plain_dropout(x2.clone())),
        ]
    });
    compare(criterion, "layer_norm", |make| {
        let (x, p) = (make.tokens(HIDDEN), make.norm());
        let (x2, p2) = (x.clone(), p.clone());
        [
            Box::new(move || fused::layer_norm(x.clone(), p.0.clone(), p.1.clone(), EPSILON)),
            Box::new(move || plain_layer_norm(x2.clone(), p2.clone())),
        ]
    });
    compare(criterion, "linear_dropout_add_layer_norm", |make| {
        let (x, y, p) = (make.tokens(HIDDEN), make.tokens(HIDDEN), make.norm());
        let linear = make.affine(HIDDEN, HIDDEN);
        let (x2, y2, p2, linear2) = (x.clone(), y.clone(), p.clone(), linear.clone());
        [
            Box::new(move || residual_block(x.clone(), linear.clone(), y.clone(), p.clone())),
            Box::new(move || {
                let y = plain_dropout(plain_linear(x2.clone(), linear2.clone())) + y2.clone();
                plain_layer_norm(y, p2.clone())
            }),
        ]
    });
    compare(criterion, "attention", |make| {
        let inputs = [0; 3].map(|_| make.tokens(HIDDEN));
        let inputs2 = inputs.clone();
        [
            Box::new(move || {
                let [query, key, value] = inputs.clone();
                fused::attention(query, key, value, HEADS, None, active())
            }),
            Box::new(move || {
                let [query, key, value] = inputs2.clone();
                plain_attention(query, key, value)
            }),
        ]
    });
    // The same sentences without padding against what has it.
    compare(criterion, "packed attention", |make| {
        let packing = Packing::new(LENGTHS).expect("few rows");
        let rows = packing.rows();
        let inputs = [0; 3].map(|_| make.leaf::<3>([1, rows, HIDDEN], 1.0));
        let padded = [0; 3].map(|_| make.tokens(HIDDEN));
        [
            Box::new(move || {
                let [query, key, value] = inputs.clone();
                let packings = [packing.clone(), packing.clone()];
                fused::packed_attention(query, key, value, HEADS, packings, active())
            }),
            Box::new(move || {
                let [query, key, value] = padded.clone();
                plain_attention(query, key, value)
            }),
        ]
    });
    compare(criterion, "six layers", |make| {
        let layers = [0; 6].map(|_| Layer::new(make));
        let x = make.tokens(HIDDEN);
        let (layers2, x2) = (layers.clone(), x.clone());
        [
            Box::new(move || layers.iter().fold(x.clone(), |x, layer| layer.fused(x))),
            Box::new(move || layers2.iter().fold(x2.clone(), |x, layer| layer.plain(x))),
        ]
    });
    optimizer(criterion);
}

/// One transformer layer.
#[derive(Clone)]
struct Layer {
    projections: [(Tensor<2>, Tensor<1>); 4],
    up: (Tensor<2>, Tensor<1>),
    down: (Tensor<2>, Tensor<1>),
    norms: [(Tensor<1>, Tensor<1>); 2],
}

impl Layer {
    fn new(make: &Maker) -> Self {
        Self {
            projections: [0; 4].map(|_| make.affine(HIDDEN, HIDDEN)),
            up: make.affine(HIDDEN, INNER),
            down: make.affine(INNER, HIDDEN),
            norms: [0; 2].map(|_| make.norm()),
        }
    }

    fn fused(&self, x: Tensor<3>) -> Tensor<3> {
        let Self {
            projections,
            up,
            down,
            norms,
        } = self.clone();
        let [query, key, value, out] = projections;
        let [query, key, value] = [query, key, value].map(|p| fused::linear(x.clone(), p.0, p.1));
        let context = fused::attention(query, key, value, HEADS, None, active());
        let [first, second] = norms;
        let x = residual_block(context, out, x, first);
        let y = fused::linear_gelu(x.clone(), up.0, up.1);
        residual_block(y, down, x, second)
    }

    fn plain(&self, x: Tensor<3>) -> Tensor<3> {
        let Self {
            projections,
            up,
            down,
            norms,
        } = self.clone();
        let [query, key, value, out] = projections;
        let [query, key, value] = [query, key, value].map(|p| plain_linear(x.clone(), p));
        let y = plain_linear(plain_attention(query, key, value), out);
        let [first, second] = norms;
        let x = plain_layer_norm(plain_dropout(y) + x, first);
        let y = plain_linear(gelu(plain_linear(x.clone(), up)), down);
        plain_layer_norm(plain_dropout(y) + x, second)
    }
}

fn residual_block(
    x: Tensor<3>,
    (weight, bias): (Tensor<2>, Tensor<1>),
    residual: Tensor<3>,
    (gamma, beta): (Tensor<1>, Tensor<1>),
) -> Tensor<3> {
    let norm = Norm {
        gamma,
        beta,
        epsilon: EPSILON,
    };
    fused::linear_dropout_add_layer_norm(x, weight, bias, residual, norm, active())
}

/// AdamW and the norm of the gradient, for a table of 30,522 rows.
fn optimizer(criterion: &mut Criterion) {
    let make = Maker(Device::flex());
    let table = || make.leaf([30_522, HIDDEN], 0.02);
    let step = AdamW {
        learning_rate: 2e-5,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        time: 10,
        gradient_scale: 0.5,
    };
    let mut group = criterion.benchmark_group("30522x384");
    group.sample_size(20);
    group.measurement_time(Duration::from_secs(3));
    let gradient = table();
    let advance = |parameter, gradient, moments| {
        adamw_step(parameter, gradient, moments, step).expect("in range")
    };
    let mut state = Some(advance(table(), gradient.clone(), None));
    group.bench_function("adamw_step", |bench| {
        bench.iter(|| {
            let (parameter, moments) = state.take().expect("put back below");
            state = Some(advance(parameter, gradient.clone(), Some(moments)));
        });
    });
    group.bench_function("squared_norm", |bench| {
        bench.iter(|| black_box(squared_norm(gradient.clone())));
    });
    let make = Maker(Device::flex().autodiff());
    let weight = make.leaf([30_522, HIDDEN], 0.02);
    let places: Vec<i64> = (0..(BATCH * TOKENS) as i64)
        .map(|i| i * 7919 % 30_522)
        .collect();
    let places = Tensor::<1, Int>::from_ints(places.as_slice(), &make.0).reshape([BATCH, TOKENS]);
    group.bench_function("embedding/fused/both", |bench| {
        bench.iter(|| {
            black_box(
                fused::embedding(weight.clone(), places.clone())
                    .sum()
                    .backward(),
            )
        });
    });
    group.bench_function("embedding/plain/both", |bench| {
        bench.iter(|| {
            black_box(
                module::embedding(weight.clone(), places.clone())
                    .sum()
                    .backward(),
            )
        });
    });
    group.finish();
}

criterion_group!(benches, operations);
criterion_main!(benches);
