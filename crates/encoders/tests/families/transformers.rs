//! transformers' `AutoModelForSequenceClassification` computes from a saved model what this crate computes.
//!
//! What it computed is in `tests/golden/saved/expected.json`, with the SHA-256 of the files that it read: as long as the
//! same files are written, it computes the same. `NOISYTUNE_PYTHON` names a Python with torch and transformers for the tests that
//! run it again; with `NOISYTUNE_RENEW` set too, the first of them writes `expected.json` anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use burn::tensor::Device;
use encoders::{Classifier, Dropouts, EncoderInput, Encoding, ProblemType, SaveOptions, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::closeness::{Tolerance, assert_close, values};
use crate::family::{FAMILIES, Family};
use crate::golden;
use crate::saving::options;

/// Two correct f32 programs over two layers; logits are 0.1 to 3.
const ROUNDING: Tolerance = Tolerance {
    relative: 1e-5,
    element: 5e-5,
};

/// Families whose tokenizers transformers builds anew from the vocabulary. The normalizers of the tiny ones are other than the
/// class's, so ids may differ; logits are compared for the same ids.
const REBUILT: [&str; 3] = ["xlm_roberta", "xlnet", "deberta"];

/// Texts that both programs tokenize.
const TEXTS: [(&str, Option<&str>); 5] = [
    ("a warm film , and the harbour scene is lovely .", None),
    ("Never dull; the voice of the old actor is tender.", None),
    ("", None),
    ("Not bad!", Some("Better than most...")),
    (
        "The plot?",
        Some("They told it slowly, without music, and the camera is calm and still."),
    ),
];

/// A saved model, and the texts to compare.
pub(crate) struct Case {
    name: String,
    pub(crate) place: PathBuf,
    options: SaveOptions,
    max_length: usize,
    texts: Vec<(String, Option<String>)>,
}

/// What transformers makes of a saved model.
#[derive(Debug, Deserialize, Serialize)]
struct Answer {
    logits: Vec<Vec<f32>>,
    ids: Vec<Vec<u32>>,
    problem_type: String,
    id2label: Vec<String>,
    dtype: String,
}

#[derive(Deserialize, Serialize)]
struct Answers {
    versions: Value,
    answers: Vec<Answer>,
}

/// `expected.json`.
#[derive(Deserialize, Serialize)]
struct Expected {
    versions: Value,
    models: BTreeMap<String, Model>,
}

#[derive(Deserialize, Serialize)]
struct Model {
    /// SHA-256 by file name.
    files: BTreeMap<String, String>,
    #[serde(flatten)]
    answer: Answer,
}

/// Saves a family's tiny model as a classifier with its own head, and as one that predicts a score.
pub(crate) fn cases(
    family: &Family,
    folder: &Path,
    texts: &[(String, Option<String>)],
) -> [Case; 2] {
    let snapshot = family.snapshot();
    let max_length = family.expected().max_length;
    let classes = SaveOptions {
        max_length,
        ..options(&["entailment", "neutral", "contradiction"])
    };
    let score = SaveOptions {
        problem: ProblemType::Regression,
        ..classes.clone()
    };
    [("classes", classes), ("score", score)].map(|(kind, options)| {
        let model = match options.problem {
            ProblemType::Regression => snapshot.classifier(1, 3, &Device::flex()).unwrap().model,
            ProblemType::SingleLabelClassification(_) => family.model(),
        };
        let place = folder.join(family.name).join(kind);
        snapshot.save_classifier(&model, &place, &options).unwrap();
        Case {
            name: format!("{}/{kind}", family.name),
            place,
            options,
            max_length,
            texts: texts.to_vec(),
        }
    })
}

pub(crate) fn short_texts() -> Vec<(String, Option<String>)> {
    let owned = |(text, pair): (&str, Option<&str>)| (text.to_owned(), pair.map(str::to_owned));
    TEXTS.map(owned).to_vec()
}

impl Case {
    fn saved(&self) -> Snapshot {
        Snapshot::open(&self.place).unwrap()
    }

    fn model(&self) -> Classifier {
        let saved = self.saved();
        let loaded = saved.finetuned_classifier(saved.labels().len(), &Device::flex());
        loaded.unwrap_or_else(|error| panic!("{error}")).model
    }

    pub(crate) fn encodings(&self) -> Vec<Encoding> {
        let tokenizer = self.saved().tokenizer(self.max_length).unwrap();
        let texts = self.texts.iter();
        let texts = texts.map(|(text, pair)| (text.as_str(), pair.as_deref()));
        tokenizer.encode(texts).unwrap()
    }

    pub(crate) fn logits(&self) -> Vec<f32> {
        let (saved, model, device) = (self.saved(), self.model(), Device::flex());
        let pad = saved.config().pad_token_id();
        let mut logits = Vec::new();
        for encodings in self.encodings().chunks(64) {
            let input = EncoderInput::padded(encodings, pad, 0, &device);
            logits.extend(values(model.forward(input, &mut Dropouts::off())));
        }
        logits
    }

    fn files(&self) -> BTreeMap<String, String> {
        let names = [
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        ];
        let digest = |name: &str| {
            let digest = Sha256::digest(fs::read(self.place.join(name)).unwrap());
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        names.map(|name| (name.to_owned(), digest(name))).into()
    }

    fn request(&self) -> Value {
        let encodings = self.encodings();
        let encodings = encodings.iter();
        let encodings = encodings.map(|e| json!({ "ids": e.ids, "type_ids": e.type_ids }));
        json!({
            "folder": self.place,
            "encodings": encodings.collect::<Vec<_>>(),
            "texts": self.texts,
            "max_length": self.max_length,
        })
    }

    /// Compares transformers' answer with what this crate makes of the same folder.
    #[track_caller]
    fn compare(&self, answer: &Answer) {
        assert_eq!(
            answer.problem_type,
            self.options.problem.name(),
            "{}",
            self.name
        );
        assert_eq!(answer.id2label, self.saved().labels(), "{}", self.name);
        assert_eq!(answer.dtype, "float32", "{}", self.name);
        let is_rebuilt = REBUILT.iter().any(|name| self.name.starts_with(name));
        let ours: Vec<Vec<u32>> = self.encodings().into_iter().map(|e| e.ids).collect();
        assert!(is_rebuilt || ours == answer.ids, "{}: token ids", self.name);
        assert_close(
            &self.name,
            &self.logits(),
            &answer.logits.concat(),
            &ROUNDING,
        );
    }
}

/// Lets Python load every saved model.
fn asked(cases: &[Case]) -> Answers {
    let python = std::env::var_os("NOISYTUNE_PYTHON")
        .expect("NOISYTUNE_PYTHON names a Python with torch and transformers");
    let requests: Vec<Value> = cases.iter().map(Case::request).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(json!(requests).to_string().as_bytes())
        .unwrap();
    let output = Command::new(python)
        .arg(golden::path("saved/logits.py"))
        .arg(file.path())
        .stderr(Stdio::inherit())
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn transformers_computed_the_same_logits_from_the_same_files() {
    let expected: Expected = golden::json("saved/expected.json");
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for case in FAMILIES
        .iter()
        .flat_map(|f| cases(f, folder.path(), &short_texts()))
    {
        let model = &expected.models[&case.name];
        assert_eq!(case.files(), model.files, "{}", case.name);
        case.compare(&model.answer);
        compared += 1;
    }
    assert_eq!(compared, expected.models.len());
}

#[test]
#[ignore = "needs NOISYTUNE_PYTHON"]
fn transformers_computes_the_same_logits() {
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<Case> = Vec::new();
    for family in FAMILIES {
        all.extend(cases(family, folder.path(), &short_texts()));
    }
    let Answers { versions, answers } = asked(&all);
    assert_eq!(answers.len(), all.len());
    for (case, answer) in all.iter().zip(&answers) {
        case.compare(answer);
    }
    if std::env::var_os("NOISYTUNE_RENEW").is_some() {
        let models = all.iter().zip(answers).map(|(case, answer)| {
            let files = case.files();
            (case.name.clone(), Model { files, answer })
        });
        let expected = Expected {
            versions,
            models: models.collect(),
        };
        let text = serde_json::to_string(&expected).unwrap() + "\n";
        fs::write(golden::path("saved/expected.json"), text).unwrap();
    }
}

/// The columns of a file of GLUE.
fn glue(file: &str, columns: &[usize]) -> Vec<(String, Option<String>)> {
    let text = fs::read_to_string(golden::asset("datasets").join(file)).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let mut texts = columns.iter().map(|&column| cells[column].to_owned());
        (texts.next().unwrap(), texts.next())
    });
    rows.collect()
}

#[test]
#[ignore = "needs NOISYTUNE_PYTHON and NOISYTUNE_ASSETS"]
fn transformers_computes_the_same_logits_for_the_dev_sets_of_three_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let classified = [glue("SST-2/dev.tsv", &[0]), glue("RTE/dev.tsv", &[1, 2])].concat();
    let scored = glue("STS-B/dev.tsv", &[7, 8]);
    assert_eq!((classified.len(), scored.len()), (872 + 277, 1500));
    let mut all: Vec<Case> = Vec::new();
    for family in FAMILIES {
        let [mut classes, mut score] = cases(family, folder.path(), &[]);
        classes.texts = classified.clone();
        score.texts = scored.clone();
        all.extend([classes, score]);
    }
    let Answers { answers, .. } = asked(&all);
    for (case, answer) in all.iter().zip(&answers) {
        case.compare(answer);
    }
}
