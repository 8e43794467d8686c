//! `ParamGroup::exclude` drops what the excluded group itself excludes; `fuse` drops both sides' exclusions.
use burn::module::{ParamGroup, ParamId};

pub fn main() {
    let body = ParamGroup::all().exclude(ParamGroup::from_predicate("head"));
    let head = ParamGroup::all().exclude(body);
    assert!(
        head.matches(&ParamId::new(), Some("head.weight")),
        "the head is left out"
    );
}
