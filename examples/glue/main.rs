//! Finetunes an encoder on a task of GLUE with and without NoisyTune and compares the two.
//!
//! ```console
//! cargo run --example glue -- --task rte --data RTE
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    glue::main()
}
