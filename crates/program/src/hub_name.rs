//! A folder that does not exist may be meant as a repository of the Hugging Face hub, by the name transformers takes.

use std::path::Path;

use crate::source::{Kind, Wanted};

/// Models that transformers takes without an owner, and their repositories.
const MODELS: &[(&str, &str)] = &[
    ("albert-base-v2", "albert/albert-base-v2"),
    ("bert-base-cased", "google-bert/bert-base-cased"),
    (
        "bert-base-multilingual-cased",
        "google-bert/bert-base-multilingual-cased",
    ),
    ("bert-base-uncased", "google-bert/bert-base-uncased"),
    ("bert-large-cased", "google-bert/bert-large-cased"),
    ("bert-large-uncased", "google-bert/bert-large-uncased"),
    (
        "distilbert-base-uncased",
        "distilbert/distilbert-base-uncased",
    ),
    ("distilroberta-base", "distilbert/distilroberta-base"),
    ("roberta-base", "FacebookAI/roberta-base"),
    ("roberta-large", "FacebookAI/roberta-large"),
    ("xlm-roberta-base", "FacebookAI/xlm-roberta-base"),
    ("xlnet-base-cased", "xlnet/xlnet-base-cased"),
];

/// The message for a folder that does not exist: what it should hold, and what to type if a repository was meant.
pub(crate) fn absent(wanted: &Wanted, folder: &Path) -> String {
    let mut message = format!(
        "{}: no such folder; expected one with {}",
        folder.display(),
        wanted.holds
    );
    if let Some(name) = folder.to_str().and_then(|text| repository(wanted, text)) {
        message += &format!(
            "; for a repository of the Hugging Face hub: {} hf:{name}",
            wanted.option
        );
    }
    message
}

/// The name to type after `hf:`, for a text that could name a repository: `NAME` or `OWNER/NAME`.
fn repository(wanted: &Wanted, text: &str) -> Option<String> {
    let (name, revision) = text.split_at(text.find('@').unwrap_or(text.len()));
    let is_name = |part: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(is_plain)
    };
    if !name.split('/').all(is_name) {
        return None;
    }
    let models = if wanted.kind == Kind::Model {
        MODELS
    } else {
        &[]
    };
    let known = models.iter().find(|(short, _)| *short == name);
    match (known, name.split('/').count()) {
        (Some((_, full)), _) => Some(format!("{full}{revision}")),
        (None, 1) if wanted.full_name(name) != name => Some(text.to_owned()),
        (None, 1) => Some(format!("OWNER/{text}")),
        (None, 2) => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(kind: Kind) -> Wanted {
        Wanted {
            option: "--x",
            kind,
            bundled: None,
            holds: "a file",
            downloads: Vec::new(),
            short_names: &[("sst2", "nyu-mll/glue")],
        }
    }

    #[test]
    fn a_repository_without_hf_is_answered_with_what_to_type() {
        let name = |kind, text| repository(&wanted(kind), text);
        for (text, expected) in [
            ("bert-base-uncased", "google-bert/bert-base-uncased"),
            ("roberta-base@main", "FacebookAI/roberta-base@main"),
            ("prajjwal1/bert-tiny", "prajjwal1/bert-tiny"),
            ("my-model", "OWNER/my-model"),
        ] {
            assert_eq!(name(Kind::Model, text).as_deref(), Some(expected));
        }
        assert_eq!(name(Kind::Dataset, "sst2").as_deref(), Some("sst2"));
        let model = name(Kind::Dataset, "bert-base-uncased");
        assert_eq!(model.as_deref(), Some("OWNER/bert-base-uncased"));
        for text in [
            "./model",
            "/models/bert",
            "../x",
            "a/b/c",
            "a b",
            "models/",
            "",
            "~/x",
        ] {
            assert_eq!(name(Kind::Model, text), None, "{text}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_one_line() {
        let message = absent(&wanted(Kind::Model), Path::new("roberta-base"));
        assert_eq!(
            message,
            "roberta-base: no such folder; expected one with a file; for a repository of the Hugging Face hub: \
             --x hf:FacebookAI/roberta-base"
        );
        let message = absent(&wanted(Kind::Model), Path::new("./roberta-base"));
        assert_eq!(
            message,
            "./roberta-base: no such folder; expected one with a file"
        );
    }
}
