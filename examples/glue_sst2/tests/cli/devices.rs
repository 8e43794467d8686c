//! Runs on different kinds of devices in one folder.

use std::fs;

use crate::program::{World, assert_error};

#[test]
fn runs_on_other_devices_are_refused_unless_that_is_asked_for_and_the_report_names_them() {
    let world = World::new();
    let study = ["--seeds", "2", "--quiet"];
    assert!(world.run(&["--seeds", "1", "--quiet"]).status.success());
    // As if they had been trained on another device.
    let runs = world.path("out/runs.jsonl");
    let text = fs::read_to_string(&runs).expect("records");
    let other = text.replace("\"device\":\"flex\"", "\"device\":\"wgpu:1\"");
    assert_ne!(text, other);
    fs::write(&runs, &other).expect("it is written");
    let parts = [
        "error: out/runs.jsonl:1: recorded on device wgpu:1, now it is flex; choose another folder",
        "(--mixed-devices)",
    ];
    assert_error(&world.run(&study), 1, &parts);
    assert!(fs::read_to_string(&runs).expect("records") == other);

    let output = world.run(&[&study[..], &["--mixed-devices"]].concat());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let line = "\nruns on different devices, the same for both runs of each pair: 2 runs on flex, 2 runs on wgpu\n";
    assert!(said.contains(line), "{said}");
    // What was recorded is not written anew.
    assert!(
        fs::read_to_string(&runs)
            .expect("records")
            .starts_with(&other)
    );
    let text = |name: &str| fs::read_to_string(world.path(name)).expect("a file");
    assert!(text("out/study.json").contains("\"mixed_devices\": true"));
    let summary: serde_json::Value = serde_json::from_str(&text("out/summary.json")).expect("JSON");
    assert_eq!(summary["mixed_devices"]["runs"]["wgpu"], 2);
    let report = text("out/report.md");
    for part in [
        "| device |",
        "| wgpu:1 |",
        "| flex |",
        "The runs are on different devices",
    ] {
        assert!(report.contains(part), "`{part}` is not in: {report}");
    }
}
