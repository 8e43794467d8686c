//! Standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints the lines of a program's result, in which nothing but line ends and tabs acts on a terminal
/// ([`harmless::shown_lines()`]). What comes from outside must have been made one line before ([`harmless::shown()`]).
///
/// # Errors
/// [`Failure::World`] if the reader is gone or the disk is full; `print!` would panic.
pub fn print(text: &str) -> Result<(), Failure> {
    print_to(&mut io::stdout().lock(), text)
}

/// Prints a value as one line of JSON, in which nothing acts on a terminal ([`harmless::json()`]).
///
/// # Errors
/// Those of [`print()`].
///
/// # Panics
/// If the value is not plain data, for example a map with keys that are not text.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).expect("the value is plain data");
    print(&harmless::json(&(text + "\n")))
}

fn print_to(output: &mut impl Write, text: &str) -> Result<(), Failure> {
    let written = output.write_all(harmless::shown_lines(text).as_bytes());
    written
        .and_then(|()| output.flush())
        .map_err(|error| Failure::World(format!("standard output: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_only_shows() {
        let mut printed = Vec::new();
        print_to(&mut printed, "a\tb\n\u{1b}]0;title\u{7}\r\u{202e}").expect("memory takes it");
        let printed = String::from_utf8(printed).expect("text");
        assert_eq!(printed, "a\tb\n\\u{1b}]0;title\\u{7}\\r\\u{202e}");
    }

    #[test]
    fn a_failed_write_is_an_error() {
        let mut full: &mut [u8] = &mut [0; 3];
        let failure = print_to(&mut full, "four").expect_err("there is room for three");
        assert_eq!(
            failure.to_string(),
            "error: standard output: failed to write whole buffer"
        );
    }
}
