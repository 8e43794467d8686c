//! The pages of this repository quote recorded runs.

use std::path::Path;

use report::Material;
use study::record::RunLog;
use study::{StudyConfig, StudySummary};
use study_program::render;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name);
    std::fs::read_to_string(path).expect("a file of the repository")
}

/// The studies of `runs/` that are complete.
const COMPLETE: [&str; 1] = ["minilm-cola"];

#[test]
fn the_pages_quote_the_recorded_runs_and_their_figures() {
    for name in COMPLETE {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("runs")
            .join(name);
        let config = StudyConfig::read(&folder).expect("a configuration");
        let records = RunLog::read(&folder).expect("recorded runs");
        let summary = StudySummary::of(&config, &records, &folder).expect("a summary");
        let kept = |file: &str| std::fs::read_to_string(folder.join(file)).expect("a kept file");
        assert_eq!(summary.to_json(), kept("summary.json"), "{name}");

        let table = render(&summary, "dev");
        assert!(
            text("examples/glue/runs/README.md").contains(&table),
            "the page lacks:\n{table}"
        );
        let verdict = table.lines().last().expect("a verdict");
        assert!(
            text("README.md").contains(verdict),
            "the page lacks:\n{verdict}"
        );

        let drawn = tempfile::tempdir().expect("a folder");
        let material = Material {
            config: &config,
            summary: &summary,
            records: &records,
            data: name,
            files: None,
            saved: &[],
            command: "",
        };
        report::write(drawn.path(), &material).expect("a report");
        let figure = "at-the-best.svg";
        let again = std::fs::read_to_string(drawn.path().join("figures").join(figure));
        assert!(
            again.expect("a figure") == kept(figure),
            "{name}: another {figure}"
        );
    }
}
