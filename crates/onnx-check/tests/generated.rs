//! The module in `model/` is the one that this version of burn-onnx generates.

use std::path::Path;

#[test]
fn the_module_in_the_repository_is_what_burn_onnx_generates() {
    let generated = Path::new(env!("OUT_DIR")).join("model");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    for name in ["encoder.rs", "encoder.bpk"] {
        let [new, old] =
            [&generated, &kept].map(|folder| std::fs::read(folder.join(name)).expect("a file"));
        assert!(
            new == old,
            "{0}/{name} differs from {1}/{name}; copy it there if that is intended",
            generated.display(),
            kept.display()
        );
    }
}
