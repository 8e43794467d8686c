//! Markdown.

use crate::acting::shown;

/// Text that is shown as it is, in a paragraph, a heading, an item of a list or a cell of a table: no markup, no HTML, no link,
/// and in one line.
///
/// Source: GitHub Flavored Markdown 0.29, where every ASCII punctuation character may be escaped; `$` is GitHub's own.
pub fn markdown(text: &str) -> String {
    let text = shown(text);
    let mut escaped = String::with_capacity(text.len());
    let is_block = begins_a_block(&text);
    for (at, letter) in text.char_indices() {
        let is_markup = match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '$' => true,
            // Web addresses become links by themselves.
            '/' => text[..at].ends_with(':'),
            '.' => follows_www(&text.as_bytes()[..at]) || is_block == Some(at),
            _ => is_block == Some(at),
        };
        match letter {
            '&' => escaped.push_str("&amp;"),
            _ => {
                if is_markup {
                    escaped.push('\\');
                }
                escaped.push(letter);
            }
        }
    }
    escaped
}

fn follows_www(before: &[u8]) -> bool {
    before
        .last_chunk::<3>()
        .is_some_and(|last| last.eq_ignore_ascii_case(b"www"))
}

/// Where the mark is that makes the text an item of a list, a line or the underline of a heading, if it begins with one.
fn begins_a_block(text: &str) -> Option<usize> {
    let rest = text.trim_start();
    let at = text.len() - rest.len();
    let ends_or_is_space = |rest: &str| rest.chars().next().is_none_or(char::is_whitespace);
    match rest.chars().next()? {
        mark @ ('-' | '+' | '=') => {
            let is_line = rest.trim_end().chars().all(|letter| letter == mark);
            (is_line || mark != '=' && ends_or_is_space(&rest[1..])).then_some(at)
        }
        digit if digit.is_ascii_digit() => {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let mark = rest[digits..].chars().next()?;
            let is_item = matches!(mark, '.' | ')') && ends_or_is_space(&rest[digits + 1..]);
            is_item.then_some(at + digits)
        }
        _ => None,
    }
}

/// A code fence longer than any in the text.
pub fn fence(code: &str) -> String {
    let runs = code.split(|letter| letter != '`').map(str::len);
    "`".repeat(3.max(runs.max().unwrap_or(0) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        for (text, expected) in [
            ("a|b_c*<i>&\n", "a\\|b\\_c\\*\\<i\\>&amp;\\\\n"),
            ("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"),
            ("![x](y)", "!\\[x\\](y)"),
            ("~~x~~ $y$", "\\~\\~x\\~\\~ \\$y\\$"),
            ("https://a.b", "https:\\//a.b"),
            ("WWW.a.b", "WWW\\.a.b"),
            ("\u{1b}[31m", "\\\\u{1b}\\[31m"),
        ] {
            assert_eq!(markdown(text), expected);
        }
    }

    #[test]
    fn nothing_begins_a_block() {
        for (text, expected) in [
            ("- a", "\\- a"),
            (" + a", " \\+ a"),
            ("===", "\\==="),
            ("12. a", "12\\. a"),
            ("3) a", "3\\) a"),
            ("3.", "3\\."),
        ] {
            assert_eq!(markdown(text), expected);
        }
    }

    #[test]
    fn ordinary_sentences_and_numbers_stay() {
        for text in [
            "80.75 in 3. place",
            "0.15",
            "a - b = c",
            "-0.11",
            "+0.23",
            "=1",
            "hf:a/b@c",
            "3.x",
        ] {
            assert_eq!(markdown(text), text);
        }
    }

    #[test]
    fn code_cannot_close_its_fence() {
        assert_eq!(fence("ls"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
