//! Starts the program that cargo built for these tests, on tiny models.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder of its own to run in, removed when the value is dropped.
pub(crate) struct World(tempfile::TempDir);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The tiny checkpoint of a family, with a head of three outputs.
pub(crate) fn family(name: &str) -> PathBuf {
    repository().join(format!("crates/encoders/tests/golden/{name}/snapshot"))
}

/// A bundled encoder without a head.
pub(crate) fn pretrained() -> PathBuf {
    repository().join("examples/glue_sst2/assets/film-bert-3x192")
}

/// What the program printed, which is text.
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Printed {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            errors: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// The predictions of a run that succeeded.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{}", self.errors);
        json_lines(&self.out)
    }

    /// The line that says why the run failed.
    #[track_caller]
    pub(crate) fn refusal(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.errors);
        assert_eq!(self.errors.lines().count(), 1, "{}", self.errors);
        for part in parts {
            assert!(
                self.errors.contains(part),
                "`{part}` is not in: {}",
                self.errors
            );
        }
    }
}

/// The objects of some lines.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let parsed = |line| serde_json::from_str(line).expect("JSON");
    text.lines().map(parsed).collect()
}

/// The texts of some predictions.
pub(crate) fn texts(lines: &[Value]) -> Vec<String> {
    let text = |line: &Value| line["text"].as_str().expect("a text").to_owned();
    lines.iter().map(text).collect()
}

/// Two predictions of the same text may differ by rounding, where the batches are others.
#[track_caller]
pub(crate) fn are_close(line: &Value, other: &Value) {
    assert_eq!(line["text"], other["text"]);
    let [logits, others] = [line, other].map(|line| line["logits"].as_array().expect("logits"));
    assert_eq!(logits.len(), others.len());
    for (x, y) in logits.iter().zip(others) {
        let [x, y] = [x, y].map(|logit| logit.as_f64().expect("a number"));
        // Two layers of f32 sums in another order.
        assert!((x - y).abs() <= 1e-5, "{line} and {other}");
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// A tiny BERT for the labels negative and positive; `change` may change its `config.json`.
    pub(crate) fn model(&self, change: impl Fn(&mut Value)) -> PathBuf {
        let folder = self.path("model");
        std::fs::create_dir_all(&folder).expect("a folder");
        for file in ["config.json", "model.safetensors", "tokenizer.json"] {
            std::fs::copy(family("tiny").join(file), folder.join(file)).expect("a copy");
        }
        let config = folder.join("config.json");
        let text = std::fs::read_to_string(&config).expect("a file");
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        value["id2label"] = serde_json::json!({"0": "negative", "1": "positive"});
        change(&mut value);
        std::fs::write(&config, value.to_string()).expect("a file");
        folder
    }

    /// The program with these arguments, for [`model`](Self::model).
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let model = self.model(|_| {});
        self.command_for(&model, arguments)
    }

    /// The program with these arguments, for another model.
    pub(crate) fn command_for(&self, model: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_predict"));
        command.current_dir(self.0.path());
        command.arg("--model").arg(model).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Printed {
        Printed::of(self.command(arguments).output().expect("it starts"))
    }

    /// Runs the program to its end, with these bytes as standard input.
    pub(crate) fn run_on(&self, input: &[u8], arguments: &[&str]) -> Printed {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // It may have ended with an error before it has read everything.
        let _ = stdin.write_all(input);
        drop(stdin);
        Printed::of(child.wait_with_output().expect("it ends"))
    }
}

/// Rewrites weights so that the classifier has its first output alone.
pub(crate) fn keep_one_output(path: &Path) {
    change_classifier(path, |shape, data| {
        data.truncate(data.len() / shape[0]);
        shape[0] = 1;
    });
}

/// Rewrites weights so that every logit overflows.
pub(crate) fn overflow(path: &Path) {
    change_classifier(path, |_, data| {
        for value in data.chunks_exact_mut(4) {
            value.copy_from_slice(&f32::MAX.to_le_bytes());
        }
    });
}

/// Rewrites the shapes and bytes of the classifier's tensors.
fn change_classifier(path: &Path, change: impl Fn(&mut Vec<usize>, &mut Vec<u8>)) {
    use safetensors::{SafeTensors, tensor::TensorView};
    let bytes = std::fs::read(path).expect("a file");
    let tensors = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let changed = tensors.tensors().into_iter().map(|(name, tensor)| {
        let (mut shape, mut data) = (tensor.shape().to_vec(), tensor.data().to_vec());
        if name.starts_with("classifier.") {
            change(&mut shape, &mut data);
        }
        (name, tensor.dtype(), shape, data)
    });
    let changed: Vec<_> = changed.collect();
    let views = changed.iter().map(|(name, dtype, shape, data)| {
        let view = TensorView::new(*dtype, shape.clone(), data).expect("a tensor");
        (name, view)
    });
    safetensors::serialize_to_file(views, None, path).expect("it is written");
}
