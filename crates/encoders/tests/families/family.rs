//! The tiny checkpoints of `golden/families.py`, one of each family or more.

use std::collections::BTreeMap;
use std::fs;

use burn::tensor::{Device, Gradients};
use encoders::{Classifier, EncoderInput, Encoding, Projection, Snapshot};
use safetensors::SafeTensors;

use crate::copy::Copy;
use crate::expected::{Expected, LABELS};
use crate::golden::{self, Tensors};
use crate::named::named;

/// A family and what is special about it.
pub(crate) struct Family {
    /// Its folder.
    pub(crate) name: &'static str,
    /// Parts of names that differ, in the module and in transformers.
    renamed: &'static [(&'static str, &'static str)],
    /// Names of tables, which PyTorch does not keep transposed.
    pub(crate) tables: &'static [&'static str],
    /// Module paths of its head.
    pub(crate) heads: &'static [&'static str],
    /// The token embedding.
    pub(crate) words: &'static str,
    /// Fields of `config.json` that hold a probability of dropout, all of which reach a layer.
    pub(crate) dropouts: &'static [&'static str],
    /// What its query, key and value projections are, as far as they are single ones.
    pub(crate) projections: &'static [Projection],
    /// Values that are refused: field, value, what the message says is accepted.
    pub(crate) refused: &'static [(&'static str, &'static str, &'static str)],
}

