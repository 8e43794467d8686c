//! JSON as it is written into a study's folder.

use serde::Serialize;

/// Plain data as indented JSON, ending with a newline.
pub(crate) fn json_text(data: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(data).expect("it is plain data");
    text.push('\n');
    text
}
