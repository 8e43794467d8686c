//! Which tensors a checkpoint must hold, under which names and in which shapes.

use std::collections::BTreeMap;

use crate::config::BertConfig;
use crate::error::TensorProblem;

/// What is known of a tensor without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: safetensors::Dtype,
}

/// What sits on the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Pooler and classifier, with so many labels.
    Classifier(usize),
    /// The decoder of masked words, tied to the word embeddings.
    MaskedLm,
}

impl Head {
    /// Layers that a checkpoint may leave out; they are then initialised afresh.
    pub(crate) fn optional(self) -> &'static [&'static str] {
        match self {
            Self::Classifier(_) => &["bert.pooler.dense", "classifier"],
            Self::MaskedLm => &[],
        }
    }

    /// Parts of a checkpoint that the module has no place for, and that are left aside: the heads of
    /// other tasks, a buffer that older versions of transformers saved, and second names of what is
    /// tied.
    fn left_aside(self) -> &'static [&'static str] {
        match self {
            Self::Classifier(_) => &[
                "cls.predictions.",
                "cls.seq_relationship.",
                "bert.embeddings.position_ids",
            ],
            Self::MaskedLm => &[
                "cls.predictions.decoder.",
                "cls.seq_relationship.",
                "bert.pooler.",
                "bert.embeddings.position_ids",
            ],
        }
    }
}

/// The name under which today's transformers saves the tensor in `BertForSequenceClassification`.
///
/// `BertModel` saves without the `bert.` prefix; checkpoints converted from TensorFlow call the
/// parameters of the normalisation gamma and beta.
pub(crate) fn current_name(name: &str) -> String {
    let name = if ["embeddings.", "encoder.", "pooler."]
        .iter()
        .any(|part| name.starts_with(part))
    {
        format!("bert.{name}")
    } else {
        name.to_owned()
    };
    if let Some(stem) = name.strip_suffix(".gamma") {
        format!("{stem}.weight")
    } else if let Some(stem) = name.strip_suffix(".beta") {
        format!("{stem}.bias")
    } else {
        name
    }
}

/// Every tensor of the module by its current name, shapes in PyTorch's order.
///
/// | checkpoint | shape |
/// |---|---|
/// | `bert.embeddings.{word,position,token_type}_embeddings.weight` | rows, hidden |
/// | `bert.encoder.layer.N.attention.self.{query,key,value}` | hidden, hidden |
/// | `bert.encoder.layer.N.attention.output.dense` | hidden, hidden |
/// | `bert.encoder.layer.N.intermediate.dense` | intermediate, hidden |
/// | `bert.encoder.layer.N.output.dense` | hidden, intermediate |
/// | `bert.pooler.dense` | hidden, hidden |
/// | `classifier` | labels, hidden |
/// | `cls.predictions.transform.dense` | hidden, hidden |
/// | `cls.predictions.bias` | vocabulary |
/// | every `LayerNorm` | hidden |
fn expected(config: &BertConfig, head: Head) -> BTreeMap<String, Vec<usize>> {
    let hidden = config.hidden_size;
    let mut tensors = BTreeMap::new();
    for (table, rows) in [
        ("word", config.vocab_size),
        ("position", config.max_position_embeddings),
        ("token_type", config.type_vocab_size),
    ] {
        tensors.insert(
            format!("bert.embeddings.{table}_embeddings.weight"),
            vec![rows, hidden],
        );
    }
    let mut linear = |name: String, output: usize, input: usize| {
        tensors.insert(format!("{name}.weight"), vec![output, input]);
        tensors.insert(format!("{name}.bias"), vec![output]);
    };
    for n in 0..config.num_hidden_layers {
        let layer = format!("bert.encoder.layer.{n}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            linear(format!("{layer}.attention.{part}"), hidden, hidden);
        }
        linear(
            format!("{layer}.intermediate.dense"),
            config.intermediate_size,
            hidden,
        );
        linear(
            format!("{layer}.output.dense"),
            hidden,
            config.intermediate_size,
        );
    }
    match head {
        Head::Classifier(labels) => {
            linear("bert.pooler.dense".to_owned(), hidden, hidden);
            linear("classifier".to_owned(), labels, hidden);
        }
        Head::MaskedLm => {
            linear("cls.predictions.transform.dense".to_owned(), hidden, hidden);
            tensors.insert("cls.predictions.bias".to_owned(), vec![config.vocab_size]);
        }
    }
    let norms = (0..config.num_hidden_layers)
        .flat_map(|n| {
            ["attention.output", "output"].map(|part| format!("bert.encoder.layer.{n}.{part}"))
        })
        .chain(["bert.embeddings".to_owned()])
        .chain((head == Head::MaskedLm).then(|| "cls.predictions.transform".to_owned()));
    for norm in norms {
        for part in ["weight", "bias"] {
            tensors.insert(format!("{norm}.LayerNorm.{part}"), vec![hidden]);
        }
    }
    tensors
}

/// Compares a checkpoint with the module and returns the optional layers it leaves out.
///
/// A layer is optional as a whole: a weight without its bias is a problem.
pub(crate) fn check(
    found: &BTreeMap<String, TensorInfo>,
    config: &BertConfig,
    head: Head,
) -> Result<Vec<&'static str>, Vec<TensorProblem>> {
    let expected = expected(config, head);
    let mut problems = Vec::new();
    let mut named: BTreeMap<String, &String> = BTreeMap::new();
    for (name, info) in found {
        let current = current_name(name);
        if let Some(first) = named.insert(current.clone(), name) {
            problems.push(TensorProblem::Duplicate {
                first: first.clone(),
                second: name.clone(),
            });
        }
        match expected.get(&current) {
            None if head
                .left_aside()
                .iter()
                .any(|part| current.starts_with(part)) => {}
            None => problems.push(TensorProblem::Unexpected {
                name: name.clone(),
                found: info.shape.clone(),
            }),
            Some(shape) if *shape != info.shape => problems.push(TensorProblem::Shape {
                name: name.clone(),
                expected: shape.clone(),
                found: info.shape.clone(),
            }),
            Some(_) if !is_float(info.dtype) => problems.push(TensorProblem::DType {
                name: name.clone(),
                found: format!("{:?}", info.dtype),
            }),
            Some(_) => {}
        }
    }
    let mut fresh = Vec::new();
    for &layer in head.optional() {
        let prefix = format!("{layer}.");
        if !named.keys().any(|name| name.starts_with(&prefix)) {
            fresh.push(layer);
        }
    }
    for (name, shape) in &expected {
        let is_fresh = fresh
            .iter()
            .any(|layer| name.starts_with(&format!("{layer}.")));
        if !named.contains_key(name) && !is_fresh {
            problems.push(TensorProblem::Missing {
                name: name.clone(),
                expected: shape.clone(),
            });
        }
    }
    if problems.is_empty() {
        Ok(fresh)
    } else {
        Err(problems)
    }
}

fn is_float(dtype: safetensors::Dtype) -> bool {
    use safetensors::Dtype::{BF16, F16, F32, F64};
    matches!(dtype, F64 | F32 | F16 | BF16)
}
