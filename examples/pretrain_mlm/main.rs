//! Pretrains a BERT on plain text by masked language modelling.
//!
//! ```console
//! cargo run --example pretrain_mlm -- TEXT... --out DIR
//! ```

use std::process::ExitCode;

/// Keeps freed pages for the next step; glibc gives them back to the kernel and zeroes them again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pretrain_mlm::main()
}
