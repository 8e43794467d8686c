//! The program for its tests, which cargo keeps up to date for them: `cargo run --example pretrain_mlm` runs the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    pretrain_mlm::main()
}
