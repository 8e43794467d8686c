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
