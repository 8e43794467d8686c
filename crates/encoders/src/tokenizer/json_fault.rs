//! What is wrong with a JSON file of a tokenizer, in this crate's words.

use serde_json::Error;
use serde_json::error::Category;

/// Says from where on a file is not what it should be, with what that is.
pub(super) fn json_fault(error: &Error, accepted: &str) -> String {
    let is_twice = error.to_string().starts_with("duplicate field");
    let found = match error.classify() {
        Category::Eof => "the JSON ends too early",
        Category::Syntax => "this is not JSON",
        Category::Data if is_twice => "a field is there twice",
        Category::Data | Category::Io => "the JSON has another form",
    };
    format!(
        "{found} at line {}, column {}; accepted is {accepted}",
        error.line(),
        error.column()
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn a_fault_is_told_by_its_kind_and_place() {
        #[derive(Debug, Deserialize)]
        struct Ids {
            #[serde(rename = "a")]
            _a: u32,
        }
        for (text, found) in [
            ("{\"a\": 1", "the JSON ends too early at line 1, column 7"),
            ("", "the JSON ends too early at line 1, column 0"),
            ("{\n\"a\" 1}", "this is not JSON at line 2, column 5"),
            (
                "{\"a\": \"1\"}",
                "the JSON has another form at line 1, column 9",
            ),
            (
                "{\"a\": 1, \"a\": 2}",
                "a field is there twice at line 1, column 12",
            ),
        ] {
            let error = serde_json::from_str::<Ids>(text).expect_err("it is wrong");
            let expected = format!("{found}; accepted is an id");
            assert_eq!(json_fault(&error, "an id"), expected, "{text}");
        }
    }
}
