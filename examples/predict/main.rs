//! Predicts texts with a finetuned model.
//!
//! ```console
//! cargo run --example predict -- --model MODEL "a fine film"
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    predict_program::main()
}
