//! The contents of one file of a task, which GLUE calls a split.

use crate::targets::Targets;

/// One example of a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Example {
    /// The sentence, or the first of a pair, without surrounding white space. May be empty.
    pub sentence: String,
    /// The second sentence of a pair.
    pub sentence2: Option<String>,
}

/// All examples of a file, or of the [`Part`](crate::Part) of it that is used, in order, with the file's hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The examples.
    pub examples: Vec<Example>,
    /// Their labels, as many as `examples`; `None` for a file without labels.
    pub targets: Option<Targets>,
    /// How many examples the file, or the part of it, holds, even if `examples` is shortened.
    pub count: usize,
    /// The row of each example in its file, from 1, if only a [`Part`](crate::Part) of the file is used; neither a header
    /// nor blank lines are rows.
    pub rows: Option<Vec<usize>>,
    /// SHA-256 of the file's bytes, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Anything suspicious about the file that is no reason to refuse it, one line each.
    pub notes: Vec<String>,
}
