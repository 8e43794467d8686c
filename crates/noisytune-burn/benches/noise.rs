//! Time of NoisyTune over the parameters of BERT-base (110 M) and BERT-large (335 M) on flex, and
//! the time that its memory traffic alone takes on the same cores.
//!
//! `cargo bench --profile dev --workspace --bench noise -- bert_` (the workspace's dev profile is
//! optimised). Figures are per pass over the whole model, in place. `cargo xtask bench-noise`
//! alternates it with PyTorch's loop and reads what criterion writes.

use std::hint::black_box;

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::Device;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use noisytune_burn::NoisyTuneConfig;
use rayon::prelude::*;

/// The parameters of a BERT encoder, without its forward pass.
#[derive(Module, Debug)]
struct Bert {
    word: Embedding,
    position: Embedding,
    token_type: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    pooler: Linear,
}

#[derive(Module, Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: LayerNorm,
    inner: Linear,
    outer: Linear,
    norm: LayerNorm,
}

impl Bert {
    fn new(layers: usize, hidden: usize, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let norm = || LayerNormConfig::new(hidden).init(device);
        let table = |rows| EmbeddingConfig::new(rows, hidden).init(device);
        Self {
            word: table(30522),
            position: table(512),
            token_type: table(2),
            norm: norm(),
            layers: (0..layers)
                .map(|_| Layer {
                    query: linear(hidden, hidden),
                    key: linear(hidden, hidden),
                    value: linear(hidden, hidden),
                    output: linear(hidden, hidden),
                    attention_norm: norm(),
                    inner: linear(hidden, 4 * hidden),
                    outer: linear(4 * hidden, hidden),
                    norm: norm(),
                })
                .collect(),
            pooler: linear(hidden, hidden),
        }
    }
}

fn noise(criterion: &mut Criterion) {
    let device = Device::flex();
    let mut group = criterion.benchmark_group("noise");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (name, layers, hidden) in [("bert_base", 12, 768), ("bert_large", 24, 1024)] {
        let mut model = Bert::new(layers, hidden, &device);
        group.throughput(Throughput::Elements(model.num_params() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                // In place, as in real use: a clone would share storage and force a copy. Over all
                // passes the noise adds up to a few percent of the std.
                let mut mapper = NoisyTuneConfig::new(0.01).with_seed(7).init().unwrap();
                let current = std::mem::replace(&mut model, empty(&device));
                model = black_box(current.map(&mut mapper));
            });
        });
        let mut elements = vec![1f32; model.num_params()];
        drop(std::mem::replace(&mut model, empty(&device)));
        group.bench_function(format!("{name}_traffic"), |bencher| {
            bencher.iter(|| traffic(&mut elements));
        });
    }
    group.finish();
}

/// The least that noise in place can do: read everything for the std, then read and write it.
/// As with the benchmark's model, the second read of most matrices comes from the cache.
fn traffic(elements: &mut [f32]) {
    for matrix in elements.chunks_mut(768 * 768) {
        let sum: u32 = matrix
            .par_chunks(8192)
            .map(|block| block.iter().fold(0, |sum, x| sum ^ x.to_bits()))
            .reduce(|| 0, |a, b| a ^ b);
        black_box(sum);
        matrix
            .par_chunks_mut(8192)
            .for_each(|block| block.iter_mut().for_each(|x| *x = -*x));
    }
}

/// A placeholder of a few elements, never initialised.
fn empty(device: &Device) -> Bert {
    Bert::new(0, 1, device)
}

criterion_group!(benches, noise);
criterion_main!(benches);
