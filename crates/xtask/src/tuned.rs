//! What a careful user of PyTorch turns on.

use std::fs;
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
    /// Whether MKL takes the code that it has for Intel's processors, on a processor of another vendor: on AMD's with AVX-512 its
    /// products of matrices are then twice as fast.
    intel_mkl: bool,
}

/// Each of them is timed in every round; the fastest is the peer. SDPA attention is transformers' default, and on in all.
pub(crate) static TUNED: [Tuned; 5] = [
    Tuned {
        name: "fused-adamw",
        title: "fused AdamW",
        options: &["--fused-adamw"],
        malloc: None,
        intel_mkl: false,
    },
    Tuned {
        name: "fused-adamw-tcmalloc",
        title: "fused AdamW, tcmalloc",
        options: &["--fused-adamw"],
        malloc: Some(TCMALLOC),
        intel_mkl: false,
    },
    Tuned {
        name: "fused-adamw-tcmalloc-intel-mkl",
        title: "fused AdamW, tcmalloc, MKL as on Intel",
        options: &["--fused-adamw"],
        malloc: Some(TCMALLOC),
        intel_mkl: true,
    },
    Tuned {
        name: "fused-adamw-jemalloc",
        title: "fused AdamW, jemalloc",
        options: &["--fused-adamw"],
        malloc: Some("libjemalloc.so.2"),
        intel_mkl: false,
    },
    Tuned {
        name: "fused-adamw-compile",
        title: "fused AdamW, `torch.compile`",
        options: &["--fused-adamw", "--compile"],
        malloc: None,
        intel_mkl: false,
    },
];

const TCMALLOC: &str = "libtcmalloc_minimal.so.4";

/// Where Debian, Fedora and others keep libraries.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
];

impl Tuned {
    /// Turns it on; `None` if this machine lacks the library or has no use for it, or if it cannot pay: compiling takes longer than
    /// a short task.
    pub(crate) fn apply(
        &self,
        mut command: Command,
        timed: Timed,
    ) -> Result<Option<Command>, String> {
        if matches!(timed, Timed::WholeTask(_)) && self.options.contains(&"--compile") {
            return Ok(None);
        }
        let mut preloaded = Vec::new();
        if let Some(malloc) = self.malloc {
            let Some(library) = library(malloc) else {
                return Ok(None);
            };
            preloaded.push(library);
        }
        if self.intel_mkl {
            if !takes_intel_mkl() {
                return Ok(None);
            }
            preloaded.push(intel_mkl(Path::new("target"))?);
        }
        if !preloaded.is_empty() {
            let paths = preloaded.iter().map(|path| path.display().to_string());
            command.env("LD_PRELOAD", paths.collect::<Vec<_>>().join(" "));
        }
        command.args(self.options);
        Ok(Some(command))
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

/// Whether MKL would otherwise take other code than on an Intel processor of the same instructions.
fn takes_intel_mkl() -> bool {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    cfg!(target_arch = "x86_64") && !processor.contains("GenuineIntel")
}

/// Compiles the library that says so.
fn intel_mkl(folder: &Path) -> Result<PathBuf, String> {
    let library = std::path::absolute(folder.join("intel_mkl.so")).map_err(|e| e.to_string())?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/intel_mkl.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source);
    let status = cc.status().map_err(|e| format!("{cc:?}: {e}"))?;
    match status.success() {
        true => Ok(library),
        false => Err(format!("{cc:?} ended with {status}")),
    }
}
