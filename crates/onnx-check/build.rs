//! Generates the module from the ONNX file.

fn main() {
    burn_onnx::ModelGen::new()
        .input("model/encoder.onnx")
        .out_dir("model/")
        .run_from_script();
}
