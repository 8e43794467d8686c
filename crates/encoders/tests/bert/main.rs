//! What the crate promises, held against what transformers computed (`tests/golden`).

mod bundled;
mod closeness;
mod damaged_snapshots;
mod golden;
mod hidden_states;
mod loading;
mod masked_lm;
mod minilm;
mod parameters;
mod perturbation;
mod roles;
mod stages;
mod strictness;
mod tiny;
mod tokens;
mod writing;
