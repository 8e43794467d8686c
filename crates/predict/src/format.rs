//! Predictions as lines of text.

use encoders::HeadOutputs;
use serde::Serialize;

use crate::input::Text;
use crate::prediction::Prediction;

/// How a prediction is written. Each is one line, whatever its text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Columns to look at: label, score and the beginning of the text, in which nothing acts on a terminal.
    Table,
    /// An object per line, `{"text", "text_pair", "label", "score", "logits"}`; `text_pair` is null for a text alone,
    /// `label` for a number. What would act on a terminal is escaped, so that a parser reads the text as it was.
    JsonLines,
    /// A header and columns separated by tabs, without quotes. Texts and labels are written by [`harmless::cell()`] and read by
    /// [`harmless::read_cell()`]: backslashes stand before what would end a cell, act on a terminal, or be a formula to a
    /// spreadsheet. Logits are separated by commas. What is null in JSON is empty here.
    Tsv,
}

/// The columns of [`Format::Tsv`].
const HEADER: &str = "text\ttext_pair\tlabel\tscore\tlogits";

/// Between the texts of a pair in a table.
const BETWEEN: &str = " | ";
/// Longest text in a table, in characters.
const LONGEST_TEXT: usize = 1000;
/// Longest label in a table, in characters.
const LONGEST_LABEL: usize = 60;

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
                let text = serde_json::to_string(&item).expect("text and finite numbers");
                line.extend_from_slice(harmless::json(&text).as_bytes());
            }
            Self::Tsv => {
                let logits: Vec<String> = prediction.logits.iter().map(f32::to_string).collect();
                let fields = [
                    harmless::cell(&text.text),
                    harmless::cell(text.text_pair.as_deref().unwrap_or_default()),
                    harmless::cell(label.unwrap_or_default()),
                    prediction.score.to_string().into(),
                    logits.join(",").into(),
                ];
                line.extend_from_slice(fields.join("\t").as_bytes());
            }
            Self::Table => {
                let mut shown = looked_at(&text.text, LONGEST_TEXT);
                if let Some(second) = &text.text_pair {
                    shown += BETWEEN;
                    shown += &looked_at(second, LONGEST_TEXT);
                }
                let text = match (label, outputs) {
                    (Some(label), HeadOutputs::Classes(labels)) => {
                        let label_of = |label: &str| looked_at(label, LONGEST_LABEL);
                        let widths = labels.iter().map(|label| label_of(label).chars().count());
                        let (label, width) = (label_of(label), widths.max().unwrap_or(0));
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
                    text: harmless::read_cell(text).into_owned(),
                    text_pair: Some(harmless::read_cell(text_pair).into_owned()),
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

/// The beginning of a text in one line of a table.
fn looked_at(text: &str, longest: usize) -> String {
    let text = harmless::shortened(text, longest).replace(['\t', '\n', '\r'], " ");
    harmless::shown(&text).into_owned()
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
    fn hostile_texts_and_labels_do_nothing_in_any_format() {
        let hostile = "\u{1b}[2J\u{9b}1A\u{202e}\0\r\n=1+1";
        let outputs = HeadOutputs::Classes(vec![format!("={hostile}"), "b".to_owned()]);
        let pair = text(hostile, Some("=cmd"));
        for format in [Format::Table, Format::JsonLines, Format::Tsv] {
            let line = line(format, &pair, &[0.5, 0.5], &outputs);
            let line = line.strip_suffix('\n').expect("a line end");
            let acts = |c: char| harmless::acts(c) && c != '\t';
            assert!(!line.contains(acts), "{line:?}");
            if format == Format::Tsv {
                let cells: Vec<&str> = line.split('\t').collect();
                assert_eq!(cells.len(), 5);
                assert!(
                    !cells
                        .iter()
                        .any(|cell| cell.starts_with(['=', '+', '@', '"'])),
                    "{cells:?}"
                );
                assert_eq!(harmless::read_cell(cells[2]), format!("={hostile}"));
            }
        }
    }

    #[test]
    fn a_table_shows_the_beginning_of_long_texts_and_labels() {
        let long = "x".repeat(10_000_000);
        let outputs = HeadOutputs::Classes(vec![long.clone(), "b".to_owned()]);
        let line = line(
            Format::Table,
            &text(&long, Some(&long)),
            &[0.5, 0.5],
            &outputs,
        );
        assert!(
            line.chars().count() < 2 * LONGEST_TEXT + LONGEST_LABEL + 20,
            "{}",
            line.len()
        );
    }

    #[test]
    fn the_texts_of_a_line_are_read_back() {
        for text in [
            text("=1+1", Some("\"@")),
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
