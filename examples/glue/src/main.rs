//! The program as its tests start it: cargo rebuilds a binary for a single test. `cargo run --example glue` runs
//! the same library.

use std::process::ExitCode;

fn main() -> ExitCode {
    glue::main()
}
