//! The same model on every backend of this build: each must compute what flex computes.
//!
//! ```console
//! cargo test-devices
//! ```
//!
//! If the build has a backend and the machine has no device for it, its tests fail with the reason. SwiftShader is a
//! Vulkan device that needs no GPU; `swiftshader/run.sh` finds it.

// Without another backend there is nothing to compare flex with.
#![cfg(any(
    feature = "ndarray",
    feature = "wgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "cpu"
))]

mod attention;
mod cast;
#[path = "../../../finetune/tests/training/closeness.rs"]
mod closeness;
mod cross_entropy;
mod embedding;
mod gelu;
mod layer_norm;
mod masks;
mod noise;
mod optimizer;
#[path = "../../../finetune/tests/training/parameters.rs"]
mod parameters;
mod parts;
mod study;
mod training;
mod values;
mod world;

/// The tests for one backend, under its name.
macro_rules! on {
    ($backend:ident) => {
        mod $backend {
            const NAME: &str = stringify!($backend);

            #[test]
            fn dropout_drops_the_same_elements() {
                crate::masks::dropout_drops_the_same_elements(NAME);
            }

            #[test]
            fn attention_drops_the_same_probabilities() {
                crate::masks::attention_drops_the_same_probabilities(NAME);
            }

            #[test]
            fn packed_attention_drops_the_same_probabilities() {
                crate::masks::packed_attention_drops_the_same_probabilities(NAME);
            }

            #[test]
            fn logits_are_the_same() {
                crate::training::logits_are_the_same(NAME);
            }

            #[test]
            fn loss_and_gradients_are_the_same() {
                crate::training::loss_and_gradients_are_the_same(NAME);
            }

            #[test]
            fn ten_steps_are_the_same() {
                crate::training::ten_steps_are_the_same(NAME);
            }

            #[test]
            fn the_gradient_of_gelu_is_the_same() {
                crate::gelu::the_gradient_of_gelu_is_the_same(NAME);
            }

            #[test]
            fn attention_is_the_same_in_value_and_gradients() {
                crate::attention::attention_is_the_same_in_value_and_gradients(NAME);
            }

            #[test]
            fn packed_attention_is_the_same_in_value_and_gradients() {
                crate::attention::packed_attention_is_the_same_in_value_and_gradients(NAME);
            }

            #[test]
            fn attention_by_head_is_the_same_in_value_and_gradients() {
                crate::attention::attention_by_head_is_the_same_in_value_and_gradients(NAME);
            }

            #[test]
            fn scores_that_are_not_finite_spoil_their_rows_alone() {
                crate::attention::scores_that_are_not_finite_spoil_their_rows_alone(NAME);
            }

            #[test]
            fn parts_and_their_gradients_are_the_same() {
                crate::parts::parts_and_their_gradients_are_the_same(NAME);
            }

            #[test]
            fn projections_are_the_same_in_value_and_gradients() {
                crate::parts::projections_are_the_same_in_value_and_gradients(NAME);
            }

            #[test]
            fn casts_and_their_gradients_are_the_same() {
                crate::cast::casts_and_their_gradients_are_the_same(NAME);
            }

            #[test]
            fn rows_that_are_looked_up_have_the_same_gradients() {
                crate::embedding::rows_that_are_looked_up_have_the_same_gradients(NAME);
            }

            #[test]
            fn cross_entropy_is_the_same_in_value_and_gradient() {
                crate::cross_entropy::cross_entropy_is_the_same_in_value_and_gradient(NAME);
            }

            #[test]
            fn logits_that_are_not_finite_are_seen_in_the_loss() {
                crate::cross_entropy::logits_that_are_not_finite_are_seen_in_the_loss(NAME);
            }

            #[test]
            fn layer_norm_is_the_same_in_value_and_gradients() {
                crate::layer_norm::layer_norm_is_the_same_in_value_and_gradients(NAME);
            }

            #[test]
            fn rows_that_are_not_finite_stay_so_and_alone() {
                crate::layer_norm::rows_that_are_not_finite_stay_so_and_alone(NAME);
            }

            #[test]
            fn the_norm_of_all_gradients_is_the_same() {
                crate::optimizer::the_norm_of_all_gradients_is_the_same(NAME);
            }

            #[test]
            fn gradients_that_are_not_finite_are_seen_in_the_norm() {
                crate::optimizer::gradients_that_are_not_finite_are_seen_in_the_norm(NAME);
            }

            #[test]
            fn steps_of_all_parameters_are_the_same() {
                crate::optimizer::steps_of_all_parameters_are_the_same(NAME);
            }

            #[test]
            fn matrices_that_others_own_take_their_step_too() {
                crate::optimizer::matrices_that_others_own_take_their_step_too(NAME);
            }

            #[test]
            fn gradients_that_are_not_finite_reach_their_elements_alone() {
                crate::optimizer::gradients_that_are_not_finite_reach_their_elements_alone(NAME);
            }

            #[test]
            fn noise_has_the_same_bits() {
                crate::noise::noise_has_the_same_bits(NAME);
            }

            #[test]
            fn noise_of_a_model_is_the_same() {
                crate::noise::noise_of_a_model_is_the_same(NAME);
            }

            #[test]
            fn a_bare_mapper_does_the_same() {
                crate::noise::a_bare_mapper_does_the_same(NAME);
            }

            #[test]
            fn the_same_parameters_are_skipped() {
                crate::noise::the_same_parameters_are_skipped(NAME);
            }

            #[test]
            fn both_arms_of_a_study_learn_in_thirty_steps() {
                crate::study::both_arms_of_a_study_learn_in_thirty_steps(NAME);
            }

            #[test]
            fn half_precision_learns_or_is_refused() {
                crate::study::half_precision_learns_or_is_refused(NAME);
            }
        }
    };
}

#[cfg(feature = "ndarray")]
on!(ndarray);
#[cfg(feature = "wgpu")]
on!(wgpu);
#[cfg(feature = "cuda")]
on!(cuda);
#[cfg(feature = "rocm")]
on!(rocm);
#[cfg(feature = "cpu")]
on!(cpu);
