//! The presets, on the names of real models, and Burn's own ways to choose.

use burn::module::{ParamGroup, ParamId};
use burn::nn::transformer::TransformerEncoderConfig;
use burn::tensor::Device;
use noisytune_burn::{NoisyTuneConfig, SkipReason, selection};

use crate::model::{noised_by, skip_reason};

const NAMES: [&str; 10] = [
    "bert.embeddings.word_embeddings.weight",
    "bert.embeddings.position_embeddings.weight",
    "bert.embeddings.token_type_embeddings.weight",
    "bert.embeddings.layer_norm.gamma",
    "bert.encoder.layers.0.attention.query.weight",
    "bert.encoder.layers.0.attention.query.bias",
    "bert.encoder.layers.10.norm.beta",
    "transformer.wte.weight",
    "model.embed_tokens",
    "classifier.weight",
];

fn left_out(group: &ParamGroup) -> Vec<&'static str> {
    let id = ParamId::new();
    let out = |name: &&str| !group.matches(&id, Some(name));
    NAMES.into_iter().filter(out).collect()
}

#[test]
fn everything_leaves_nothing_out() {
    assert_eq!(left_out(&selection::everything()), [""; 0]);
}

#[test]
fn except_embeddings_leaves_out_the_tables_and_keeps_their_norm() {
    assert_eq!(
        left_out(&selection::except_embeddings()),
        [NAMES[0], NAMES[1], NAMES[2], NAMES[7], NAMES[8]]
    );
}

#[test]
fn except_token_embeddings_keeps_positions_and_types() {
    assert_eq!(
        left_out(&selection::except_token_embeddings()),
        [NAMES[0], NAMES[7], NAMES[8]]
    );
}

#[test]
fn weights_only_leaves_out_biases_and_norms() {
    assert_eq!(
        left_out(&selection::weights_only()),
        [NAMES[3], NAMES[5], NAMES[6], NAMES[8]]
    );
}

#[test]
fn a_head_is_left_out_by_whole_names_and_not_by_parts_of_them() {
    assert_eq!(
        left_out(&selection::except(&["classifier"])),
        ["classifier.weight"]
    );
    assert_eq!(left_out(&selection::except(&["class"])), [""; 0]);
    assert_eq!(
        left_out(&selection::except(&["layers.0"])),
        [NAMES[4], NAMES[5]]
    );
    assert_eq!(left_out(&selection::except(&["layers.1"])), [""; 0]);
    assert_eq!(left_out(&selection::except(&[])), [""; 0]);
}

#[test]
fn names_are_not_read_as_regular_expressions() {
    assert_eq!(
        left_out(&selection::except(&["cl.ssifier", "[", "a(b"])),
        [""; 0]
    );
}

#[test]
fn under_selects_what_except_leaves_out() {
    let id = ParamId::new();
    let group = selection::under(&["classifier", "wte"]);
    let selected: Vec<_> = NAMES
        .into_iter()
        .filter(|name| group.matches(&id, Some(name)))
        .collect();
    assert_eq!(selected, ["transformer.wte.weight", "classifier.weight"]);
    assert_eq!(left_out(&selection::under(&[])).len(), NAMES.len());
}

#[test]
fn paths_substrings_regular_expressions_ids_and_exclusions_choose_what_is_perturbed() {
    let model = TransformerEncoderConfig::new(8, 16, 2, 2).init(&Device::flex());
    let id = model.layers[1].norm_1.gamma.id;
    let perturbed = |group| {
        let mapper = NoisyTuneConfig::new(0.15).with_group(group);
        let (_, report) = noised_by(model.clone(), mapper);
        // Norms begin as constants: selected, then skipped.
        let entries = report.entries.into_iter();
        entries
            .filter(|entry| skip_reason(entry) != Some(SkipReason::NotSelected))
            .map(|entry| entry.path)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        perturbed(ParamGroup::from_path("layers.0.mha.query.weight")),
        ["layers.0.mha.query.weight"]
    );
    assert_eq!(
        perturbed(ParamGroup::from_predicate("1.mha.query")),
        ["layers.1.mha.query.weight", "layers.1.mha.query.bias"]
    );
    let regex = ParamGroup::from_regex(r"pwff\.linear_inner\.bias$").unwrap();
    assert_eq!(
        perturbed(regex.clone()),
        [
            "layers.0.pwff.linear_inner.bias",
            "layers.1.pwff.linear_inner.bias"
        ]
    );
    assert_eq!(
        perturbed(ParamGroup::from_ids(vec![id])),
        ["layers.1.norm_1.gamma"]
    );
    assert_eq!(
        perturbed(regex.exclude(ParamGroup::from_predicate("layers.0"))),
        ["layers.1.pwff.linear_inner.bias"]
    );
}
