//! The commands of the README and of CI share their builds: what one compiled, the next finds.
//!
//! Cargo says what it would compile without compiling anything. Two commands share a library if they ask for the same
//! features and the same profile of it and of everything under it.

mod graph;

use crate::graph::Graph;

/// The README's second command.
const TEST: &str = "test --workspace --no-run";

#[test]
fn the_tests_compile_nothing_again_that_the_example_compiled() {
    let (first, second) = (Graph::of("run --example glue_sst2"), Graph::of(TEST));
    assert!(first.contains("burn-flex") && second.contains("burn-flex"));
    assert_eq!(first.compiled_again_by(&second), Vec::<String>::new());
}

#[test]
fn the_tests_compile_burn_once() {
    assert_eq!(
        Graph::of(TEST).built_twice(is_heavy),
        Vec::<String>::new(),
        "is Burn in a build script or a procedural macro?"
    );
}

#[test]
fn pretraining_shares_the_build_too() {
    let (pretraining, tests) = (Graph::of("run --example pretrain_mlm"), Graph::of(TEST));
    assert_eq!(pretraining.compiled_again_by(&tests), Vec::<String>::new());
}

#[test]
fn predicting_shares_the_build_too() {
    let (predicting, tests) = (Graph::of("run --example predict"), Graph::of(TEST));
    assert_eq!(predicting.compiled_again_by(&tests), Vec::<String>::new());
}

#[test]
fn finetuning_for_languages_shares_the_build_too() {
    let (languages, tests) = (Graph::of("run --example xtreme"), Graph::of(TEST));
    assert_eq!(languages.compiled_again_by(&tests), Vec::<String>::new());
}

#[test]
fn serving_shares_the_build_too() {
    let (serving, tests) = (Graph::of("run --example device_server"), Graph::of(TEST));
    assert_eq!(serving.compiled_again_by(&tests), Vec::<String>::new());
}

#[test]
#[ignore = "cargo fetches the crates of downloads for it"]
fn the_tests_of_downloads_compile_their_own_crates_alone() {
    let tests = Graph::of(TEST);
    let more = Graph::of("test --workspace --features hub --test cli --no-run");
    assert_eq!(more.other_builds_than(&tests), Vec::<String>::new());
}

/// What takes minutes to compile. burn-einsum does not, and Burn's own macros need it too.
fn is_heavy(package: &str) -> bool {
    let heavy = ["burn", "cubecl", "gemm", "tokenizers"];
    let is_one = |name: &&str| package.split('-').next() == Some(*name);
    heavy.iter().any(is_one) && package != "burn-einsum"
}
