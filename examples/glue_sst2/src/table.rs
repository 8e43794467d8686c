//! The result as a table.

use std::fmt::Write;

use finetune::StudySummary;
use finetune::summary::StudyResult;

/// A table a study: one line a point, and the verdict.
pub(crate) fn render(summary: &StudySummary) -> String {
    let mut text = String::new();
    for (index, study) in summary.studies.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let _ = write!(text, "{} dev {} in %", summary.task, summary.metric);
        if summary.studies.len() > 1 {
            let _ = write!(text, ", study {}", study.study);
        }
        text.push('\n');
        render_study(&mut text, study);
    }
    text
}

fn render_study(text: &mut String, study: &StudyResult) {
    let percent = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{:.2}", 100.0 * x));
    let longest = study.points.iter().map(|point| point.label.chars().count());
    let width = longest.max().unwrap_or(0).max(10);
    let _ = writeln!(
        text,
        "{:<width$} {:>3} {:>7} {:>6}  values",
        "arm", "n", "mean", "sd"
    );
    for point in &study.points {
        let scores = &point.scores;
        let mut values: Vec<String> = scores
            .values
            .iter()
            .map(|score| percent(Some(score.value)))
            .collect();
        if scores.failed > 0 {
            values.push(format!("({} failed)", scores.failed));
        }
        let _ = writeln!(
            text,
            "{:<width$} {:>3} {:>7} {:>6}  {}",
            point.label,
            scores.n,
            percent(scores.mean),
            percent(scores.sd),
            values.join(" ")
        );
    }
    if study.points.iter().any(|point| point.comparison.is_some()) {
        let _ = writeln!(text, "{}", study.verdict);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use finetune::record::RunLog;
    use finetune::{Arm, StudyConfig, StudySummary};

    use super::render;

    #[test]
    fn the_readme_quotes_the_recorded_runs() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let readme = std::fs::read_to_string(here.join("../../README.md")).expect("the README");
        for name in ["minilm-8192", "minilm-1024"] {
            let folder = here.join("runs").join(name);
            let records = RunLog::read(&folder).expect("recorded runs");
            let is_in = |arm: &&Arm| records.iter().any(|record| record.arm == **arm);
            let config = StudyConfig {
                arms: Arm::ALL.iter().filter(is_in).copied().collect(),
                ..StudyConfig::default()
            };
            let summary = StudySummary::of(&config, &records).expect("a summary");

            let text = std::fs::read_to_string(folder.join("summary.json")).expect("the summary");
            assert_eq!(summary.to_json(), text, "{name}");
            let table = render(&summary);
            assert!(
                readme.contains(&table),
                "the README does not hold:\n{table}"
            );
        }
    }
}
