//! The document as HTML and as Markdown.

use askama::Template;
use harmless::{fence, markdown as plain};

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
