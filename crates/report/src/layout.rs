//! The document as HTML and as Markdown.

use askama::Template;

use crate::document::{Block, Document, Folded};
use crate::figures;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    document: &'a Document,
    light: String,
    dark: String,
}

#[derive(Template)]
#[template(path = "report.md", escape = "none")]
struct Text<'a> {
    document: &'a Document,
}

/// One page, with its style and figures inside.
pub(crate) fn html(document: &Document) -> Result<String, askama::Error> {
    let (light, dark) = figures::declarations();
    Page {
        document,
        light,
        dark,
    }
    .render()
}

/// The same as Markdown, with the figures as files in `figures/`.
pub(crate) fn markdown(document: &Document) -> Result<String, askama::Error> {
    Text { document }.render()
}

/// Escapes text for Markdown, for a paragraph or a cell.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A code fence longer than any in the text.
fn fence(code: &str) -> String {
    let longest = code
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    "`".repeat(3.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_markdown() {
        assert_eq!(plain("a|b_c*<i>&\n"), "a\\|b\\_c\\*\\<i\\>&amp; ");
    }

    #[test]
    fn code_cannot_close_its_fence() {
        assert_eq!(fence("ls"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
