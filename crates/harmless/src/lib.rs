//! Text from outside, made harmless for where it is written.
//!
//! Sentences, class names, column names, model names and paths come from files of strangers. Each medium has one rule here;
//! escaping the markup of HTML and SVG is left to the libraries that write them.
//!
//! | medium | rule |
//! |---|---|
//! | a line on a terminal, a text in a page or figure | [`shown()`] |
//! | lines on a terminal, code in a page | [`shown_lines()`] |
//! | Markdown | [`markdown()`], and for code [`fence()`] |
//! | JSON | [`json()`] |
//! | a cell of a file separated by tabs | [`cell()`], read back by [`read_cell()`] |
//! | a name of a folder | [`file_name()`] |
//!
//! Text without such characters is returned as it is, so letters of every script stay.

mod acting;
mod cell;
mod file_name;
mod json;
mod markdown;

pub use acting::{acts, shortened, shown, shown_lines};
pub use cell::{cell, read_cell};
pub use file_name::file_name;
pub use json::json;
pub use markdown::{fence, markdown};
