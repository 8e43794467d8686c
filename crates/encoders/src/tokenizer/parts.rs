//! Parts of a `tokenizer.json` that the tokenizers library accepts and later panics at, or takes any memory for.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::charsmap;
use super::fence::READABLE;
use super::json_fault::json_fault;

/// The longest that a byte of a text may become. SentencePiece's table alone makes 33 of 3, and `▁` is 3 for a space; a
/// sequence of replacements that each double a text has no end.
const MOST_GROWTH: usize = 10_000;

/// Checks that a `tokenizer.json` is JSON, and its normalizer, pre-tokenizer and post-processor.
///
/// The library panics at a fault of the syntax if it is in a decoder, as where a download was cut short. What else there is in
/// the file is left to it.
pub(super) fn check(file: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        normalizer: Value,
        #[serde(default)]
        pre_tokenizer: Value,
        #[serde(default)]
        post_processor: Value,
        #[serde(default, rename = "decoder")]
        _decoder: Value,
    }
    let file: File = serde_json::from_slice(file).map_err(|error| json_fault(&error, READABLE))?;
    let mut growth = 1;
    for part in [file.normalizer, file.pre_tokenizer, file.post_processor] {
        check_part(&part, &mut growth)?;
    }
    match growth > MOST_GROWTH {
        false => Ok(()),
        true => Err(format!(
            "the normalizer can make a text {growth} times as long, accepted is at most {MOST_GROWTH}"
        )),
    }
}

/// Checks a part and the parts of which it is a sequence, and multiplies by how much each can lengthen a text.
fn check_part(part: &Value, growth: &mut usize) -> Result<(), String> {
    let inner: Box<dyn Iterator<Item = &Value>> = match part {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => {
            let longest = check_charsmap(fields)?.max(1);
            *growth = growth
                .saturating_mul(longest)
                .saturating_mul(lengthened(fields));
            check_template(fields)?;
            Box::new(fields.values())
        }
        _ => return Ok(()),
    };
    for part in inner {
        check_part(part, growth)?;
    }
    Ok(())
}

/// How many times as long a text can get by a part, at least 1.
fn lengthened(fields: &Map<String, Value>) -> usize {
    match fields.get("type").and_then(Value::as_str) {
        // A byte becomes a character of two bytes, a space one of three.
        Some("ByteLevel") => return 2,
        Some("Metaspace") => return 3,
        _ => {}
    }
    let (Some(pattern), Some(content)) = (fields.get("pattern"), fields.get("content")) else {
        return 1;
    };
    let content = content.as_str().map_or(0, str::len);
    match pattern.get("String").and_then(Value::as_str) {
        Some(pattern) if !pattern.is_empty() => content.div_ceil(pattern.len()).max(1),
        // A pattern may match the empty text before every character.
        _ => content + 1,
    }
}

/// The length of the longest text in a table; 0 where there is no table.
fn check_charsmap(fields: &Map<String, Value>) -> Result<usize, String> {
    let is_table = fields.get("type").and_then(Value::as_str) == Some("Precompiled");
    match fields.get("precompiled_charsmap") {
        Some(Value::String(table)) => charsmap::check(table),
        None if !is_table => Ok(0),
        found => Err(format!(
            "precompiled_charsmap is {}, accepted is a text",
            found.unwrap_or(&Value::Null)
        )),
    }
}

