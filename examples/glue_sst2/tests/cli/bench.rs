//! `--bench-steps`: one JSON line in the PyTorch script's field names.

use crate::program::World;

#[test]
fn bench_steps_prints_one_json_line_and_writes_nothing() {
    let world = World::new();
    let output = world.run(&["--bench-steps", "4"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text.lines().count(), 1);
    let timing: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(timing["steps"], 4);
    for field in ["s_per_step", "examples_per_s", "tokens_per_s"] {
        assert!(timing[field].as_f64().expect("a number") > 0.0, "{field}");
    }
    assert!(timing.get("ceiling_gflops").is_none());
    if cfg!(unix) {
        assert!(timing["peak_rss_mib"].as_f64().expect("a number") > 1.0);
    }
    assert!(!world.path("out").exists());
}

#[test]
fn the_ceiling_of_the_machine_is_measured_if_asked_for() {
    let world = World::new();
    let output = world.run(&["--bench-steps", "1", "--bench-ceiling"]);
    let timing: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let [steps, ceiling] = ["matrix_gflops", "ceiling_gflops"].map(|field| timing[field].as_f64());
    assert!(
        steps.expect("a number") > 0.0 && ceiling > steps,
        "{timing}"
    );
}
