//! Every family, held against what transformers computed from a tiny checkpoint of it (`tests/golden/<family>`).

#[path = "../bert/closeness.rs"]
mod closeness;
mod configuration;
mod copy;
mod expected;
mod family;
mod forward;
#[allow(dead_code)] // Some of it is for BERT's tests alone.
#[path = "../bert/golden.rs"]
mod golden;
mod gradients;
mod layouts;
mod loading;
mod memory;
mod mutations;
mod named;
mod onnx;
mod parameters;
mod pooling;
mod saving;
mod stages;
mod tokenizer_files;
mod transformers;
