//! Times the evaluation of a whole dev set, packed and padded, and the same forward passes alone, alternately, in processor
//! seconds, which other programs disturb least; use one thread.
//!
//! `cargo bench --profile dev --workspace --bench evaluate -- TASK FOLDER SNAPSHOT`, for example with `rte`.

mod processor_time;

use std::error::Error;
use std::path::Path;

use burn::tensor::Device;
use encoders::{Dropouts, EncoderInput, Encoding, Snapshot};
use finetune::TaskData;
use finetune::batch::Filling;
use finetune::evaluation::evaluate;
use serde_json::json;
use tasks::glue;

use processor_time::cpu_seconds;

const MAX_LENGTH: usize = 128;
const BATCH: usize = 64;
const ROUNDS: usize = 3;

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
    let padded = Filling::Padded {
        token: pad,
        least: 0,
    };
    let mut seconds = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        for (place, filling) in [(0, Filling::Packed), (1, padded)] {
            let before = cpu_seconds();
            evaluate(&model, &data.task, data.dev(), filling, &device)?;
            seconds[place].push(cpu_seconds() - before);
        }
        for (place, is_packed) in [(2, true), (3, false)] {
            let before = cpu_seconds();
            forward(is_packed);
            seconds[place].push(cpu_seconds() - before);
        }
    }
    let medians = seconds.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    let line = json!({
        "examples": encodings.len(),
        "tokens": encodings.tokens(),
        "packed_evaluation_cpu_seconds": medians[0],
        "padded_evaluation_cpu_seconds": medians[1],
        "packed_forward_cpu_seconds": medians[2],
        "padded_forward_cpu_seconds": medians[3],
    });
    println!("{line}");
    Ok(())
}
