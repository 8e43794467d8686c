//! Names, roles and numbers of parameters.

use std::collections::BTreeSet;

use burn::tensor::Device;
use encoders::{Projection, Role};

use crate::family::FAMILIES;

#[test]
fn every_parameter_has_its_role_and_the_name_that_transformers_gives_it() {
    for family in FAMILIES {
        let model = family.model();
        let parameters = model.parameters();
        let names = parameters.iter().map(|p| family.checkpoint_name(&p.path));
        let theirs = family.copy().tensors().into_keys();
        assert_eq!(
            names.collect::<BTreeSet<String>>(),
            theirs.collect::<BTreeSet<String>>(),
            "{}",
            family.name
        );
        let of_role = |is: fn(Role) -> bool| {
            let found = parameters.iter().filter(|p| is(p.role));
            found.map(|p| p.path.as_str()).collect::<Vec<&str>>()
        };
        assert_eq!(of_role(|role| role == Role::TokenEmbedding), [family.words]);
        let layers = family.snapshot().config().num_hidden_layers();
        for &projection in family.projections {
            let weights = parameters
                .iter()
                .filter(|p| p.role == Role::Weight(projection));
            assert_eq!(weights.count(), layers, "{}: {projection:?}", family.name);
        }
        assert!(!of_role(|role| role == Role::Norm).is_empty());
        assert!(!of_role(|role| role == Role::Weight(Projection::Dense)).is_empty());
        for path in of_role(|role| role == Role::Head) {
            assert!(
                family.heads.iter().any(|head| path.starts_with(head)),
                "{path}"
            );
        }
        for head in family.heads {
            let under = parameters.iter().filter(|p| p.is_under(head));
            assert!(under.clone().count() > 0, "{head}");
            assert!(under.into_iter().all(|p| p.role == Role::Head), "{head}");
        }
    }
}

#[test]
fn the_configuration_knows_the_number_of_parameters() {
    for family in FAMILIES {
        let snapshot = family.snapshot();
        let loaded = snapshot.classifier(2, 1, &Device::flex()).unwrap();
        let parameters = loaded.model.parameters();
        let heads: Vec<String> = (parameters.iter().filter(|p| p.role == Role::Head))
            .map(|p| family.checkpoint_name(&p.path))
            .collect();
        let of_body = family.named(&loaded.model, None).into_iter();
        let of_body = of_body.filter(|(name, _)| !heads.contains(name));
        let elements: usize = of_body.map(|(_, values)| values.len()).sum();
        assert_eq!(elements, snapshot.config().num_params(), "{}", family.name);
    }
}
