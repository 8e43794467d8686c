//! What the crate promises, held against what transformers computed (`tests/golden`).

mod bundled;
mod closeness;
mod damaged_snapshots;
mod golden;
mod heads;
mod hidden_states;
mod hostile_snapshots;
mod loading;
mod masked_lm;
mod minilm;
mod other_folders;
mod parameters;
mod perturbation;
mod roles;
mod shards;
mod stages;
mod strictness;
mod tiny;
mod tokenizer_files;
mod tokens;
mod writing;
