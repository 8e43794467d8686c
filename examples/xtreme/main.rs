//! Finetunes an encoder on a task of XTREME in English, with and without NoisyTune, and compares the two in every language.
//!
//! ```console
//! cargo run --example xtreme -- --task xnli --data FOLDER --model FOLDER
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    xtreme::main()
}
