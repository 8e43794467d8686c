//! Training on a server in another process is training here, to the last bit; and what happens when the server ends.
//!
//! Run by `cargo test-devices`, or alone by `cargo test --workspace --features remote --test remote`.

mod failures;
mod operations;
mod process;
mod training;
#[path = "../same_results/world.rs"]
#[allow(dead_code)] // The other tests need more of it.
mod world;
