//! A checkpoint of every family is finetuned, with the noise and without.

use std::path::Path;

use crate::program::World;

#[test]
fn every_family_is_finetuned_on_the_bundled_sentences_with_the_noise_and_without() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/encoders/tests/golden");
    let mut families = 0;
    for entry in std::fs::read_dir(golden).expect("the goldens") {
        let folder = entry.expect("an entry").path();
        // Of all goldens only the families' have one.
        if !folder.join("base.safetensors").exists() {
            continue;
        }
        families += 1;
        let (world, model) = (World::new(), folder.join("snapshot"));
        let output = world.run(&[
            "--model",
            model.to_str().expect("text"),
            "--data",
            "bundled",
            "--seeds",
            "1",
            "--max-train-samples",
            "8",
            "--max-eval-samples",
            "4",
        ]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", folder.display());

        let records = std::fs::read_to_string(world.path("out/runs.jsonl")).expect("records");
        let records: Vec<serde_json::Value> = records
            .lines()
            .map(|line| serde_json::from_str(line).expect("a record"))
            .collect();
        assert_eq!(records.len(), 2, "{}", folder.display());
        let loss = |arm: &str| {
            let record = records.iter().find(|record| record["arm"] == arm);
            let record = record.expect("a run of the arm");
            let loss = &record["epochs"][0]["evaluations"]["dev"]["loss"];
            loss.as_f64().expect("a number")
        };
        // Neither failed, and the noise changed the model.
        assert_ne!(loss("baseline"), loss("noisytune"), "{}", folder.display());
    }
    assert_eq!(families, 11);
}
