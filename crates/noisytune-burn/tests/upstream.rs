//! The programs of `upstream/` still fail, on the devices that they name. When one no longer does, Burn has repaired it, and the workaround that
//! `upstream/README.md` names can go.
#![allow(unreachable_pub)] // They are whole programs.

#[path = "../upstream/exclusions_of_an_exclusion.rs"]
mod exclusions_of_an_exclusion;
#[path = "../upstream/gradient_of_a_mapped_parameter.rs"]
mod gradient_of_a_mapped_parameter;
#[path = "../upstream/gradient_of_gelu.rs"]
mod gradient_of_gelu;
#[path = "../upstream/shared_memory.rs"]
mod shared_memory;

#[test]
#[should_panic(expected = "no gradient")]
fn a_mapped_parameter_gets_no_gradient() {
    gradient_of_a_mapped_parameter::main();
}

#[test]
#[should_panic(expected = "the head is left out")]
fn an_exclusion_loses_its_own_exclusions() {
    exclusions_of_an_exclusion::main();
}

#[test]
fn on_flex_the_gradient_of_gelu_is_its_own_and_sums_need_no_extension() {
    gradient_of_gelu::main();
    shared_memory::main();
}