const BLOCKS: &[(&str, &str)] = &[
    (".attention.self_attention.", ".attention.self."),
    (".layer_norm.", ".LayerNorm."),
];
const TABLES: &[&str] = &[
    "word_embeddings",
    "position_embeddings",
    "token_type_embeddings",
];
const DROPOUTS: &[&str] = &[
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
];
/// Of BERT, RoBERTa and ELECTRA.
const REFUSED: &[(&str, &str, &str)] = &[
    ("model_type", r#""gpt2""#, "`roberta`"),
    ("per_layer_config", r#"{"0": {"hidden_size": 8}}"#, "null"),
    ("vocab_size", "0", "at least 1"),
    ("hidden_size", "25", "divisor of hidden_size 25"),
    ("num_attention_heads", "0", "at least 1"),
    ("num_hidden_layers", "1001", "at most 1000"),
    ("hidden_act", r#""quick_gelu""#, "`gelu`"),
    ("hidden_dropout_prob", "1.0", "0 <= p < 1"),
    ("attention_probs_dropout_prob", "-0.1", "0 <= p < 1"),
    ("classifier_dropout", "1.5", "0 <= p < 1"),
    ("layer_norm_eps", "0.0", "positive"),
    ("initializer_range", "-0.02", "positive"),
    ("pad_token_id", "1000", "below vocab_size"),
    ("position_embedding_type", r#""relative_key""#, "`absolute`"),
    (
        "position_embedding_type",
        r#""relative_key_query""#,
        "`absolute`",
    ),
    ("is_decoder", "true", "false"),
];

const BERT: Family = Family {
    name: "bert",
    renamed: BLOCKS,
    tables: TABLES,
    heads: &["classifier"],
    words: "bert.embeddings.word_embeddings.weight",
    dropouts: DROPOUTS,
    projections: &[Projection::Query, Projection::Key, Projection::Value],
    refused: REFUSED,
};

const MODERN_BERT: Family = Family {
    name: "modernbert",
    renamed: &[(".wqkv.", ".Wqkv."), (".wo.", ".Wo."), (".wi.", ".Wi.")],
    tables: &["tok_embeddings"],
    words: "model.embeddings.tok_embeddings.weight",
    dropouts: &[
        "attention_dropout",
        "embedding_dropout",
        "mlp_dropout",
        "classifier_dropout",
    ],
    projections: &[Projection::QueryKeyValue],
    refused: &[
        ("vocab_size", "0", "at least 1"),
        ("hidden_size", "25", "divisor of hidden_size 25"),
        ("num_attention_heads", "8", "an even width"),
        ("num_attention_heads", "0", "at least 1"),
        ("num_hidden_layers", "1001", "at most 1000"),
        ("hidden_activation", r#""quick_gelu""#, "`gelu`"),
        ("classifier_activation", r#""quick_gelu""#, "`gelu`"),
        ("classifier_pooling", r#""max""#, "`cls`"),
        ("attention_dropout", "1.0", "0 <= p < 1"),
        ("norm_eps", "0.0", "positive"),
        ("initializer_range", "-0.02", "positive"),
        ("initializer_cutoff_factor", "0", "positive"),
        ("pad_token_id", "1000", "below vocab_size"),
        (
            "layer_types",
            r#"["full_attention"]"#,
            "as many as num_hidden_layers",
        ),
        ("layer_types", r#"["linear_attention"]"#, "`full_attention`"),
        ("rope_scaling", r#"{"rope_type": "yarn"}"#, "null"),
        (
            "rope_parameters",
            r#"{"full_attention": {"rope_type": "yarn"}}"#,
            "`default`",
        ),
        ("head_dim", "4", "accepted is 8"),
        ("per_layer_config", r#"{"0": {"dim": 8}}"#, "null"),
    ],
    ..BERT
};

const DEBERTA: Family = Family {
    name: "deberta",
    tables: &[
        "word_embeddings",
        "position_embeddings",
        "token_type_embeddings",
        "rel_embeddings",
    ],
    words: "deberta.embeddings.word_embeddings.weight",
    dropouts: &[
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "pooler_dropout",
        "cls_dropout",
    ],
    refused: &[
        ("vocab_size", "0", "at least 1"),
        ("hidden_size", "25", "divisor of hidden_size 25"),
        ("num_attention_heads", "0", "at least 1"),
        ("num_hidden_layers", "1001", "at most 1000"),
        ("hidden_act", r#""quick_gelu""#, "`gelu`"),
        ("pooler_hidden_act", r#""quick_gelu""#, "`gelu`"),
        ("hidden_dropout_prob", "1.0", "0 <= p < 1"),
        ("attention_probs_dropout_prob", "-0.1", "0 <= p < 1"),
        ("pooler_dropout", "1.5", "0 <= p < 1"),
        ("cls_dropout", "1.5", "0 <= p < 1"),
        ("layer_norm_eps", "0.0", "positive"),
        ("initializer_range", "-0.02", "positive"),
        ("pad_token_id", "1000", "below vocab_size"),
        ("pos_att_type", r#"["p2p"]"#, "`c2p` or `p2c`"),
        ("norm_rel_ebd", r#""batch_norm""#, "`layer_norm`"),
        ("position_buckets", "3", "4 to"),
        ("position_buckets", "64", "4 to"),
        ("conv_kernel_size", "3", "accepted is 0"),
        ("embedding_size", "12", "accepted is 24"),
        ("pooler_hidden_size", "12", "accepted is 24"),
        ("attention_head_size", "4", "accepted is 8"),
        ("per_layer_config", r#"{"0": {"dim": 8}}"#, "null"),
    ],
    ..BERT
};

/// Every family; BERT's other goldens are those of `tests/bert`.
pub(crate) const FAMILIES: &[Family] = &[
    BERT,
    Family {
        name: "bert_mean",
        ..BERT
    },
    Family {
        name: "roberta",
        words: "roberta.embeddings.word_embeddings.weight",
        ..BERT
    },
    Family {
        name: "xlm_roberta",
        words: "roberta.embeddings.word_embeddings.weight",
        ..BERT
    },
    Family {
        name: "electra",
        words: "electra.embeddings.word_embeddings.weight",
        ..BERT
    },
    Family {
        name: "distilbert",
        heads: &["pre_classifier", "classifier"],
        words: "distilbert.embeddings.word_embeddings.weight",
        dropouts: &["dropout", "attention_dropout", "seq_classif_dropout"],
        refused: &[
            ("vocab_size", "0", "at least 1"),
            ("dim", "25", "divisor of dim 25"),
            ("n_heads", "0", "at least 1"),
            ("n_layers", "1001", "at most 1000"),
            ("activation", r#""quick_gelu""#, "`gelu`"),
            ("dropout", "1.0", "0 <= p < 1"),
            ("attention_dropout", "-0.1", "0 <= p < 1"),
            ("seq_classif_dropout", "1.5", "0 <= p < 1"),
            ("initializer_range", "-0.02", "positive"),
            ("pad_token_id", "1000", "below vocab_size"),
            ("per_layer_config", r#"{"0": {"dim": 8}}"#, "null"),
        ],
        ..BERT
    },
    Family {
        name: "xlnet",
        renamed: &[],
        tables: &["word_embedding"],
        heads: &["sequence_summary", "logits_proj"],
        words: "transformer.word_embedding.weight",
        dropouts: &["dropout", "summary_first_dropout", "summary_last_dropout"],
        refused: &[
            ("vocab_size", "0", "at least 1"),
            ("n_token", "8", "accepted is 170"),
            ("d_model", "25", "divisor of d_model 25"),
            ("n_head", "0", "at least 1"),
            ("d_head", "4", "accepted is 8"),
            ("n_layer", "1001", "at most 1000"),
            ("ff_activation", r#""quick_gelu""#, "`gelu`"),
            ("summary_activation", r#""quick_gelu""#, "`gelu`"),
            ("dropout", "1.0", "0 <= p < 1"),
            ("summary_first_dropout", "-0.1", "0 <= p < 1"),
            ("summary_last_dropout", "1.5", "0 <= p < 1"),
            ("layer_norm_eps", "0.0", "positive"),
            ("initializer_range", "-0.02", "positive"),
            ("pad_token_id", "1000", "below vocab_size"),
            ("attn_type", r#""uni""#, "`bi`"),
            ("bi_data", "true", "false"),
            ("summary_type", r#""mean""#, "`last`"),
            ("summary_type", r#""first""#, "`last`"),
            ("summary_proj_to_labels", "true", "false"),
            ("per_layer_config", r#"{"0": {"dim": 8}}"#, "null"),
        ],
        ..BERT
    },
    MODERN_BERT,
    Family {
        name: "modernbert_mean",
        ..MODERN_BERT
    },
    DEBERTA,
    Family {
        name: "deberta_own",
        ..DEBERTA
    },
];

impl Family {
    pub(crate) fn expected(&self) -> Expected {
        golden::json(&format!("{}/expected.json", self.name))
    }

    pub(crate) fn tensors(&self) -> Tensors {
        Tensors::read(&format!("{}/expected.safetensors", self.name))
    }

    /// Names of the parameters that have a gradient, in order.
    pub(crate) fn with_gradient(&self) -> Vec<String> {
        let path = golden::path(self.name).join("expected.safetensors");
        let bytes = fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let names = file.names().into_iter();
        let names = names.filter_map(|name| name.strip_prefix("gradient."));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::open(golden::path(self.name).join("snapshot")).unwrap()
    }

    /// The classifier with the head of its checkpoint.
    #[track_caller]
    pub(crate) fn model(&self) -> Classifier {
        finetuned(&self.snapshot())
    }

    /// A copy of the snapshot, to be altered.
    pub(crate) fn copy(&self) -> Copy {
        Copy::of(self.name)
    }

    /// The name that transformers gives the parameter at a module path.
    pub(crate) fn checkpoint_name(&self, path: &str) -> String {
        let mut name = path.to_owned();
        for (ours, theirs) in self.renamed {
            name = name.replace(ours, theirs);
        }
        let (layer, parameter) = name.rsplit_once('.').unwrap();
        match parameter {
            "gamma" => format!("{layer}.weight"),
            "beta" => format!("{layer}.bias"),
            _ => name,
        }
    }

    /// The values of all parameters, or the gradients of those that have one, by transformers' names and in
    /// PyTorch's layout.
    pub(crate) fn named(
        &self,
        model: &Classifier,
        gradients: Option<&Gradients>,
    ) -> BTreeMap<String, Vec<f32>> {
        named(self, model, gradients)
    }
}

/// The classifier of a snapshot, with the head that it brings.
#[track_caller]
pub(crate) fn finetuned(snapshot: &Snapshot) -> Classifier {
    let loaded = snapshot.finetuned_classifier(LABELS, &Device::flex());
    loaded.unwrap_or_else(|error| panic!("{error}")).model
}

/// The two layouts of a batch.
pub(crate) fn layouts(
    snapshot: &Snapshot,
    encodings: &[Encoding],
    device: &Device,
) -> [EncoderInput; 2] {
    [
        EncoderInput::padded(encodings, snapshot.config().pad_token_id(), 0, device),
        EncoderInput::packed(encodings, device),
    ]
}
