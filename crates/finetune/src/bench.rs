//! Timing training steps and noise.

use std::hint::black_box;
use std::time::Instant;

use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution, Tensor};
use encoders::Layout;
use noisytune_burn::{NoisyTune, NoisyTuneConfig};
use serde::Serialize;
use study::plan;
use study::range::count;

use crate::batch::{Batch, Filling};
use crate::error::FinetuneError;
use crate::jobs;
use crate::order::epoch_steps;
use crate::session::Session;
use crate::setup::Setup;

/// Steps taken before the clock starts.
const WARM_UP: usize = 3;

/// The time of a number of training steps, in the field names of the PyTorch script it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepTiming {
    /// Always `train`.
    pub what: &'static str,
    /// Timed steps.
    pub steps: usize,
    /// Mean seconds per step.
    pub s_per_step: f64,
    /// Sentences per second.
    pub examples_per_s: f64,
    /// Real tokens per second, padding not counted.
    pub tokens_per_s: f64,
    /// Billions of floating-point operations per second in the encoder's matrix products, which are taken to fill the
    /// whole time of a step.
    pub matrix_gflops: f64,
    /// The same for one large matrix product, the best of a few, right after the steps: the ceiling. `None` unless
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling_gflops: Option<f64>,
    /// Worker threads.
    pub threads: usize,
    /// Peak memory of the process; `None` if the system does not report it.
    pub peak_rss_mib: Option<f64>,
}

/// Rows and columns of the matrix product that measures the machine's ceiling.
const LARGE: usize = 2048;

/// Times `steps` training steps of the session's first run, after 3 steps of warm-up; epoch follows epoch.
///
/// With `ceiling`, times one large matrix product afterwards.
///
/// # Errors
/// [`StudyError::Setting`](study::StudyError::Setting) for 0 steps, and any error that keeps a run from starting.
pub fn time_steps(
    session: &Session,
    steps: usize,
    ceiling: bool,
) -> Result<StepTiming, FinetuneError> {
    count("bench steps", steps)?;
    let pool = jobs::pool(rayon::current_num_threads())?;
    pool.install(|| time_steps_here(session, steps, ceiling))
}

fn time_steps_here(
    session: &Session,
    steps: usize,
    ceiling: bool,
) -> Result<StepTiming, FinetuneError> {
    let setup = session.setup();
    let runs = plan::runs(&setup.plan());
    let run = runs.first().expect("a checked configuration has runs");
    let seed = run.seed;
    let (loaded, _) = setup.start_model(run)?;
    let mut trainer = setup.trainer(run, loaded, steps + WARM_UP)?;

    let data = &setup.data;
    let lengths = data.train.lengths();
    let recipe = &setup.config.recipe;
    let planned = (1..).flat_map(|epoch| epoch_steps(recipe, seed, epoch, &lengths));
    // A GPU may lag behind the program that feeds it.
    let device = trainer.device().clone();
    let finished = || device.sync().expect("the device answers");
    let mut started = Instant::now();
    let (mut examples, mut tokens, mut flops) = (0, 0, 0.0);
    for (index, planned) in planned.take(steps + WARM_UP).enumerate() {
        if index == WARM_UP {
            // Later steps are not to take what these left.
            trainer.model();
            finished();
            started = Instant::now();
            (examples, tokens, flops) = (0, 0, 0.0);
        }
        let filling = Filling::of(recipe, data.pad_token_id);
        let batches: Vec<Batch> = planned
            .iter()
            .enumerate()
            .map(|(index, positions)| {
                data.train
                    .batch(positions, filling, trainer.device_of(index))
            })
            .collect();
        for batch in &batches {
            flops += 3.0 * batch_flops(setup, batch);
        }
        let step = trainer.step(batches)?;
        examples += step.examples;
        tokens += step.tokens;
    }
    // Nor to leave anything.
    trainer.model();
    finished();
    let seconds = started.elapsed().as_secs_f64();
    // Read before the ceiling is measured, which takes memory of its own.
    let peak_rss_mib = peak_rss_mib();
    Ok(StepTiming {
        what: "train",
        steps,
        s_per_step: seconds / steps as f64,
        examples_per_s: examples as f64 / seconds,
        tokens_per_s: tokens as f64 / seconds,
        matrix_gflops: flops / seconds / 1e9,
        ceiling_gflops: ceiling.then(|| large_product_gflops(&device.clone().inner())),
        threads: rayon::current_num_threads(),
        peak_rss_mib,
    })
}

