//! The module in `model/` is the one that this version of burn-onnx generates.

mod floats;

use std::path::{Path, PathBuf};

use burn::tensor::{Bytes, Device};
use onnx_check::WEIGHTS;
use onnx_check::encoder::Model;

use crate::floats::floats;

fn generated(name: &str) -> PathBuf {
    Path::new(env!("OUT_DIR")).join("model").join(name)
}

#[test]
fn the_code_in_the_repository_is_what_burn_onnx_generates() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/encoder.rs");
    let [new, old] =
        [&generated("encoder.rs"), &kept].map(|path| std::fs::read(path).expect("a file"));
    assert!(
        new == old,
        "{} differs from {}",
        generated("encoder.rs").display(),
        kept.display()
    );
}

/// The files differ: parameters have new ids each time.
#[test]
fn the_weights_in_the_repository_are_those_that_burn_onnx_writes() {
    let read = |bytes| {
        floats(&Model::from_bytes(
            Bytes::from_bytes_vec(bytes),
            &Device::flex(),
        ))
    };
    let new = std::fs::read(generated("encoder.bpk")).expect("a file");
    let (new, old) = (read(new), read(WEIGHTS.to_vec()));
    assert_eq!(new.len(), 20);
    assert_eq!(new, old);
}
