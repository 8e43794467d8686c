//! JSON.

use std::borrow::Cow;

use crate::acting::acts;

/// The same JSON, with what [acts](crate::acts()) inside its strings as `\u009b`: a parser reads the same value. Line ends between
/// values stay; within a string JSON has none.
pub fn json(text: &str) -> Cow<'_, str> {
    let acts = |letter: char| acts(letter) && !matches!(letter, '\n' | '\r' | '\t');
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if acts(letter) {
            // Every one of them is below U+10000.
            escaped += &format!("\\u{:04x}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_serde_leaves_raw_is_escaped() {
        assert_eq!(
            json("{\"a\":\"\u{9b}2J\u{202e}\u{7f}\"}"),
            "{\"a\":\"\\u009b2J\\u202e\\u007f\"}"
        );
        assert!(matches!(json("{\n  \"a\": \"é\"\n}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_character_that_acts_fits_into_four_digits() {
        assert!(('\u{10000}'..=char::MAX).all(|letter| !acts(letter)));
    }

    proptest! {
        #[test]
        fn a_parser_reads_the_same_value(text in any::<String>()) {
            let plain = serde_json::to_string(&text).expect("JSON");
            let harmless = json(&plain);
            prop_assert!(!harmless.contains(acts));
            let read: String = serde_json::from_str(&harmless).expect("JSON");
            prop_assert_eq!(read, text);
        }
    }
}
