//! Pretrains a BERT on plain text by masked language modelling.
//!
//! ```console
//! cargo run --example pretrain_mlm -- TEXT... --out DIR
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    pretrain_mlm::main()
}
