//! The page over several tasks.

use report::{BenchmarkMaterial, write_benchmark};
use study::{BenchmarkSummary, StudyKind, StudySummary};

use crate::files::read;
use crate::sample::Sample;

/// Two tasks over eight seeds, of which one is CoLA.
pub(crate) fn summary() -> BenchmarkSummary {
    let of = |task: &str, metric: &str| {
        let mut summary = Sample::of(&[StudyKind::Compare], 8).summary();
        summary.task = task.to_owned();
        summary.metric = metric.to_owned();
        summary
    };
    let summaries = [of("cola", "matthews_correlation"), of("sst2", "accuracy")];
    BenchmarkSummary::of(&summaries).expect("a summary")
}

pub(crate) fn material(summary: &BenchmarkSummary) -> BenchmarkMaterial<'_> {
    BenchmarkMaterial {
        summary,
        model: "all-MiniLM-L6-v2",
        absent: &["mrpc", "rte"],
        command: "cargo run --example glue -- --task all",
    }
}

#[test]
fn our_rows_stand_under_the_papers_with_the_mean_of_the_tasks_that_ran() {
    let summary = summary();
    let folder = tempfile::tempdir().expect("a folder");
    let written = write_benchmark(folder.path(), &material(&summary)).expect("a page");
    let text = read(&written.markdown);
    let percent = |score: f64| format!("{:.2}", 100.0 * score);
    let scores = |at: usize| percent(summary.tasks[at].control_scores.mean.expect("scores"));
    let ours = text
        .lines()
        .find(|line| line.starts_with("| here | all-MiniLM-L6-v2 |"));
    let ours: Vec<&str> = ours.expect("our row").split(" | ").collect();
    let average = summary.average.as_ref().expect("scores everywhere");
    let expected = [
        "| here",
        "all-MiniLM-L6-v2",
        "not run",
        "not run",
        "not run",
        "not run",
        &scores(1),
        "not run",
        &scores(0),
        "not run",
        "not run",
        &format!("{} |", percent(average.control)),
    ];
    assert_eq!(ours, expected);
    // The paper's BERT on CoLA and SST-2: (58.1 + 93.0) / 2.
    let bert = text
        .lines()
        .find(|line| line.starts_with("| paper | BERT |"));
    assert!(
        bert.is_some_and(|line| line.ends_with("| 54.4 | 75.5 |")),
        "{bert:?}"
    );
    for said in [
        "| cola | Matthews correlation |",
        "| mrpc | not run |",
        "| mean | of 2 tasks |",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    // BERT gains 0.9 points on CoLA, and 0.4 on SST-2.
    for (first, gain) in [("cola", "+0.9"), ("sst2", "+0.4"), ("mean", "+0.7")] {
        let mut lines = text.lines();
        let row = lines.find(|line| line.starts_with(&format!("| {first} |")));
        assert!(
            row.is_some_and(|row| row.ends_with(&format!("| {gain} |"))),
            "{first}: {row:?}"
        );
    }
    let html = read(&written.html);
    assert!(html.contains("cargo run --example glue -- --task all"));
    let material = BenchmarkMaterial {
        command: "",
        ..material(&summary)
    };
    let written = write_benchmark(folder.path(), &material).expect("a page");
    assert!(!read(&written.markdown).contains("This command"));
}

#[test]
fn the_mean_of_tasks_with_other_seeds_has_an_interval_but_no_pairs() {
    let tasks = [("cola", 9), ("sst2", 8)].map(|(task, seeds)| {
        let mut summary = Sample::of(&[StudyKind::Compare], seeds).summary();
        summary.task = task.to_owned();
        summary
    });
    let row = |tasks: &[StudySummary]| -> Vec<String> {
        let summary = BenchmarkSummary::of(tasks).expect("a summary");
        let average = summary.average.as_ref().expect("scores everywhere");
        let folder = tempfile::tempdir().expect("a folder");
        let written = write_benchmark(folder.path(), &material(&summary)).expect("a page");
        let text = read(&written.markdown);
        let row = text.lines().find(|line| line.starts_with("| mean |"));
        let row: Vec<String> = row
            .expect("a row")
            .split(" | ")
            .map(str::to_owned)
            .collect();
        let difference = 100.0 * (average.treatment - average.control);
        assert_eq!(row[4].replace('−', "-"), format!("{difference:+.2}"));
        row
    };
    let other = row(&tasks);
    assert!(other[5].contains(" to "), "{other:?}");
    assert_eq!(other[6..8], ["–", "–"]);
    let equal = [tasks[1].clone(), tasks[1].clone()];
    assert_eq!(row(&equal)[6], "8");
}

#[test]
fn arms_that_were_tuned_are_compared_at_the_controls_best() {
    let summary = Sample::of(&[StudyKind::Baseline], 8).summary();
    let points = &summary.study(StudyKind::Baseline).expect("a study").points;
    let benchmark = BenchmarkSummary::of(std::slice::from_ref(&summary)).expect("a summary");
    let [task] = benchmark.tasks.as_slice() else {
        panic!("{:?}", benchmark.tasks);
    };
    assert_eq!(task.control, "baseline at its best");
    assert_eq!(task.treatment, "noisytune at the baseline's best");
    let compared = points.iter().find(|point| point.label == task.treatment);
    let compared = compared.and_then(|point| point.comparison.as_ref());
    assert_eq!(
        task.comparison.as_ref().map(|found| &found.paired),
        compared.map(|found| &found.paired)
    );
    assert!(task.comparison.is_some());
}

#[test]
fn p_values_are_corrected_for_the_number_of_tasks() {
    let summary = summary();
    let tasks = &summary.tasks;
    let p = |at: usize| tasks[at].comparison.as_ref().and_then(|c| c.paired.p_value);
    assert!(p(0).is_some());
    // Both have the same differences, so Holm doubles the smaller one and both are equal.
    for task in tasks {
        assert_eq!(
            task.holm_p,
            p(0).map(|p| (2.0 * p).min(1.0)),
            "{}",
            task.task
        );
    }
}
