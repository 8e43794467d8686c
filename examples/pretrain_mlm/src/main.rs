//! The program as its tests start it: cargo rebuilds a binary for a single test. `cargo run --example pretrain_mlm`
//! runs the same library.

use std::process::ExitCode;

fn main() -> ExitCode {
    pretrain_mlm::main()
}
