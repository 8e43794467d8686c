//! A transformer encoder that burn-onnx generated from `model/encoder.onnx`.

/// The generated module; it is not ours to document.
#[allow(missing_docs, unused, clippy::all)]
#[rustfmt::skip]
pub mod encoder {
    include!("../model/encoder.rs");
}

/// Its weights, as burn-onnx writes them beside it.
pub const WEIGHTS: &[u8] = include_bytes!("../model/encoder.bpk");
