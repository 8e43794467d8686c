//! What each parameter is for, and that a selection of nothing is an error.

use burn::module::Module;
use encoders::{EncoderError, Projection, Role};

use crate::masked_lm::named;
use crate::tiny;

#[test]
fn every_parameter_has_the_role_that_its_name_says() {
    let model = tiny::classifier(&tiny::snapshot());
    let parameters = model.parameters();
    assert_eq!(parameters.len(), named(&model, None).len());
    for parameter in &parameters {
        let is = |part: &str| parameter.path.contains(part);
        let projection = match () {
            () if is(".query.") => Projection::Query,
            () if is(".key.") => Projection::Key,
            () if is(".value.") => Projection::Value,
            () => Projection::Dense,
        };
        let expected = match () {
            () if is("classifier") => Role::Head,
            () if is("word_embeddings") => Role::TokenEmbedding,
            () if is("_embeddings") => Role::Embedding,
            () if is("layer_norm") => Role::Norm,
            () if is(".weight") => Role::Weight(projection),
            () => Role::Bias(projection),
        };
        assert_eq!(parameter.role, expected, "{}", parameter.path);
    }
    // Query, key, value, attention's output, two halves of the feed-forward block; two layers and the pooler.
    let weights = model.parameters_of("weights", |role| matches!(role, Role::Weight(_)));
    assert_eq!(weights.expect("there are some").len(), 2 * 6 + 1);
}

#[test]
fn paths_are_those_of_the_family_alone() {
    let model = tiny::classifier(&tiny::snapshot());
    let paths: Vec<String> = model.parameters().into_iter().map(|p| p.path).collect();
    assert_eq!(paths[0], "bert.embeddings.word_embeddings.weight");
    assert_eq!(paths.last().map(String::as_str), Some("classifier.bias"));
    let trained: Vec<String> = model
        .train()
        .parameters()
        .into_iter()
        .map(|p| p.path)
        .collect();
    assert_eq!(trained, paths);
}

#[test]
fn a_selection_that_matches_nothing_is_an_error() {
    let model = tiny::classifier(&tiny::snapshot());
    let error = model.parameters_of("convolutions", |_| false).unwrap_err();
    assert!(matches!(error, EncoderError::NoParameters { .. }));
    assert_eq!(error.to_string(), "the model has no convolutions");
}

#[test]
fn a_parameter_is_under_its_own_layers_only() {
    let model = tiny::classifier(&tiny::snapshot());
    let parameters = model.parameters();
    let under = |layer: &str| parameters.iter().filter(|p| p.is_under(layer)).count();
    assert_eq!(under("classifier"), 2);
    assert_eq!(under("bert.pooler.dense"), 2);
    assert_eq!([under("bert.pool"), under("class"), under("")], [0, 0, 0]);
}
