//! The contents of one file of a task.

use crate::targets::Targets;

/// One example of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The sentence, or the first of a pair, without surrounding white space. May be empty.
    pub sentence: String,
    /// The second sentence of a pair.
    pub sentence2: Option<String>,
}

/// A whole split in the order of its file, with what identifies the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The examples.
    pub examples: Vec<Example>,
    /// Their labels, as many as `examples`; `None` in a split without labels.
    pub targets: Option<Targets>,
    /// How many examples the file holds. It stays the same when `examples` is shortened.
    pub count: usize,
    /// SHA-256 of the file's bytes, in lower-case hexadecimal digits.
    pub sha256: String,
    /// What is suspicious about the file but no reason to refuse it, one line each.
    pub notes: Vec<String>,
}
