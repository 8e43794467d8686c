//! Programs whose calls to the operating system fail, one after the other: for tests, on Linux.
//!
//! `fault.c` is loaded before libc. It counts the calls that change files under a folder (opening for writing, writing,
//! syncing, renaming, making, removing, resizing, locking), whoever makes them, and lets one fail or kills the process at
//! it. The program is the real one; nothing in it knows of the tests.

mod draws;
#[cfg(unix)]
mod trial;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub use draws::Draws;
#[cfg(unix)]
pub use trial::Trial;

/// `fault.c`, compiled.
#[derive(Debug)]
pub struct Library {
    folder: TempDir,
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this error number and does nothing.
    Error(i32),
    /// A write takes only a part of the bytes, which is not an error; other calls succeed.
    Short,
    /// A write takes only a part of the bytes, and the process is killed; it is killed before other calls.
    Torn,
    /// The process is killed before it.
    Kill,
    /// It succeeds, but the clock goes back a day.
    ClockBack,
}

/// An error of input and output, as of a broken disk.
pub const EIO: i32 = 5;
/// No space is left.
pub const ENOSPC: i32 = 28;
/// The file system is read-only.
pub const EROFS: i32 = 30;
/// The file system has no lock service.
pub const ENOLCK: i32 = 37;

/// Which calls of a program fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first call that fails, from 1.
    pub at: usize,
    /// What happens there.
    pub fault: Fault,
    /// The only kind of call that fails; `None`: any.
    pub kind: Option<&'static str>,
    /// Whether all later calls fail too.
    pub lasts: bool,
}

/// A call that changes a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `open`, `write`, `sync`, `rename`, `make`, `remove`, `resize` or `lock`.
    pub kind: String,
    /// The file or folder, absolute.
    pub path: PathBuf,
}

impl Plan {
    /// This fault at this call alone.
    pub fn once(at: usize, fault: Fault) -> Self {
        Self {
            at,
            fault,
            kind: None,
            lasts: false,
        }
    }

    /// This error at every call of a kind from the call `at` on.
    pub fn always(at: usize, kind: &'static str, error: i32) -> Self {
        Self {
            at,
            fault: Fault::Error(error),
            kind: Some(kind),
            lasts: true,
        }
    }
}

impl Library {
    /// Compiles it with `cc`.
    ///
    /// # Errors
    /// If there is no C compiler, or if it fails.
    pub fn compile() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("fault.c");
        fs::write(&source, include_str!("fault.c"))?;
        let output = Command::new("cc")
            .args([
                "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
            ])
            .arg(folder.path().join("fault.so"))
            .arg(source)
            .arg("-ldl")
            .output()?;
        match output.status.success() {
            true => Ok(Self { folder }),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )),
        }
    }

    /// Lets a program count its calls under an absolute folder, and fail as planned.
    pub fn load(&self, program: &mut Command, under: &Path, plan: Option<Plan>) {
        let _ = fs::remove_file(self.log());
        program
            .env("LD_PRELOAD", self.folder.path().join("fault.so"))
            .env("FAULT_UNDER", under)
            .env("FAULT_LOG", self.log());
        let Some(plan) = plan else {
            return;
        };
        program.env("FAULT_AT", plan.at.to_string()).env(
            "FAULT_HOW",
            match plan.fault {
                Fault::Error(number) => number.to_string(),
                Fault::Short => "short".to_owned(),
                Fault::Torn => "torn".to_owned(),
                Fault::Kill => "kill".to_owned(),
                Fault::ClockBack => "back".to_owned(),
            },
        );
        if let Some(kind) = plan.kind {
            program.env("FAULT_KIND", kind);
        }
        if plan.lasts {
            program.env("FAULT_LASTS", "1");
        }
    }

    /// The calls of the program that was loaded last, first to last.
    ///
    /// # Errors
    /// If it made none, or if the log is damaged.
    pub fn calls(&self) -> io::Result<Vec<Call>> {
        let text = fs::read_to_string(self.log())?;
        text.lines()
            .map(|line| {
                let mut fields = line.splitn(3, ' ').skip(1);
                match (fields.next(), fields.next()) {
                    (Some(kind), Some(path)) => Ok(Call {
                        kind: kind.to_owned(),
                        path: path.into(),
                    }),
                    _ => Err(io::Error::other(line.to_owned())),
                }
            })
            .collect()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("calls")
    }
}
