//! A transformer encoder that burn-onnx generated from `model/encoder.onnx`.

/// The generated module; it is not ours to document.
#[allow(missing_docs, unused, clippy::all)]
pub mod encoder {
    include!(concat!(env!("OUT_DIR"), "/model/encoder.rs"));
}
