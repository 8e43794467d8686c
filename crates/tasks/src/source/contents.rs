//! What every reader returns.

use crate::split::Example;
use crate::targets::Targets;

/// What a reader finds in a file.
pub(crate) struct Contents {
    pub(crate) examples: Vec<Example>,
    pub(crate) targets: Option<Targets>,
    /// See [`Split::notes`](crate::Split::notes).
    pub(crate) notes: Vec<String>,
}

/// Trims what Python's `str.strip` trims: Unicode white space, and the four separators U+001C to
/// U+001F, which Unicode does not count as such.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strip_trims_what_python_trims() {
        // [c for c in range(0x110000) if chr(c).isspace()] of CPython 3.
        let python: Vec<u32> = (0x09..=0x0d)
            .chain(0x1c..=0x20)
            .chain([0x85, 0xa0, 0x1680])
            .chain(0x2000..=0x200a)
            .chain([0x2028, 0x2029, 0x202f, 0x205f, 0x3000])
            .collect();
        let ours: Vec<u32> = ('\0'..=char::MAX)
            .filter(|c| strip(&c.to_string()).is_empty())
            .map(u32::from)
            .collect();
        assert_eq!(ours, python);
        assert_eq!(strip("\u{1c} a b\t\u{3000}"), "a b");
    }
}