/// Checks that a template has every token that it names, and each text once, the second only where there is one.
///
/// What a truncated text has lost is merged with every repetition of it, so that memory doubles with each.
fn check_template(fields: &Map<String, Value>) -> Result<(), String> {
    let Some(Value::Object(tokens)) = fields.get("special_tokens") else {
        return Ok(());
    };
    for (name, token) in tokens {
        let length = |field: &str| token.get(field).and_then(Value::as_array).map(Vec::len);
        if length("ids") != length("tokens") {
            return Err(format!(
                "special token {name:?} has {} ids and {} tokens, accepted is the same number",
                length("ids").unwrap_or(0),
                length("tokens").unwrap_or(0)
            ));
        }
    }
    for (template, has_second) in [("single", false), ("pair", true)] {
        let pieces = fields.get(template).and_then(Value::as_array);
        let mut texts = Vec::new();
        for piece in pieces.into_iter().flatten() {
            let id = |kind: &str| piece.get(kind)?.get("id")?.as_str();
            if let Some(token) = id("SpecialToken").filter(|token| !tokens.contains_key(*token)) {
                return Err(format!(
                    "the template {template} names {token:?}, which is not in special_tokens"
                ));
            }
            texts.extend(id("Sequence"));
        }
        let accepted: &[&str] = if has_second { &["A", "B"] } else { &["A"] };
        let is_text =
            |(at, text): (usize, &&str)| accepted.contains(text) && !texts[..at].contains(text);
        if !texts.iter().enumerate().all(is_text) {
            return Err(format!(
                "the template {template} has the sequences {}, accepted is each of {} once",
                texts[..texts.len().min(8)].join(", "),
                accepted.join(", ")
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(part: &str, value: Value) -> String {
        let sequence = json!({ "type": "Sequence", "parts": [value] });
        let file = json!({ part: sequence }).to_string();
        check(file.as_bytes()).expect_err("the library would panic")
    }

    #[test]
    fn a_table_that_is_none_is_refused_wherever_it_is() {
        let table = |table: Value| json!({ "type": "Precompiled", "precompiled_charsmap": table });
        for (value, expected) in [
            (table(json!("AA")), "precompiled_charsmap is not base64"),
            (
                table(json!(7)),
                "precompiled_charsmap is 7, accepted is a text",
            ),
            (
                table(json!(null)),
                "precompiled_charsmap is null, accepted is a text",
            ),
            (
                json!({ "type": "Precompiled" }),
                "precompiled_charsmap is null, accepted is a text",
            ),
        ] {
            assert_eq!(refusal("normalizer", value), expected);
        }
    }

    #[test]
    fn a_template_with_a_token_or_a_text_too_many_is_refused() {
        let template = |single: Value, ids: Value| {
            json!({
                "type": "TemplateProcessing", "single": [single], "pair": [],
                "special_tokens": { "[A]": { "id": "[A]", "ids": ids, "tokens": ["[A]"] } },
            })
        };
        let token = |id: &str| json!({ "SpecialToken": { "id": id, "type_id": 0 } });
        let whole = json!({ "post_processor": template(token("[A]"), json!([1])) });
        assert_eq!(check(whole.to_string().as_bytes()), Ok(()));
        for (single, ids, expected) in [
            (
                token("[B]"),
                json!([1]),
                "the template single names \"[B]\", which is not in special_tokens",
            ),
            (
                json!({ "Sequence": { "id": "B", "type_id": 0 } }),
                json!([1]),
                "the template single has the sequences B, accepted is each of A once",
            ),
            (
                token("[A]"),
                json!([1, 2]),
                "special token \"[A]\" has 2 ids and 1 tokens, accepted is the same number",
            ),
        ] {
            assert_eq!(refusal("post_processor", template(single, ids)), expected);
        }
    }

    #[test]
    fn replacements_that_double_a_text_again_and_again_are_refused() {
        let replace = |pattern: Value, content: &str| json!({ "type": "Replace", "pattern": pattern, "content": content });
        let double = replace(json!({ "String": "a" }), "aa");
        let file = |times: usize| json!({ "normalizer": vec![double.clone(); times] }).to_string();
        assert_eq!(check(file(13).as_bytes()), Ok(()));
        assert_eq!(
            check(file(40).as_bytes()),
            Err("the normalizer can make a text 1099511627776 times as long, accepted is at most 10000".to_owned())
        );
        let usual = json!([
            replace(json!({ "Regex": " {2,}" }), " "),
            replace(json!({ "String": " " }), "▁"),
            replace(json!({ "String": "``" }), "\""),
        ]);
        assert_eq!(
            check(json!({ "normalizer": usual }).to_string().as_bytes()),
            Ok(())
        );
    }

    #[test]
    fn bytes_spelt_as_characters_again_and_again_are_refused() {
        let file = |times| json!({ "pre_tokenizer": vec![json!({ "type": "ByteLevel" }); times] });
        assert_eq!(check(file(2).to_string().as_bytes()), Ok(()));
        assert!(check(file(20).to_string().as_bytes()).is_err());
    }

    #[test]
    fn a_file_that_is_cut_short_is_refused_and_another_is_left_to_the_library() {
        let whole = br#"{"decoder": {"type": "WordPiece", "prefix": "\u0041"}, "model": 7}"#;
        assert_eq!(check(whole), Ok(()));
        for length in 0..whole.len() {
            check(&whole[..length]).expect_err("it is cut");
        }
    }
}
