//! Cells of files whose columns are separated by tabs.

use std::borrow::Cow;

use crate::acting::acts;

/// What makes a spreadsheet take a cell for a formula, in either width, and the quote that would make it read on to the next
/// quote and then take what is inside for a formula.
///
/// Source: OWASP, "CSV Injection".
const FORMULA: [char; 9] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '"'];

/// Text as a cell, without quotes: `\t`, `\n`, `\r` and `\\` stand for a tab, line ends and the backslash, `\u{1b}` for other
/// characters that [act](crate::acts()), and a cell that a spreadsheet would take for a formula begins with a backslash. Numbers
/// are never formulas.
///
/// [`read_cell`] returns the text.
pub fn cell(text: &str) -> Cow<'_, str> {
    let is_guarded = text.trim_start().starts_with(FORMULA) && !is_number(text);
    if !is_guarded && !text.contains(|letter| letter == '\\' || acts(letter)) {
        return Cow::Borrowed(text);
    }
    let mut cell = String::with_capacity(text.len() + 16);
    // Before what has a backslash anyway, another one would stand for a backslash.
    let has_one = |letter: char| letter == '\\' || acts(letter);
    if is_guarded && !text.starts_with(has_one) {
        cell.push('\\');
    }
    for letter in text.chars() {
        match letter {
            '\\' => cell.push_str("\\\\"),
            letter if acts(letter) => cell.extend(letter.escape_default()),
            letter => cell.push(letter),
        }
    }
    Cow::Owned(cell)
}

/// The text of a cell that [`cell`] wrote. A backslash before a letter that it does not write there is part of the text.
pub fn read_cell(cell: &str) -> Cow<'_, str> {
    if !cell.contains('\\') {
        return Cow::Borrowed(cell);
    }
    let mut text = String::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else {
            text.push('\\');
            break;
        };
        let (read, length) = match letter {
            't' => ('\t', 1),
            'n' => ('\n', 1),
            'r' => ('\r', 1),
            '\\' => ('\\', 1),
            'u' => number(rest).unwrap_or(('\\', 0)),
            guarded if FORMULA.contains(&guarded) || guarded.is_whitespace() => {
                (guarded, guarded.len_utf8())
            }
            _ => ('\\', 0),
        };
        text.push(read);
        rest = &rest[length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character of `u{1b}`, with the length of that.
fn number(rest: &str) -> Option<(char, usize)> {
    let inside = rest.strip_prefix("u{")?;
    let end = inside.find('}')?;
    let value = u32::from_str_radix(&inside[..end], 16).ok()?;
    Some((char::from_u32(value)?, end + 3))
}

fn is_number(text: &str) -> bool {
    text.parse().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_is_no_formula_in_a_spreadsheet() {
        for (text, expected) in [
            ("=1+1", "\\=1+1"),
            ("@SUM(A1)", "\\@SUM(A1)"),
            ("+cmd|' /C calc'!A0", "\\+cmd|' /C calc'!A0"),
            ("-2+3", "\\-2+3"),
            ("＝1", "\\＝1"),
            (" =1", "\\ =1"),
            ("\"=1\"", "\\\"=1\""),
            ("\t=1", "\\t=1"),
            ("\r\n=1", "\\r\\n=1"),
            ("\u{1b}=1", "\\u{1b}=1"),
        ] {
            assert_eq!(cell(text), expected);
            assert_eq!(read_cell(expected), text);
        }
    }

    #[test]
    fn numbers_and_ordinary_text_stay_as_they_are() {
        for text in [
            "",
            "a film",
            "-1",
            "-0.25",
            "+3",
            "1e-3",
            "a=b",
            "not \"quoted\"",
            "x - y",
        ] {
            assert!(
                matches!(cell(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
        // They would be names to a spreadsheet.
        assert_eq!(cell("-inf"), "\\-inf");
    }

    #[test]
    fn a_backslash_that_stands_for_nothing_is_itself() {
        for text in ["N\\A", "a\\", "\\u", "\\u{", "\\u{x}", "\\u{d800}"] {
            assert_eq!(read_cell(text), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_from_a_cell_without_tabs_and_line_ends(text in any::<String>()) {
            let written = cell(&text);
            prop_assert!(!written.contains(acts));
            prop_assert!(!written.trim_start().starts_with(FORMULA) || is_number(&written));
            prop_assert_eq!(read_cell(&written), text.as_str());
        }

        #[test]
        fn so_is_every_text_of_what_has_a_meaning_here(text in "[\\\\\tnru{}0-9a =+\"\u{202e}-]{0,12}") {
            let written = cell(&text);
            prop_assert_eq!(read_cell(&written), text.as_str());
        }
    }
}
