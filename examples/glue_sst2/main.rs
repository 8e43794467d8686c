//! Finetunes a BERT on SST-2 with and without NoisyTune and compares the two.
//!
//! ```console
//! cargo run --example glue_sst2
//! ```

use std::process::ExitCode;

/// Keeps freed pages for the next step; glibc gives them back to the kernel and zeroes them again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    glue_sst2::main()
}
