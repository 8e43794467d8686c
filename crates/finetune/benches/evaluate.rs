//! Times the evaluation of a whole dev set, and forward passes alone of packed batches sorted by length, alternately.
//!
//! `cargo bench --profile dev --workspace --bench evaluate -- TASK FOLDER SNAPSHOT`, for example with `rte`.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use encoders::{Dropouts, EncoderInput, Encoding, Snapshot};
use finetune::TaskData;
use finetune::evaluation::evaluate;
use serde_json::json;
use tasks::glue;

const MAX_LENGTH: usize = 128;
const BATCH: usize = 64;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [task, folder, snapshot, ..] = arguments.as_slice() else {
        eprintln!("usage: evaluate TASK FOLDER SNAPSHOT");
        return Ok(());
    };
    let task = glue::named(task).ok_or("no such task")?;
    let task = task.in_folder(Path::new(folder))?;
    let snapshot = Snapshot::open(Path::new(snapshot))?;
    let tokenizer = snapshot.tokenizer(MAX_LENGTH)?;
    let pad = snapshot.config().pad_token_id();
    let data = TaskData::read(task, &tokenizer, pad, Some(1), None)?;
    let device = Device::flex();
    let model = snapshot
        .classifier(data.task.outputs().count(), 0, &device)?
        .model;

    let encodings = &data.dev().encodings;
    let mut by_length: Vec<usize> = (0..encodings.len()).collect();
    by_length.sort_by_key(|&i| encodings.length(i));
    let forward = |is_packed: bool| {
        for positions in by_length.chunks(BATCH) {
            let batch: Vec<Encoding> = positions.iter().map(|&i| encodings.get(i)).collect();
            let input = match is_packed {
                true => EncoderInput::packed(&batch, &device),
                false => EncoderInput::padded(&batch, pad, 0, &device),
            };
            model.forward(input, &mut Dropouts::off()).into_data();
        }
    };
    let whole = || evaluate(&model, &data.task, data.dev(), pad, &device).map(|_| ());
    let mut seconds = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let started = Instant::now();
        whole()?;
        seconds[0].push(started.elapsed().as_secs_f64());
        for (place, is_packed) in [(1, true), (2, false)] {
            let started = Instant::now();
            forward(is_packed);
            seconds[place].push(started.elapsed().as_secs_f64());
        }
    }
    let [evaluation, packed, padded] = seconds.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    let line = json!({
        "examples": encodings.len(),
        "tokens": encodings.tokens(),
        "evaluation_seconds": evaluation,
        "packed_forward_seconds": packed,
        "padded_forward_seconds": padded,
    });
    println!("{line}");
    Ok(())
}
