//! Model and data from the Hugging Face hub.

use hub::{Hub, HubError, Kind, Progress, Repository};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use tasks::{SST2, SplitName};

use crate::Failure;
use crate::source::{Found, Wanted};

/// What `hf:sst2` is short for.
const GLUE: &str = "nyu-mll/glue";

/// Downloads what is not in the cache.
pub(crate) fn find(wanted: Wanted, name: &str, quiet: bool) -> Result<Found, Failure> {
    let (kind, files, name) = match wanted {
        Wanted::Model => {
            let files = vec!["config.json", "tokenizer.json", "model.safetensors"];
            (Kind::Model, files, name.to_owned())
        }
        Wanted::Data => (Kind::Dataset, splits(), full_name(name)),
    };
    let repository = Repository::parse(kind, &name).map_err(|e| Failure::Usage(e.to_string()))?;
    let progress: &mut dyn Progress = if quiet { &mut () } else { &mut Bar::default() };
    let snapshot = Hub::from_env()
        .and_then(|hub| hub.snapshot(&repository, &files, progress))
        .map_err(|error| {
            let hint = match error {
                HubError::Offline { .. } => {
                    format!("; {} bundled needs no network", wanted.option())
                }
                _ => String::new(),
            };
            Failure::Source(format!("{error}{hint}"))
        })?;
    Ok(Found {
        folder: snapshot.folder,
        name: format!("hf:{}@{}", repository.name(), snapshot.commit),
    })
}

/// The files of SST-2's train and dev split.
fn splits() -> Vec<&'static str> {
    let used = [SplitName::Train, SplitName::Dev];
    let used = SST2.splits.iter().filter(|spec| used.contains(&spec.name));
    used.map(|spec| spec.parquet).collect()
}

fn full_name(name: &str) -> String {
    match name.strip_prefix(SST2.name) {
        Some(rest) if rest.is_empty() || rest.starts_with('@') => format!("{GLUE}{rest}"),
        _ => name.to_owned(),
    }
}

/// A bar on standard error where someone watches, a line a file in a pipe.
#[derive(Default)]
struct Bar {
    bar: Option<ProgressBar>,
    file: String,
    bytes: u64,
}

impl Progress for Bar {
    fn started(&mut self, file: &str, bytes: u64) {
        let template = "{bar:30} {msg}: {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("a constant, valid template");
        let bar = ProgressBar::new(bytes).with_style(style);
        self.bar = Some(bar.with_message(file.to_owned()));
        (self.file, self.bytes) = (file.to_owned(), bytes);
    }

    fn received(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn finished(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        eprintln!("downloaded {}, {}", self.file, HumanBytes(self.bytes));
    }
}
