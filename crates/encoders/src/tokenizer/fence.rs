//! A fence around the tokenizers library.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::json_fault::json_fault;

/// What the library reads, for messages.
pub(super) const READABLE: &str = "a tokenizer.json as the tokenizers library writes it";

/// Calls the library, which panics on some tokenizers that it has read without an error; a panic becomes an error too.
///
/// What is known to make it panic is refused before (`charsmap.rs`, `parts.rs`, `vocabulary.rs`), because a panic prints.
pub(super) fn fenced<T>(call: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| match error.downcast_ref() {
            Some(json) => json_fault(json, READABLE),
            None => error.to_string(),
        }),
        Err(panic) => Err(format!("the tokenizers library failed: {}", said(&*panic))),
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_library_is_an_error() {
        let failed: Result<(), String> = fenced(|| panic!("at token {}", 7));
        let expected = "the tokenizers library failed: at token 7";
        assert_eq!(failed, Err(expected.to_owned()));
        assert_eq!(fenced(|| Ok(7)), Ok(7));
    }
}
