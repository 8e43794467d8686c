//! Characters that do something instead of being seen.

use std::borrow::Cow;

/// Whether a character does something to the text around it instead of being seen: it moves a terminal's cursor, ends a line,
/// or changes the order in which others are shown.
///
/// These are the control characters (C0, with NUL and the escape of ANSI codes, DEL, and C1), line and paragraph separators,
/// the embeddings, overrides and isolates of Unicode's bidirectional algorithm, and the two characters that no XML document
/// may have.
///
/// Source: Unicode Standard Annex 9, table 4; Boucher and Anderson (2021), "Trojan Source: Invisible Vulnerabilities". Marks of
/// direction (U+200E, U+200F, U+061C) are part of ordinary text and order only punctuation.
pub fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// Text in one line, with what [acts] written as in a Rust literal: `\n`, `\u{1b}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// Text whose line ends and tabs stay, with everything else that [acts] written as in a Rust literal.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| {
        acts(letter) && !matches!(letter, '\n' | '\t')
    })
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match acts(letter) {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

/// The first characters of a text, with `…` if there are more than `most`.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_as_in_a_literal() {
        for (text, expected) in [
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\r\nb\tc\0", "a\\r\\nb\\tc\\u{0}"),
            ("\u{7f}\u{8}", "\\u{7f}\\u{8}"),
            ("abc\u{202e}cba\u{2066}", "abc\\u{202e}cba\\u{2066}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn letters_of_every_script_are_borrowed_as_they_are() {
        for text in [
            "",
            "plain",
            "été",
            "עברית\u{200f}",
            "ไทย",
            "漢字",
            "👩‍🔬",
            "a\u{a0}b",
            "\\u{1b}",
        ] {
            assert!(
                matches!(shown(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn lines_and_columns_stay_where_they_are_wanted() {
        assert_eq!(shown_lines("a\n\tb\r\n\u{1b}"), "a\n\tb\\r\n\\u{1b}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 0), "…");
    }
}
