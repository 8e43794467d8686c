//! Predictions as lines of text.

use encoders::HeadOutputs;
use serde::Serialize;

use crate::input::Text;
use crate::prediction::Prediction;

/// How a prediction is written. Each is one line, whatever its text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Columns to look at: label, score, text; control characters of the text are shown as spaces.
    Table,
    /// An object per line, `{"text", "text_pair", "label", "score", "logits"}`; `text_pair` is null for a text alone,
    /// `label` for a number.
    JsonLines,
    /// A header and columns separated by tabs, without quotes: in a text, `\t`, `\n`, `\r` and `\\` stand for a tab, line
    /// ends and the backslash. Logits are separated by commas. What is null in JSON is empty here.
    Tsv,
}

/// The columns of [`Format::Tsv`].
const HEADER: &str = "text\ttext_pair\tlabel\tscore\tlogits";

/// Between the texts of a pair in a table.
const BETWEEN: &str = " | ";

#[derive(Serialize)]
struct Line<'a> {
    text: &'a str,
    text_pair: Option<&'a str>,
    label: Option<&'a str>,
    score: f32,
    logits: &'a [f32],
}

/// The texts of a written line.
#[derive(serde::Deserialize)]
struct Written {
    text: String,
    text_pair: Option<String>,
}

impl Format {
    /// Its name on a command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::JsonLines => "jsonl",
            Self::Tsv => "tsv",
        }
    }

    /// The line before the first prediction, without its end.
    pub(crate) fn header(self) -> Option<&'static str> {
        (self == Self::Tsv).then_some(HEADER)
    }

    /// Adds the line of a prediction, with its end.
    pub(crate) fn write(
        self,
        text: &Text,
        prediction: &Prediction,
        outputs: &HeadOutputs,
        line: &mut Vec<u8>,
    ) {
        let label = label(prediction, outputs);
        match self {
            Self::JsonLines => {
                let item = Line {
                    text: &text.text,
                    text_pair: text.text_pair.as_deref(),
                    label,
                    score: prediction.score,
                    logits: &prediction.logits,
                };
                serde_json::to_writer(&mut *line, &item).expect("text and finite numbers");
            }
            Self::Tsv => {
                let logits: Vec<String> = prediction.logits.iter().map(f32::to_string).collect();
                let fields = [
                    escaped(&text.text),
                    escaped(text.text_pair.as_deref().unwrap_or_default()),
                    escaped(label.unwrap_or_default()),
                    prediction.score.to_string(),
                    logits.join(","),
                ];
                line.extend_from_slice(fields.join("\t").as_bytes());
            }
            Self::Table => {
                let mut shown = text.text.clone();
                if let Some(second) = &text.text_pair {
                    shown += BETWEEN;
                    shown += second;
                }
                let shown = shown.replace(char::is_control, " ");
                let text = match (label, outputs) {
                    (Some(label), HeadOutputs::Classes(labels)) => {
                        let widths = labels.iter().map(|label| label.chars().count());
                        let width = widths.max().unwrap_or(0);
                        format!("{label:width$}  {:.4}  {shown}", prediction.score)
                    }
                    _ => format!("{:>9.4}  {shown}", prediction.score),
                };
                line.extend_from_slice(text.as_bytes());
            }
        }
        line.push(b'\n');
    }

    /// The texts of a line, without its end; `None` if it is none of this format.
    pub(crate) fn read(self, line: &[u8]) -> Option<Text> {
        let line = std::str::from_utf8(line).ok()?;
        match self {
            Self::Table => None,
            Self::JsonLines => {
                let Written { text, text_pair } = serde_json::from_str(line).ok()?;
                Some(Text { text, text_pair })
            }
            Self::Tsv => {
                let fields: Vec<&str> = line.split('\t').collect();
                let [text, text_pair, _, _, _] = fields[..] else {
                    return None;
                };
                Some(Text {
                    text: unescaped(text),
                    text_pair: Some(unescaped(text_pair)),
                })
            }
        }
    }

    /// The text as [`read`](Self::read) finds it.
    pub(crate) fn as_read(self, text: &Text) -> Text {
        let mut text = text.clone();
        if self == Self::Tsv {
            text.text_pair.get_or_insert_default();
        }
        text
    }
}

