//! The program for its tests, which cargo keeps up to date for them: `cargo run --example glue_sst2` runs the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    glue_sst2::main()
}
