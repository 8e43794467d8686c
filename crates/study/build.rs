//! Passes the version of Burn, which every record states, from the lock file to the compiler.

use std::path::Path;

fn main() {
    // Of this build, as a script compiled for another checkout may be run again here.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this");
    let lock = Path::new(&package).join("../../Cargo.lock");
    println!("cargo:rerun-if-changed={}", lock.display());
    let text = std::fs::read_to_string(&lock).unwrap_or_default();
    let version = text
        .split("[[package]]")
        .find(|package| package.contains("name = \"burn\"\n"))
        .and_then(|package| package.split("version = \"").nth(1)?.split('"').next())
        .unwrap_or("unknown");
    println!("cargo:rustc-env=BURN_VERSION={version}");
}
