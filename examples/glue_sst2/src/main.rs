//! The program as its tests start it: cargo rebuilds a binary for a single test. `cargo run --example glue_sst2` runs
//! the same library.

use std::process::ExitCode;

fn main() -> ExitCode {
    glue_sst2::main()
}
