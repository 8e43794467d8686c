//! Tokenizers of every kind of file and setting, against transformers.

use std::collections::BTreeMap;
use std::fs;

use encoders::{Encoding, Snapshot, Tokenizer};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::golden;

/// `golden/tokenizer_files/expected.json`.
#[derive(Deserialize)]
struct Expected {
    max_length: usize,
    pair_max_length: usize,
    texts: Vec<String>,
    pairs: Vec<(String, String)>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    golden: String,
    whole: bool,
    beside: BTreeMap<String, Value>,
    singles: Vec<Vec<u32>>,
    pairs: Vec<Vec<u32>>,
    types: Option<Vec<Vec<u32>>>,
}

impl Case {
    /// Writes the snapshot's files as the generator does.
    fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let snapshot = format!("{}/snapshot", self.golden);
        let mut config: Value = golden::json(&format!("{snapshot}/config.json"));
        // Tokens beyond the vocabulary get ids of their own.
        config["vocab_size"] = json!(400);
        write("config.json", config.to_string());
        let whole: Value = golden::json(&format!("{snapshot}/tokenizer.json"));
        let model = &whole["model"];
        if self.whole {
            write("tokenizer.json", whole.to_string());
        } else if model["type"] == "BPE" {
            write("vocab.json", model["vocab"].to_string());
            let mut merges = "#version: 0.2\n".to_owned();
            for merge in model["merges"].as_array().unwrap() {
                let tokens = [&merge[0], &merge[1]].map(|token| token.as_str().unwrap());
                merges += &format!("{}\n", tokens.join(" "));
            }
            write("merges.txt", merges);
        } else {
            let vocabulary = model["vocab"].as_object().unwrap().iter();
            let mut tokens: Vec<_> = vocabulary.collect();
            tokens.sort_by_key(|(_, id)| id.as_u64());
            let lines = tokens.iter().map(|(token, _)| format!("{token}\n"));
            write("vocab.txt", lines.collect());
        }
        for (name, content) in &self.beside {
            write(&format!("{name}.json"), content.to_string());
        }
        folder
    }
}

fn tokenizer(folder: &TempDir, max_length: usize) -> Tokenizer {
    let tokenizer = Snapshot::open(folder.path()).unwrap().tokenizer(max_length);
    tokenizer.unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn check(ours: &[Encoding], theirs: impl Iterator<Item = Encoding>, what: &str) {
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(*ours, theirs, "{what} {index}");
    }
}

#[test]
fn nasty_texts_and_pairs_have_the_ids_of_transformers() {
    let expected: Expected = golden::json("tokenizer_files/expected.json");
    assert_eq!((expected.texts.len(), expected.pairs.len()), (60, 20));
    assert_eq!(expected.cases.len(), 18);
    for case in &expected.cases {
        let what = format!("{} {} {:?}", case.golden, case.whole, case.beside);
        let folder = case.folder();
        let single = tokenizer(&folder, expected.max_length);
        let texts = expected.texts.iter().map(|text| (text.as_str(), None));
        let theirs = case.singles.iter().map(|ids| Encoding {
            ids: ids.clone(),
            type_ids: vec![0; ids.len()],
        });
        check(&single.encode(texts).unwrap(), theirs, &what);

        let pair = tokenizer(&folder, expected.pair_max_length);
        let texts = expected.pairs.iter();
        let texts = texts.map(|(first, second)| (first.as_str(), Some(second.as_str())));
        let theirs = case.pairs.iter().enumerate().map(|(index, ids)| Encoding {
            ids: ids.clone(),
            type_ids: match &case.types {
                Some(types) => types[index].clone(),
                None => vec![0; ids.len()],
            },
        });
        let mut ours = pair.encode(texts).unwrap();
        if case.golden == "distilbert" {
            // It ignores the token types that it may be given.
            ours.iter_mut()
                .for_each(|encoding| encoding.type_ids.fill(0));
        }
        check(&ours, theirs, &what);
    }
}

