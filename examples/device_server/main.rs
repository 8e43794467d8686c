//! Serves the devices of this machine, so that programs elsewhere train on them.
//!
//! ```console
//! cargo run --example device_server --features remote -- --device flex --token-file token
//! cargo run --example glue_sst2 --features remote -- --device remote:127.0.0.1:3000 --token-file token
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    device_server::main()
}
