//! What the tools need before they begin: the program, and a place where nothing is left.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peer::succeed;

/// The `glue_sst2` that an option names, or else the one that is built here.
pub(crate) fn program(named: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(program) = named {
        return Ok(program.to_owned());
    }
    succeed(Command::new(env!("CARGO")).args(["build", "--example", "glue_sst2"]))?;
    Ok(PathBuf::from("target/debug/examples/glue_sst2"))
}

/// Removes what an earlier call has left of a folder.
pub(crate) fn remove(folder: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(format!("{}: {e}", folder.display())),
        _ => Ok(()),
    }
}
