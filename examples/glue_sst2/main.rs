//! Finetunes a BERT on SST-2 with and without NoisyTune and compares the two.
//!
//! ```console
//! cargo run --example glue_sst2
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    glue_sst2::main()
}
