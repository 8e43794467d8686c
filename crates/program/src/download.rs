//! Files from the Hugging Face hub.

use hub::{Hub, HubError, Progress, Repository};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::failure::Failure;
use crate::progress::say;
use crate::source::{Found, Kind, Wanted};

/// Finds a snapshot in the cache, downloading the files that are missing.
pub(crate) fn find(wanted: &Wanted, name: &str, quiet: bool) -> Result<Found, Failure> {
    let kind = match wanted.kind {
        Kind::Model => hub::Kind::Model,
        Kind::Dataset => hub::Kind::Dataset,
    };
    let repository = Repository::parse(kind, &wanted.full_name(name)).map_err(Failure::usage)?;
    let progress: &mut dyn Progress = if quiet { &mut () } else { &mut Bar::default() };
    let snapshot = Hub::from_env()
        .and_then(|hub| match wanted.kind {
            Kind::Model => hub.model(&repository, progress),
            Kind::Dataset => {
                let files: Vec<&str> = wanted.downloads.iter().map(String::as_str).collect();
                hub.snapshot(&repository, &files, progress)
            }
        })
        .map_err(|error| {
            let hint = match error {
                HubError::Offline { .. } => format!("; {} need no network", wanted.offline()),
                _ => String::new(),
            };
            Failure::World(format!("{error}{hint}"))
        })?;
    Ok(Found {
        folder: snapshot.folder,
        name: format!("hf:{}@{}", repository.name(), snapshot.commit),
    })
}

/// A bar on standard error if it is a terminal, otherwise one line per file.
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
        self.bar = Some(bar.with_message(harmless::shown(file).into_owned()));
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
        say(&format_args!(
            "downloaded {}, {}",
            self.file,
            HumanBytes(self.bytes)
        ));
    }
}
