//! Ready-made groups of parameters, as Burn's own [`ParamGroup`].
//!
//! A group sees the path of a parameter, so these presets go by name. Combine them with
//! [`ParamGroup::exclude`], or write your own from paths, substrings, regular expressions or ids.
//!
//! ```
//! use noisytune_burn::{NoisyTuneConfig, selection};
//!
//! let body = selection::except(&["classifier", "pooler"]);
//! let config = NoisyTuneConfig::new(0.15).with_group(body);
//! # let _ = config;
//! ```

use burn::module::ParamGroup;

/// Everything: embeddings, weights, biases and normalization, as the paper does on GLUE.
pub fn everything() -> ParamGroup {
    ParamGroup::all()
}

/// Everything but embedding tables: parameters, or modules with a `weight`, whose name contains
/// `embed` or is `wte` or `wpe`. The normalization after them is still selected.
pub fn except_embeddings() -> ParamGroup {
    ParamGroup::all().exclude(matching(r"(^|\.)([^.]*embed[^.]*|wte|wpe)(\.weight)?$"))
}

/// Everything but the tables of token embeddings, as in the paper on XTREME, which keeps languages
/// aligned: like [`except_embeddings`], for names that contain `word_embed`, `token_embed`,
/// `tok_embed` or `embed_tokens`, or are `embedding`, `embeddings`, `embed` or `wte`.
pub fn except_token_embeddings() -> ParamGroup {
    ParamGroup::all().exclude(matching(
        r"(^|\.)([^.]*(word|token|tok)_embed[^.]*|embed_tokens|embed(ding|dings)?|wte)(\.weight)?$",
    ))
}

/// Weights only: parameters called `weight`. Biases and Burn's normalization layers, whose
/// parameters are `gamma` and `beta`, are left out.
pub fn weights_only() -> ParamGroup {
    matching(r"(^|\.)weight$")
}

/// Everything but what lies under a path component with one of these names, such as a fresh head.
pub fn except(names: &[&str]) -> ParamGroup {
    if names.is_empty() {
        return ParamGroup::all();
    }
    ParamGroup::all().exclude(under(names))
}

/// What lies under a path component with one of these names. An empty list matches nothing.
pub fn under(names: &[&str]) -> ParamGroup {
    if names.is_empty() {
        return ParamGroup::from_ids(Vec::new());
    }
    let escaped: Vec<String> = names.iter().map(|name| escape(name)).collect();
    matching(&format!(r"(^|\.)({})(\.|$)", escaped.join("|")))
}

fn matching(pattern: &str) -> ParamGroup {
    ParamGroup::from_regex(pattern).expect("constant patterns and escaped names are valid")
}

/// Makes a regular expression that matches the text itself.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() && !matches!(character, '_' | '<' | '>') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
