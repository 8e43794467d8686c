//! What the tools need before they begin: the program, and a place where nothing is left.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peer::succeed;

/// The `glue_sst2` that an option names, or else the one that is built here, beside this program. It is started without cargo, which
/// would build it anew while it is timed, if a source changes in between.
pub(crate) fn program(named: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(program) = named {
        return Ok(program.to_owned());
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--example", "glue_sst2"]);
    // Crates that watch it would be built anew, and again by the next build from a terminal.
    succeed(build.env_remove("CARGO_MANIFEST_DIR"))?;
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    Ok(own.with_file_name("examples").join("glue_sst2"))
}

/// Removes what an earlier call has left of a folder.
pub(crate) fn remove(folder: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(format!("{}: {e}", folder.display())),
        _ => Ok(()),
    }
}
