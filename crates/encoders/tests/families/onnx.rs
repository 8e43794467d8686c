//! The README's way from a saved model to ONNX.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::closeness::{Tolerance, assert_close};
use crate::family::FAMILIES;
use crate::golden;
use crate::transformers::{Case, cases, short_texts};

/// As for transformers, whose operations ONNX Runtime fuses.
const ROUNDING: Tolerance = Tolerance {
    relative: 1e-5,
    element: 5e-5,
};

/// The folder that the recipe names.
const FOLDER: &str = "out/glue_sst2/models/noisytune-seed0";

/// The first block of Python under the README's heading.
fn recipe() -> &'static str {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## ONNX\n").expect("the heading");
    let (_, block) = section
        .split_once("```python\n")
        .expect("a block of Python");
    block.split_once("```").expect("its end").0
}

#[test]
fn the_recipe_has_three_lines_that_name_a_saved_model() {
    assert!(recipe().contains(FOLDER));
    let statements = recipe()
        .lines()
        .filter(|line| !line.starts_with([' ', ')']));
    assert_eq!(
        statements
            .filter(|line| !line.starts_with("import"))
            .count(),
        3
    );
}

#[test]
#[ignore = "needs NOISYTUNE_PYTHON, with onnxruntime and onnxscript"]
fn onnx_runtime_computes_the_same_logits() {
    let python = std::env::var_os("NOISYTUNE_PYTHON").expect("NOISYTUNE_PYTHON names a Python");
    let folder = tempfile::tempdir().unwrap();
    let exported = FAMILIES.iter().filter(|family| {
        family.name != "xlnet" && family.snapshot().config().without_class().is_none()
    });
    for family in exported {
        let [case, _] = cases(family, folder.path(), &short_texts());
        name_the_padding(&case.place);
        fs::write(case.place.join("recipe.py"), recipe().replace(FOLDER, ".")).unwrap();
        fs::write(case.place.join("request.json"), request(&case)).unwrap();
        let run = |script: &Path, arguments: &[&str]| {
            let output = Command::new(&python)
                .env("HF_HUB_OFFLINE", "1")
                .arg(script)
                .args(arguments)
                .current_dir(&case.place)
                .output()
                .expect("Python starts");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {errors}", family.name);
            output.stdout
        };
        run(Path::new("recipe.py"), &[]);
        let answer = run(
            &golden::path("saved/onnx.py"),
            &["model.onnx", "request.json"],
        );
        let theirs: Vec<Vec<f32>> = serde_json::from_slice(&answer).unwrap();
        assert_close(family.name, &case.logits(), &theirs.concat(), &ROUNDING);
    }
}

/// The tiny checkpoints have no `tokenizer_config.json` to say which token pads, as those of the hub have.
fn name_the_padding(place: &Path) {
    fs::write(
        place.join("tokenizer_config.json"),
        json!({ "pad_token": "[PAD]" }).to_string(),
    )
    .unwrap();
}

fn request(case: &Case) -> String {
    let encodings = case.encodings();
    let encodings = encodings.iter();
    let encodings = encodings.map(|e| json!({ "ids": e.ids, "type_ids": e.type_ids }));
    json!(encodings.collect::<Vec<_>>()).to_string()
}