/// A snapshot of the RoBERTa golden with its older files and these settings.
fn roberta(settings: Value) -> TempDir {
    let case = Case {
        golden: "roberta".to_owned(),
        whole: false,
        beside: BTreeMap::from([("tokenizer_config".to_owned(), settings)]),
        singles: Vec::new(),
        pairs: Vec::new(),
        types: None,
    };
    case.folder()
}

#[track_caller]
fn complaint(folder: &TempDir, file: &str) -> String {
    let error = Snapshot::open(folder.path()).unwrap().tokenizer(16);
    let text = error.unwrap_err().to_string();
    let start = format!("{}: ", folder.path().join(file).display());
    assert!(!text.contains('\n'), "{text}");
    let rest = text.strip_prefix(&start);
    rest.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn merges_that_do_not_fit_their_vocabulary_are_named() {
    for (line, reason) in [
        ("one", "line 2 is `one`, accepted are two tokens"),
        ("a b c", "line 2 is `a b c`, accepted are two tokens"),
        ("", "line 2 is ``, accepted are two tokens"),
        ("a zz", "line 2 needs `zz`, which is not in vocab.json"),
        ("z z", "line 2 needs `zz`, which is not in vocab.json"),
    ] {
        let folder = roberta(json!({}));
        let path = folder.path().join("merges.txt");
        fs::write(path, format!("#version: 0.2\n{line}\n")).unwrap();
        assert_eq!(complaint(&folder, "merges.txt"), reason);
    }
    let folder = roberta(json!({}));
    fs::write(folder.path().join("vocab.json"), "[]").unwrap();
    complaint(&folder, "vocab.json");
}

#[test]
fn a_vocabulary_of_another_class_is_refused_with_the_way_on() {
    let folder = roberta(json!({ "tokenizer_class": "BertweetTokenizer" }));
    let text = complaint(&folder, "tokenizer.json");
    let start = "no such file, and BertweetTokenizer is not built from vocab.json here; write it with: python -c ";
    assert!(text.starts_with(start), "{text}");
    let folder = roberta(json!({}));
    fs::remove_file(folder.path().join("merges.txt")).unwrap();
    assert!(complaint(&folder, "tokenizer.json").contains("vocab.json"));
}

#[test]
fn positions_counted_from_the_padding_do_not_mind_where_it_is() {
    let folder = roberta(json!({ "padding_side": "left" }));
    assert!(tokenizer(&folder, 16).notes().is_empty());
}

#[test]
fn merges_left_out_at_random_are_refused() {
    let folder = roberta(json!({ "tokenizer_class": "PreTrainedTokenizerFast" }));
    let mut whole: Value = golden::json("roberta/snapshot/tokenizer.json");
    whole["model"]["dropout"] = json!(0.5);
    fs::write(folder.path().join("tokenizer.json"), whole.to_string()).unwrap();
    let text = complaint(&folder, "tokenizer.json");
    assert!(
        text.starts_with("model.dropout is 0.5, accepted is null"),
        "{text}"
    );
    // RoBERTa's own class has none.
    fs::remove_file(folder.path().join("tokenizer_config.json")).unwrap();
    tokenizer(&folder, 16);
}

#[test]
fn merges_of_a_whole_tokenizer_that_make_no_token_are_named() {
    let folder = roberta(json!({}));
    let long = "x".repeat(99);
    for (merge, text) in [
        (
            json!(["z", "z"]),
            "joins `z` and `z`, and `zz` is".to_owned(),
        ),
        (json!("z z"), "joins `z` and `z`, and `zz` is".to_owned()),
        (
            json!(["z", long]),
            format!("joins `z` and `{long}`, and `z{long}` is"),
        ),
    ] {
        let mut whole: Value = golden::json("roberta/snapshot/tokenizer.json");
        whole["model"]["vocab"][&long] = json!(339);
        whole["model"]["merges"] = json!([merge]);
        fs::write(folder.path().join("tokenizer.json"), whole.to_string()).unwrap();
        let expected = format!("model.merges {text} not in model.vocab");
        assert_eq!(complaint(&folder, "tokenizer.json"), expected);
    }
}