fn batch_flops(setup: &Setup, batch: &Batch) -> f64 {
    match &batch.input.layout {
        Layout::Padded(mask) => {
            let [sequences, length] = mask.dims();
            sequences as f64 * setup.matrix_flops(length)
        }
        Layout::Packed(packing) => {
            let lengths = packing.lengths().iter();
            lengths.map(|&length| setup.matrix_flops(length)).sum()
        }
    }
}

/// How long NoisyTune's noise takes for parameters of BERT-large's shapes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseTiming {
    /// Always `noise`.
    pub what: &'static str,
    /// Elements of all parameters.
    pub params: usize,
    /// Median seconds of a pass over all parameters, which stay on the device.
    pub median_s: f64,
}

/// Times `passes` passes of noise, after one to warm up.
///
/// # Errors
/// [`StudyError::Setting`](study::StudyError::Setting) for 0 passes.
pub fn time_noise(device: &Device, passes: usize) -> Result<NoiseTiming, FinetuneError> {
    count("bench noise", passes)?;
    let device = device.clone().inner();
    let parameters = Parameters::of_bert_large(&device);
    let params = parameters.num_params();
    // `None` only during a pass, so that the noise is the only owner.
    let mut parameters = Some(parameters);
    let finished = || device.sync().expect("the device answers");
    finished();
    let mut seconds: Vec<f64> = (0..=passes)
        .map(|pass| {
            let started = Instant::now();
            let config = NoisyTuneConfig::new(0.15).with_seed(pass as u64);
            parameters = parameters.take().map(|all| {
                let (noised, _) = all.try_noisy_tune(&config).expect("ordinary values");
                noised
            });
            finished();
            started.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    seconds.sort_unstable_by(f64::total_cmp);
    Ok(NoiseTiming {
        what: "noise",
        params,
        median_s: seconds[passes / 2],
    })
}

#[derive(Module, Debug)]
struct Parameters {
    matrices: Vec<Param<Tensor<2>>>,
    vectors: Vec<Param<Tensor<1>>>,
}

impl Parameters {
    fn of_bert_large(device: &Device) -> Self {
        let [layers, hidden, inner]: [usize; 3] = [24, 1024, 4096];
        let mut matrices = vec![[30_522, hidden], [512, hidden], [2, hidden], [hidden; 2]];
        let mut vectors = vec![hidden; 3];
        for _ in 0..layers {
            matrices.extend([[hidden; 2]; 4]);
            matrices.extend([[hidden, inner], [inner, hidden]]);
            vectors.extend([hidden; 9]);
            vectors.push(inner);
        }
        let normal = Distribution::Normal(0.0, 0.02);
        Self {
            matrices: matrices
                .into_iter()
                .map(|shape| Param::from_tensor(Tensor::random(shape, normal, device)))
                .collect(),
            vectors: vectors
                .into_iter()
                .map(|length| Param::from_tensor(Tensor::random([length], normal, device)))
                .collect(),
        }
    }
}

fn large_product_gflops(device: &Device) -> f64 {
    let random = || Tensor::<2>::random([LARGE, LARGE], Distribution::Default, device);
    let (a, b) = (random(), random());
    let fastest = (0..6)
        .map(|_| {
            let started = Instant::now();
            black_box(a.clone().matmul(b.clone()).slice([0..1, 0..1]).into_data());
            started.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    2.0 * (LARGE as f64).powi(3) / fastest / 1e9
}

/// Returns the peak memory of the process in MiB; `None` if the system does not report it.
#[cfg(unix)]
pub fn peak_rss_mib() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss() as f64;
    // macOS counts bytes, the others KiB.
    let unit = if cfg!(target_os = "macos") {
        1_048_576.0
    } else {
        1_024.0
    };
    Some(peak / unit)
}

/// Returns `None`: the system does not report the peak memory of the process.
#[cfg(not(unix))]
pub fn peak_rss_mib() -> Option<f64> {
    None
}
