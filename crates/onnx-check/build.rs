//! With the feature `generate`, generates the module from the ONNX file, to be compared with the one in `model/`.

fn main() {
    println!("cargo::rerun-if-changed=model/encoder.onnx");
    #[cfg(feature = "generate")]
    burn_onnx::ModelGen::new()
        .input("model/encoder.onnx")
        .out_dir("model/")
        // No path of this machine in the code.
        .load_strategy(burn_onnx::LoadStrategy::Bytes)
        .run_from_script();
}
