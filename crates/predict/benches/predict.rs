//! Predicts the first lines of a file and prints one JSON line; `cargo xtask bench-predict` runs it.

#[path = "../../finetune/benches/processor_time/mod.rs"]
mod processor_time;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use encoders::Snapshot;
use predict::{Batching, Predictor, Settings};
use serde_json::json;

use processor_time::cpu_seconds;

/// As in the program `predict`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Texts predicted before the clock starts.
const WARM_UP: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [snapshot, file, count, ..] = arguments.as_slice() else {
        eprintln!("usage: predict SNAPSHOT FILE COUNT [TOKENS]");
        return Ok(());
    };
    let text = std::fs::read_to_string(file)?;
    let texts = text.lines().take(count.parse()?).map(|line| (line, None));
    let texts: Vec<(&str, Option<&str>)> = texts.collect();
    let snapshot = Snapshot::open(Path::new(snapshot))?;
    let mut settings = Settings::default();
    if let Some(tokens) = arguments.get(3).and_then(|tokens| tokens.parse().ok()) {
        let texts = usize::MAX;
        settings.batching = Batching::Packed { tokens, texts };
    }
    let predictor = Predictor::open(&snapshot, &settings, &Device::flex())?;
    predictor.predict(&texts[..WARM_UP.min(texts.len())])?;

    // Once more on its own: the timed predictions tokenize too.
    let started = Instant::now();
    let tokenizer = snapshot.tokenizer(predictor.max_length())?;
    let loaded = started.elapsed();
    let encodings = tokenizer.encode_flat(texts.iter().copied())?;
    let tokenize_seconds = (started.elapsed() - loaded).as_secs_f64();

    let (started, cpu_before) = (Instant::now(), cpu_seconds());
    let predictions = predictor.predict(&texts)?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds() - cpu_before;
    let logits = predictions.iter().flat_map(|one| &one.logits);
    let line = json!({
        "texts": texts.len(),
        "tokens": encodings.tokens(),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "tokenize_seconds": tokenize_seconds,
        "absolute_logits": logits.map(|logit| f64::from(logit.abs())).sum::<f64>(),
    });
    println!("{line}");
    Ok(())
}
