//! No committed input, and none made from one, does harm to a reader; `cargo xtask fuzz` makes more.

use fuzz_targets::{Draws, Fault};
use fuzz_targets::{TARGETS, Target, Trial, corpus, mutation, quiet};

/// Changed inputs of each target; more take longer than a test should.
const CHANGED: usize = 40;

fn check(trial: &Trial, target: &Target, name: &str, input: &[u8]) -> bool {
    match trial.run(input) {
        Ok(found) => found.is_refused,
        Err(Fault(fault)) => {
            // The panic itself is not printed.
            eprintln!("{} {name}: {fault}", target.name);
            panic!("a fault");
        }
    }
}

/// One test, because limits of memory are those of the process.
#[test]
fn no_input_makes_a_reader_panic_hang_or_leave_its_folder() {
    quiet();
    for target in &TARGETS {
        let trial = Trial::of(target);
        let inputs = corpus::inputs(target);
        let mut read = 0;
        for (name, input) in &inputs {
            eprintln!("{} {name}", target.name);
            read += usize::from(!check(&trial, target, name, input));
        }
        eprintln!("{}: {read} of {} are read", target.name, inputs.len());
        let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
        let mut draws = Draws::of(1);
        for number in 0..CHANGED {
            let from = draws.one_of(&inputs).clone();
            let changed = mutation::mutated(target.form, &from, &inputs, &mut draws);
            check(&trial, target, &format!("changed {number}"), &changed);
        }
    }
}
