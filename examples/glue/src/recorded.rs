//! The pages of this repository quote recorded runs.

use std::path::{Path, PathBuf};

use report::{BenchmarkMaterial, Material};
use study::{BenchmarkSummary, RecordedStudy};
use study_program::render;

/// The studies of `runs/` that are complete, and the model of all.
const COMPLETE: [&str; 5] = [
    "minilm-cola",
    "minilm-rte",
    "minilm-mrpc",
    "minilm-stsb",
    "minilm-sst2",
];
const MODEL: &str = "all-MiniLM-L6-v2";

fn runs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runs")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file of the repository")
}

fn front_page() -> String {
    text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md"))
}

fn study(name: &str) -> RecordedStudy {
    RecordedStudy::read(&runs().join(name)).expect("a recorded study")
}

#[test]
fn the_page_of_runs_quotes_each_study_and_its_figure() {
    let page = text(&runs().join("README.md"));
    for name in COMPLETE {
        let study = study(name);
        let kept = |file: &str| text(&runs().join(name).join(file));
        assert_eq!(study.summary.to_json(), kept("summary.json"), "{name}");
        let table = render(&study.summary, "dev");
        assert!(page.contains(&table), "the page lacks:\n{table}");

        let drawn = tempfile::tempdir().expect("a folder");
        report::write(drawn.path(), &Material::of(&study)).expect("a report");
        let figure = "at-the-best.svg";
        let again = text(&drawn.path().join("figures").join(figure));
        assert!(again == kept(figure), "{name}: another {figure}");
    }
}

#[test]
fn the_figures_of_moving_parameters_are_those_of_their_records() {
    for name in ["minilm-mrpc-l1-change", "minilm-stsb-l1-change"] {
        let study = study(name);
        let kept = |file: &str| text(&runs().join(name).join(file));
        assert_eq!(study.summary.to_json(), kept("summary.json"), "{name}");
        let drawn = tempfile::tempdir().expect("a folder");
        report::write(drawn.path(), &Material::of(&study)).expect("a report");
        for figure in ["l1-change.svg", "l1-norm.svg"] {
            let again = text(&drawn.path().join("figures").join(figure));
            assert!(again == kept(figure), "{name}: another {figure}");
        }
    }
}

#[test]
fn the_page_of_runs_says_how_many_runs_of_the_methods_are_recorded() {
    let records = text(&runs().join("minilm-rte-methods/runs.jsonl"));
    let said = format!("of which {} of 168 are", records.lines().count());
    let page = text(&runs().join("README.md")).replace('\n', " ");
    assert!(page.contains(&said), "the page lacks: {said}");
}

#[test]
fn the_front_page_quotes_all_studies_side_by_side() {
    let summaries = COMPLETE.map(|name| {
        let study = study(name);
        assert!(
            study
                .records
                .iter()
                .all(|record| record.settings.model.name == MODEL)
        );
        study.summary
    });
    let summary = BenchmarkSummary::of(&summaries).expect("a summary");
    assert_eq!(summary.to_json(), text(&runs().join("benchmark.json")));

    let folder = tempfile::tempdir().expect("a folder");
    let material = BenchmarkMaterial {
        summary: &summary,
        model: MODEL,
        absent: &[],
        command: "",
    };
    let written = report::write_benchmark(folder.path(), &material).expect("a report");
    let report = text(&written.markdown);
    let table = report
        .lines()
        .skip_while(|line| !line.starts_with("| task |"));
    let table: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 2 + COMPLETE.len() + 1, "{table:?}");
    let page = front_page();
    for quoted in [table.join("\n"), summary.verdict()] {
        assert!(page.contains(&quoted), "the page lacks:\n{quoted}");
    }
}
