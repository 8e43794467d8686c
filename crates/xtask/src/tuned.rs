//! What a careful user of PyTorch turns on.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rows::Timed;

/// A way to run the PyTorch program faster than as it comes.
pub(crate) struct Tuned {
    /// Name in the records.
    pub(crate) name: &'static str,
    /// Title in the table.
    pub(crate) title: &'static str,
    /// Options of the PyTorch program.
    options: &'static [&'static str],
    /// A library with `malloc`, loaded before all others.
    malloc: Option<&'static str>,
}

/// Each of them is timed in every round; the fastest is the peer. SDPA attention is transformers' default, and on in all.
pub(crate) const TUNED: [Tuned; 4] = [
    Tuned {
        name: "fused-adamw",
        title: "fused AdamW",
        options: &["--fused-adamw"],
        malloc: None,
    },
    Tuned {
        name: "fused-adamw-tcmalloc",
        title: "fused AdamW, tcmalloc",
        options: &["--fused-adamw"],
        malloc: Some("libtcmalloc_minimal.so.4"),
    },
    Tuned {
        name: "fused-adamw-jemalloc",
        title: "fused AdamW, jemalloc",
        options: &["--fused-adamw"],
        malloc: Some("libjemalloc.so.2"),
    },
    Tuned {
        name: "fused-adamw-compile",
        title: "fused AdamW, `torch.compile`",
        options: &["--fused-adamw", "--compile"],
        malloc: None,
    },
];

/// Where Debian, Fedora and others keep libraries.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
];

impl Tuned {
    /// Turns it on; `None` if this machine lacks the library, or if it cannot pay: compiling takes longer than a short task.
    pub(crate) fn apply(&self, mut command: Command, timed: Timed) -> Option<Command> {
        if matches!(timed, Timed::WholeTask(_)) && self.options.contains(&"--compile") {
            return None;
        }
        if let Some(malloc) = self.malloc {
            command.env("LD_PRELOAD", library(malloc)?);
        }
        command.args(self.options);
        Some(command)
    }

    /// What to install, if this machine lacks it.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.malloc.filter(|malloc| library(malloc).is_none())
    }
}

fn library(name: &str) -> Option<PathBuf> {
    let places = LIBRARIES.iter().map(|folder| Path::new(folder).join(name));
    places.into_iter().find(|path| path.exists())
}
