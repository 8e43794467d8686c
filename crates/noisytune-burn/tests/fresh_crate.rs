//! The crate as a new user meets it: from a crate of their own, with a module of their own.

use std::path::Path;
use std::process::Command;

const PROGRAM: &str = include_str!("fresh_crate/program.rs");

#[test]
#[ignore = "builds Burn for another crate, which takes minutes"]
fn a_program_of_ten_lines_in_a_fresh_crate_perturbs_a_module_of_its_own() {
    assert!(PROGRAM.lines().count() <= 10);
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fresh-crate");
    std::fs::create_dir_all(fresh.join("src")).unwrap();
    // A workspace of its own, because the folder may lie in this one.
    let manifest = format!(
        "[package]\nname = \"fresh-crate\"\nedition = \"2024\"\n\n[dependencies]\n\
         burn = {{ version = \"0.22.1\", default-features = false, features = [\"std\", \"flex\"] }}\n\
         noisytune-burn = {{ path = {package:?} }}\n\n[workspace]\n"
    );
    std::fs::write(fresh.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(fresh.join("src/main.rs"), PROGRAM).unwrap();
    // The versions that this repository is tested with; nothing is downloaded.
    std::fs::copy(package.join("../../Cargo.lock"), fresh.join("Cargo.lock")).unwrap();

    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir", "target"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .current_dir(&fresh)
        .output()
        .expect("cargo runs this test");
    let (said, failed) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{failed}");
    let last = "2 of 2 tensors perturbed, 36 elements, lambda 0.15, seed 0";
    assert_eq!(said.lines().last(), Some(last), "{said}");
}
