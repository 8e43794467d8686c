//! Whether a checkpoint holds what a module needs.

use std::collections::BTreeMap;

use crate::error::TensorProblem;
use crate::names::{Names, Needed};

/// What is known of a tensor without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: safetensors::Dtype,
    /// The file that holds it, among the checkpoint's.
    pub(crate) file: usize,
    /// Where its values begin in the file.
    pub(crate) start: u64,
    /// How many bytes its values have.
    pub(crate) bytes: u64,
}

/// A parameter that the checkpoint holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Its module path.
    pub(crate) path: String,
    /// Its name in the checkpoint.
    pub(crate) name: String,
}

/// Where the head comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// It is drawn, and what the checkpoint holds in its place is left aside.
    Fresh,
    /// So is the pooler below it.
    FreshWithPooler,
    /// The checkpoint.
    Checkpoint,
}

impl Head {
    fn is_fresh(self) -> bool {
        self != Self::Checkpoint
    }
}

/// A checkpoint that holds what a module needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// The parameters that the checkpoint holds.
    pub(crate) held: Vec<Held>,
    /// Module paths of the layers that are not loaded.
    pub(crate) fresh: Vec<&'static str>,
    /// Tensors in the head's place that are left aside, by their names, with their shapes.
    pub(crate) head_left_aside: Vec<(String, Vec<usize>)>,
    /// The same of a pooler, by names alone.
    pub(crate) pooler_left_aside: Vec<String>,
}

/// Compares a checkpoint with what a module needs.
///
/// An optional layer is optional as a whole: a weight without its bias is a problem.
pub(crate) fn check(
    found: &BTreeMap<String, TensorInfo>,
    needed: &BTreeMap<String, Needed>,
    names: &Names,
    head: Head,
) -> Result<Checked, Vec<TensorProblem>> {
    let under = |name: &str, layer: &str| {
        let rest = name.strip_prefix(layer);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let heads = names.other_heads.iter().chain(names.heads);
    let is_head = |name: &str| heads.clone().any(|head| under(name, head));
    let is_pooler = |name: &str| names.optional.iter().any(|layer| under(name, layer));
    // Of a pooler that the module has not at all.
    let is_without_place = |name: &str| {
        let mut layers = names.optional.iter().filter(|layer| under(name, layer));
        layers.any(|layer| !needed.values().any(|needed| under(&needed.path, layer)))
    };
    let mut problems = Vec::new();
    let mut held = Vec::new();
    let mut head_left_aside = Vec::new();
    let mut pooler_left_aside = Vec::new();
    let mut named: BTreeMap<String, &String> = BTreeMap::new();
    for (name, info) in found {
        let current = names.current(name);
        if head.is_fresh() && is_head(&current) {
            head_left_aside.push((name.clone(), info.shape.clone()));
            continue;
        }
        if head == Head::FreshWithPooler && is_pooler(&current) {
            pooler_left_aside.push(name.clone());
            continue;
        }
        if let Some(first) = named.insert(current.clone(), name) {
            problems.push(TensorProblem::Duplicate {
                first: first.clone(),
                second: name.clone(),
            });
        }
        let is_left_aside = || {
            names
                .left_aside
                .iter()
                .any(|part| current.starts_with(part))
        };
        match needed.get(&current) {
            None if is_left_aside() => {}
            None if head.is_fresh() && is_without_place(&current) => {
                pooler_left_aside.push(name.clone());
            }
            None => problems.push(TensorProblem::Unexpected {
                name: name.clone(),
                found: info.shape.clone(),
            }),
            Some(needed) if needed.shape != info.shape => problems.push(TensorProblem::Shape {
                name: name.clone(),
                expected: needed.shape.clone(),
                found: info.shape.clone(),
            }),
            Some(_) if !is_float(info.dtype) => problems.push(TensorProblem::DType {
                name: name.clone(),
                found: format!("{:?}", info.dtype),
            }),
            Some(needed) => held.push(Held {
                path: needed.path.clone(),
                name: name.clone(),
            }),
        }
    }
    let mut fresh: Vec<&'static str> = match head.is_fresh() {
        true => names.optional.to_vec(),
        false => Vec::new(),
    };
    fresh.retain(|layer| {
        let of_layer = || needed.iter().filter(|(_, n)| under(&n.path, layer));
        of_layer().next().is_some() && !of_layer().any(|(name, _)| named.contains_key(name))
    });
    if head.is_fresh() {
        fresh.extend(names.heads);
    }
    for (name, needed) in needed {
        let is_fresh = fresh.iter().any(|layer| under(&needed.path, layer));
        if !named.contains_key(name) && !is_fresh {
            problems.push(TensorProblem::Missing {
                name: name.clone(),
                expected: needed.shape.clone(),
            });
        }
    }
    match problems.is_empty() {
        true => Ok(Checked {
            held,
            fresh,
            head_left_aside,
            pooler_left_aside,
        }),
        false => Err(problems),
    }
}

fn is_float(dtype: safetensors::Dtype) -> bool {
    use safetensors::Dtype::{BF16, F16, F32, F64};
    matches!(dtype, F64 | F32 | F16 | BF16)
}
