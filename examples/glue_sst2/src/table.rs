//! The result as a table.

use std::fmt::Write;

use finetune::StudySummary;

/// One line an arm, and the paired difference with its interval.
pub(crate) fn render(summary: &StudySummary) -> String {
    let mut text = String::new();
    let percent = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{:.2}", 100.0 * x));
    let _ = writeln!(text, "{} dev {} in %", summary.task, summary.metric);
    let _ = writeln!(
        text,
        "{:<10} {:>3} {:>7} {:>6}  values",
        "arm", "n", "mean", "sd"
    );
    for (name, arm) in &summary.arms {
        let values: Vec<String> = arm.values.iter().map(|&v| percent(Some(v))).collect();
        let _ = writeln!(
            text,
            "{name:<10} {:>3} {:>7} {:>6}  {}",
            arm.n,
            percent(arm.mean),
            percent(arm.sd),
            values.join(" ")
        );
    }
    if let Some(paired) = &summary.paired {
        let _ = writeln!(
            text,
            "{}",
            paired.verdict("noisytune", "baseline", &summary.metric)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use finetune::record::RunLog;
    use finetune::{Arm, RunRecord, StudySummary};

    use super::render;

    #[test]
    fn the_readme_quotes_the_recorded_runs() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let readme = std::fs::read_to_string(here.join("../../README.md")).expect("the README");
        for name in ["minilm-8192", "minilm-1024"] {
            let folder = here.join("runs").join(name);
            let log = RunLog::open(&folder).expect("recorded runs");
            let records: Vec<&RunRecord> = log.records().iter().collect();
            let is_in = |arm: &Arm| records.iter().any(|record| record.arm == *arm);
            let arms: Vec<Arm> = Arm::ALL.into_iter().filter(is_in).collect();
            let summary = StudySummary::of("sst2", "accuracy", &arms, &records).expect("a summary");

            let text = std::fs::read(folder.join("summary.json")).expect("the recorded summary");
            let recorded: StudySummary = serde_json::from_slice(&text).expect("a summary");
            assert_eq!(summary, recorded, "{name}");
            let table = render(&summary);
            assert!(
                readme.contains(&table),
                "the README does not hold:\n{table}"
            );
        }
    }
}
