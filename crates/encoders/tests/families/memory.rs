//! How much memory loading takes, on a checkpoint of RoBERTa-large's shapes.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use burn::tensor::Device;
use encoders::Snapshot;
use serde_json::json;

/// Names the folder to the process that is measured.
const FOLDER: &str = "ENCODERS_MEMORY_FOLDER";
const HIDDEN: usize = 1_024;
const LAYERS: usize = 24;
const WORDS: usize = 50_265;
const FEED_FORWARD: usize = 4_096;
/// What the process allocates beside: threads, headers, the names of tensors.
const SLACK: u64 = 32 << 20;

/// Every tensor of `FacebookAI/roberta-large` without a head.
fn shapes() -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    let mut put = |name: String, shape: &[usize]| shapes.insert(name, shape.to_vec());
    for (table, rows) in [("word", WORDS), ("position", 514), ("token_type", 1)] {
        let name = format!("roberta.embeddings.{table}_embeddings.weight");
        put(name, &[rows, HIDDEN]);
    }
    put("roberta.embeddings.LayerNorm.weight".to_owned(), &[HIDDEN]);
    put("roberta.embeddings.LayerNorm.bias".to_owned(), &[HIDDEN]);
    for layer in 0..LAYERS {
        let mut linear = |name: &str, output: usize, input: usize| {
            let name = format!("roberta.encoder.layer.{layer}.{name}");
            put(format!("{name}.weight"), &[output, input]);
            put(format!("{name}.bias"), &[output]);
        };
        for part in ["query", "key", "value"] {
            linear(&format!("attention.self.{part}"), HIDDEN, HIDDEN);
        }
        linear("attention.output.dense", HIDDEN, HIDDEN);
        linear("intermediate.dense", FEED_FORWARD, HIDDEN);
        linear("output.dense", HIDDEN, FEED_FORWARD);
        for norm in ["attention.output", "output"] {
            let name = format!("roberta.encoder.layer.{layer}.{norm}.LayerNorm");
            put(format!("{name}.weight"), &[HIDDEN]);
            put(format!("{name}.bias"), &[HIDDEN]);
        }
    }
    shapes
}

/// Writes the checkpoint, whose values are all 0 and take no room on the disk; returns how many there are.
fn write(folder: &Path) -> u64 {
    let config = json!({
        "model_type": "roberta", "vocab_size": WORDS, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
        "num_attention_heads": 16, "intermediate_size": FEED_FORWARD, "max_position_embeddings": 514,
        "type_vocab_size": 1, "layer_norm_eps": 1e-5,
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for (name, shape) in shapes() {
        let bytes = 4 * shape.iter().product::<usize>() as u64;
        let info = json!({ "dtype": "F32", "shape": shape, "data_offsets": [end, end + bytes] });
        header.insert(name, info);
        end += bytes;
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = File::create(folder.join("model.safetensors")).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes())
        .unwrap();
    file.write_all(&header).unwrap();
    file.set_len(8 + header.len() as u64 + end).unwrap();
    end / 4
}

/// A line of `/proc/self/status`, in bytes.
fn status(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .unwrap();
    let number = line.trim_start_matches(':').trim().trim_end_matches(" kB");
    1_024 * number.parse::<u64>().unwrap()
}

/// Loads the checkpoint in a process of its own and prints what it allocated at most: pages of the mapped file, which the
/// kernel takes back at need, do not count.
#[test]
#[ignore = "started by the test below"]
fn measured() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let snapshot = Snapshot::open(&folder).unwrap();
    let before = status("RssAnon");
    let (peak, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                peak.fetch_max(status("RssAnon"), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let loaded = snapshot.classifier(2, 0, &Device::flex()).unwrap();
        is_done.store(true, Ordering::Relaxed);
        drop(loaded);
    });
    println!("peak {}", peak.into_inner() - before);
    println!("with the file {}", status("VmHWM"));
}

#[test]
#[ignore = "takes 1.5 GB of memory"]
fn loading_takes_the_memory_of_the_model_and_of_one_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = write(folder.path());
    // Those of RoBERTa-large without its pooler.
    assert_eq!(parameters, 354_310_144);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::measured", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let peak = text.lines().find_map(|line| line.strip_prefix("peak "));
    let peak: u64 = peak.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
    // The head has a layer of the hidden width.
    let model = 4 * (parameters + (HIDDEN * (HIDDEN + 1)) as u64);
    let largest = 4 * (WORDS * HIDDEN) as u64;
    println!("{text}model {model} largest tensor {largest}");
    assert!(peak > model, "{peak} {model}");
    assert!(peak < model + largest + SLACK, "{peak} {model} {largest}");
}
