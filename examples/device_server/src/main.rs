//! The program as its tests start it: cargo rebuilds a binary for a single test. `cargo run --example device_server` runs
//! the same library.

use std::process::ExitCode;

fn main() -> ExitCode {
    device_server::main()
}
