//! The presets, on the names of real models, and Burn's own ways to choose.

use burn::module::{ParamGroup, ParamId};
use burn::nn::transformer::TransformerEncoderConfig;
use burn::tensor::Device;
use noisytune_burn::{NoisyTune, NoisyTuneConfig, NoisyTuneError, Selection, SkipReason};

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

fn left_out(selection: &Selection) -> Vec<&'static str> {
    let id = ParamId::new();
    let out = |name: &&str| !selection.matches(&id, name);
    NAMES.into_iter().filter(out).collect()
}

#[test]
fn everything_leaves_nothing_out() {
    assert_eq!(left_out(&Selection::everything()), [""; 0]);
}

#[test]
fn except_embeddings_leaves_out_the_tables_and_keeps_their_norm() {
    assert_eq!(
        left_out(&Selection::everything().except_embeddings()),
        [NAMES[0], NAMES[1], NAMES[2], NAMES[7], NAMES[8]]
    );
}

#[test]
fn except_token_embeddings_keeps_positions_and_types() {
    assert_eq!(
        left_out(&Selection::everything().except_token_embeddings()),
        [NAMES[0], NAMES[7], NAMES[8]]
    );
}

#[test]
fn weights_only_leaves_out_biases_and_norms() {
    assert_eq!(
        left_out(&Selection::everything().only_weights()),
        [NAMES[3], NAMES[5], NAMES[6], NAMES[8]]
    );
}

#[test]
fn a_head_is_left_out_by_whole_names_and_not_by_parts_of_them() {
    assert_eq!(
        left_out(&Selection::everything().except(["classifier"])),
        ["classifier.weight"]
    );
    assert_eq!(
        left_out(&Selection::everything().except(["class"])),
        [""; 0]
    );
    assert_eq!(
        left_out(&Selection::everything().except(["layers.0"])),
        [NAMES[4], NAMES[5]]
    );
    assert_eq!(
        left_out(&Selection::everything().except(["layers.1"])),
        [""; 0]
    );
    assert_eq!(left_out(&Selection::everything().except([""; 0])), [""; 0]);
}

#[test]
fn names_are_not_read_as_regular_expressions() {
    assert_eq!(
        left_out(&Selection::everything().except(["cl.ssifier", "[", "a(b"])),
        [""; 0]
    );
}

#[test]
fn only_selects_what_except_leaves_out() {
    let id = ParamId::new();
    let selection = Selection::everything().only(["classifier", "wte"]);
    let selected: Vec<_> = NAMES
        .into_iter()
        .filter(|name| selection.matches(&id, name))
        .collect();
    assert_eq!(selected, ["transformer.wte.weight", "classifier.weight"]);
    let nothing = Selection::everything().only([""; 0]);
    assert_eq!(left_out(&nothing).len(), NAMES.len());
}

#[test]
fn rules_compose_in_any_order() {
    let xtreme = |selection: Selection| selection.except_token_embeddings();
    let selections = [
        xtreme(Selection::everything().except(["classifier"])).only_weights(),
        xtreme(Selection::everything())
            .only_weights()
            .except(["classifier"]),
        xtreme(Selection::everything())
            .only_group(ParamGroup::from_regex(r"(^|\.)weight$").unwrap())
            .except_group(ParamGroup::from_predicate("classifier")),
    ];
    for selection in selections {
        let out = left_out(&selection);
        let expected = [0, 3, 5, 6, 7, 8, 9].map(|index| NAMES[index]);
        assert_eq!(out, expected);
        // As it stands in JSON, too.
        let json = serde_json::to_string(&selection).unwrap();
        assert_eq!(left_out(&serde_json::from_str(&json).unwrap()), expected);
    }
}

#[test]
fn a_selection_reads_well_in_json() {
    let json = r#"["except_token_embeddings",{"except":["classifier"]},"only_weights"]"#;
    let selection: Selection = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&selection).unwrap(), json);
}

#[test]
fn a_group_of_burn_with_an_exclusion_of_its_own_keeps_it() {
    let group =
        ParamGroup::from_predicate("weight").exclude(ParamGroup::from_predicate("classifier"));
    let selection = Selection::from(group).except_embeddings();
    assert_eq!(
        left_out(&selection),
        [0, 1, 2, 3, 5, 6, 7, 8, 9].map(|index| NAMES[index])
    );
}

#[test]
fn names_that_match_nothing_are_an_error_of_the_fallible_form_and_a_line_of_the_report() {
    let model = TransformerEncoderConfig::new(8, 16, 2, 2).init(&Device::flex());
    let selection = Selection::everything()
        .except(["clasifier", "layers.1"])
        .except_token_embeddings();
    let config = NoisyTuneConfig::new(0.15).with_selection(selection);
    let names = vec!["clasifier".to_string(), "token embeddings".to_string()];

    let unchanged = model.clone().try_noisy_tune(&config).unwrap_err();
    assert_eq!(
        unchanged.to_string(),
        "parts of the selection match no parameter: clasifier, token embeddings"
    );
    let unmatched = NoisyTuneError::UnmatchedNames {
        names: names.clone(),
    };
    assert_eq!(unchanged.error, unmatched);
    assert_eq!(config.survey(&model).unwrap_err(), unmatched);

    let (_, report) = noised_by(model, config);
    assert_eq!(report.unmatched, names);
    let last = report.to_string();
    assert_eq!(
        last.lines().last(),
        Some("parts of the selection match no parameter: clasifier, token embeddings")
    );
}

#[test]
fn paths_substrings_regular_expressions_ids_and_exclusions_choose_what_is_perturbed() {
    let model = TransformerEncoderConfig::new(8, 16, 2, 2).init(&Device::flex());
    let id = model.layers[1].norm_1.gamma.id;
    let perturbed = |group| {
        let config = NoisyTuneConfig::new(0.15).with_selection(Selection::from(group));
        let (_, report) = noised_by(model.clone(), config);
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
