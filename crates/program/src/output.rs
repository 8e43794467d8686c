//! Standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints a program's result.
///
/// # Errors
/// [`Failure::World`] if the reader is gone or the disk is full; `print!` would panic.
pub fn print(text: &str) -> Result<(), Failure> {
    print_to(&mut io::stdout().lock(), text)
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// Those of [`print()`].
///
/// # Panics
/// If the value is not plain data, for example a map with keys that are not text.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).expect("the value is plain data");
    print(&(text + "\n"))
}

fn print_to(output: &mut impl Write, text: &str) -> Result<(), Failure> {
    let written = output.write_all(text.as_bytes());
    written
        .and_then(|()| output.flush())
        .map_err(|error| Failure::World(format!("standard output: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

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
