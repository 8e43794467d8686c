//! GLUE's TSV dialect: one row a line, columns parted by tabs, no quoting and no escapes.

use std::path::Path;

use crate::error::Error;

/// A line of the file, counted from 1, and its columns.
pub(crate) struct Row<'a> {
    pub(crate) line: usize,
    pub(crate) columns: Vec<&'a str>,
}

/// Splits the bytes of `path` into rows, blank lines included: whoever expects two columns refuses
/// them.
///
/// A byte-order mark and a carriage return before a line feed are dropped.
///
/// Without quoting a row is a split at tabs. The `csv` crate would skip blank lines and count the
/// lines of CRLF files one short, and the errors promise the right line.
pub(crate) fn rows<'a>(
    path: &Path,
    bytes: &'a [u8],
) -> Result<impl Iterator<Item = Row<'a>>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        path: path.to_owned(),
        line: 1 + bytes[..error.valid_up_to()]
            .iter()
            .filter(|&&b| b == b'\n')
            .count(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text
        .split_terminator('\n')
        .enumerate()
        .map(|(at, line)| Row {
            line: at + 1,
            columns: line
                .strip_suffix('\r')
                .unwrap_or(line)
                .split('\t')
                .collect(),
        }))
}

/// Trims what Python's `str.strip` trims: Unicode white space, and the four separators U+001C to
/// U+001F, which Unicode does not count as such.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(usize, Vec<&str>)> {
        rows(Path::new("x.tsv"), text.as_bytes())
            .unwrap()
            .map(|row| (row.line, row.columns))
            .collect()
    }

    #[test]
    fn a_quote_is_a_character() {
        assert_eq!(
            split("\"a\tb\"\n\"\t\"\"\n"),
            [(1, vec!["\"a", "b\""]), (2, vec!["\"", "\"\""])]
        );
    }

    #[test]
    fn crlf_and_a_missing_last_line_feed_read_as_lf() {
        let lf = split("a\tb\nc\td\n");
        assert_eq!(split("a\tb\r\nc\td\r\n"), lf);
        assert_eq!(split("a\tb\r\nc\td"), lf);
        assert_eq!(split("\u{feff}a\tb\nc\td"), lf);
    }

    #[test]
    fn blank_lines_keep_their_place_and_the_count() {
        assert_eq!(
            split("a\n\nb\n\n"),
            [(1, vec!["a"]), (2, vec![""]), (3, vec!["b"]), (4, vec![""])]
        );
    }

    #[test]
    fn a_carriage_return_inside_a_line_stays() {
        assert_eq!(split("a\rb\tc\r\r\n"), [(1, vec!["a\rb", "c\r"])]);
    }

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
