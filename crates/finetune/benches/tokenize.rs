//! Reads and tokenizes a folder with QQP's files and prints one JSON line; `cargo xtask bench-tokenize` runs it.

mod processor_time;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use encoders::Snapshot;
use finetune::TaskData;
use finetune::bench::peak_rss_mib;
use serde_json::json;
use tasks::glue;

use processor_time::cpu_seconds;

const MAX_LENGTH: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, snapshot, ..] = arguments.as_slice() else {
        eprintln!("usage: tokenize FOLDER SNAPSHOT");
        return Ok(());
    };
    let snapshot = Snapshot::open(Path::new(snapshot))?;
    let tokenizer = snapshot.tokenizer(MAX_LENGTH)?;
    let pad = snapshot.config().pad_token_id();
    let task = || glue::qqp().in_folder(Path::new(folder));

    let started = Instant::now();
    drop(task()?.read_train()?);
    let reading_seconds = started.elapsed().as_secs_f64();

    let (started, cpu_before) = (Instant::now(), cpu_seconds());
    let data = TaskData::read(task()?, &tokenizer, pad, None, None)?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds() - cpu_before;
    let encodings = &data.train.encodings;
    let line = json!({
        "rows": encodings.len(),
        "tokens": encodings.tokens(),
        "bytes": encodings.bytes(),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "reading_seconds": reading_seconds,
        "peak_rss_mib": peak_rss_mib(),
    });
    println!("{line}");
    Ok(())
}
