//! A target of `fuzz-targets`, named by FUZZ_TARGET, with inputs that libFuzzer makes by what they execute.
//!
//! `cargo xtask fuzz --by-coverage` builds it with the instrumentation that it needs.
#![no_main]

use std::cell::OnceCell;

use fuzz_targets::{Fault, TARGETS, Trial, quiet};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static TRIAL: OnceCell<Trial> = const { OnceCell::new() };
}

fn trial() -> Trial {
    // In place of libFuzzer's hook, which ends the process at panics that are caught too.
    quiet();
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let target = TARGETS.iter().find(|target| target.name == name);
    Trial::of(target.expect("FUZZ_TARGET names a target"))
}

fuzz_target!(|input: &[u8]| {
    TRIAL.with(|cell| {
        if let Err(Fault(fault)) = cell.get_or_init(trial).run(input) {
            eprintln!("{fault}");
            std::process::abort();
        }
    });
});