/// The label of a prediction; `None` for a number.
pub(crate) fn label<'a>(prediction: &Prediction, outputs: &'a HeadOutputs) -> Option<&'a str> {
    match (prediction.class, outputs) {
        (Some(class), HeadOutputs::Classes(labels)) => labels.get(class).map(String::as_str),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped += "\\\\",
            '\t' => escaped += "\\t",
            '\n' => escaped += "\\n",
            '\r' => escaped += "\\r",
            other => escaped.push(other),
        }
    }
    escaped
}

fn unescaped(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('t') => unescaped.push('\t'),
                Some('n') => unescaped.push('\n'),
                Some('r') => unescaped.push('\r'),
                Some(other) => unescaped.push(other),
                None => unescaped.push('\\'),
            },
            other => unescaped.push(other),
        }
    }
    unescaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(first: &str, second: Option<&str>) -> Text {
        Text {
            text: first.to_owned(),
            text_pair: second.map(str::to_owned),
        }
    }

    fn line(format: Format, text: &Text, logits: &[f32], outputs: &HeadOutputs) -> String {
        let prediction = Prediction::new(logits.to_vec(), *outputs == HeadOutputs::Score);
        let mut line = Vec::new();
        format.write(text, &prediction, outputs, &mut line);
        String::from_utf8(line).expect("text")
    }

    fn classes() -> HeadOutputs {
        HeadOutputs::Classes(vec!["no".to_owned(), "perhaps".to_owned()])
    }

    #[test]
    fn a_json_line_has_the_five_fields_in_order() {
        let alone = line(
            Format::JsonLines,
            &text("a \"b\"\n", None),
            &[0.25, 0.25],
            &classes(),
        );
        assert_eq!(
            alone,
            "{\"text\":\"a \\\"b\\\"\\n\",\"text_pair\":null,\"label\":\"no\",\"score\":0.5,\"logits\":[0.25,0.25]}\n"
        );
        let pair = line(
            Format::JsonLines,
            &text("é", Some("")),
            &[-1.5],
            &HeadOutputs::Score,
        );
        assert_eq!(
            pair,
            "{\"text\":\"é\",\"text_pair\":\"\",\"label\":null,\"score\":-1.5,\"logits\":[-1.5]}\n"
        );
    }

    #[test]
    fn a_tsv_line_has_no_tab_and_no_line_end_of_its_text() {
        let pair = text("a\tb\\\r\n", Some("\\n"));
        let line = line(Format::Tsv, &pair, &[0.5, 0.5], &classes());
        assert_eq!(line, "a\\tb\\\\\\r\\n\t\\\\n\tno\t0.5\t0.5,0.5\n");
        assert_eq!(HEADER.matches('\t').count(), line.matches('\t').count());
    }

    #[test]
    fn a_table_shows_the_label_the_score_and_one_line_of_text() {
        let pair = text("a\nb", Some("c"));
        assert_eq!(
            line(Format::Table, &pair, &[0.5, 0.5], &classes()),
            "no       0.5000  a b | c\n"
        );
        assert_eq!(
            line(
                Format::Table,
                &text("a", None),
                &[-2.0],
                &HeadOutputs::Score
            ),
            "  -2.0000  a\n"
        );
    }

    #[test]
    fn the_texts_of_a_line_are_read_back() {
        for text in [
            text("", None),
            text("a\tb\\t\r\n\\", Some("")),
            text("\"{}\u{0}\u{2028}", Some("\t\n")),
        ] {
            for format in [Format::JsonLines, Format::Tsv] {
                let line = line(format, &text, &[0.5, 0.5], &classes());
                let line = line.strip_suffix('\n').expect("a line end");
                assert!(!line.contains('\n'), "{line}");
                assert_eq!(format.read(line.as_bytes()), Some(format.as_read(&text)));
            }
        }
        for other in [&b"{\"text\":1}"[..], b"a\tb", b"\xff"] {
            assert_eq!(Format::JsonLines.read(other), None);
            assert_eq!(Format::Tsv.read(other), None);
        }
    }
}
