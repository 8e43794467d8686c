//! The report of several tasks: the paper's Table 1 beside the same table of these runs.

use std::path::Path;

use study::BenchmarkSummary;
use study::benchmark::{Finding, TaskResult};
use study::statistics::Paired;
use study::summary::metric_in_words;

use crate::document::{Block, Document, Section, Table};
use crate::number::{
    NONE, count, interval, or_none, p_value, percent, points, sentence, signed, thousands,
};
use crate::{ReportError, Written, layout, table_1};

/// The finished studies of several tasks.
#[derive(Clone, Copy, Debug)]
pub struct BenchmarkMaterial<'a> {
    /// The results.
    pub summary: &'a BenchmarkSummary,
    /// Name of the pretrained model.
    pub model: &'a str,
    /// Tasks of the benchmark that were not run.
    pub absent: &'a [&'a str],
    /// The command that makes the same runs again, as typed; empty if each task had its own.
    pub command: &'a str,
}

/// Writes `report.html` and `report.md` into the folder of the tasks' folders, each of which has its own report.
///
/// # Errors
/// Those of [`write()`](crate::write()).
pub fn write_benchmark(
    folder: &Path,
    material: &BenchmarkMaterial<'_>,
) -> Result<Written, ReportError> {
    let document = document(material).harmless();
    let written = Written {
        html: folder.join("report.html"),
        markdown: folder.join("report.md"),
        figures: Vec::new(),
    };
    files::remove_abandoned(folder)?;
    files::replace(&written.markdown, layout::markdown(&document)?.as_bytes())?;
    files::replace(&written.html, layout::html(&document)?.as_bytes())?;
    Ok(written)
}

fn document(material: &BenchmarkMaterial<'_>) -> Document {
    let summary = material.summary;
    let verdict = summary.verdict();
    let (headline, standfirst) = match verdict.split_once("; ") {
        Some((finding, rest)) => (sentence(finding), sentence(rest)),
        None => (sentence(&verdict), String::new()),
    };
    let runs: usize = summary
        .tasks
        .iter()
        .flat_map(|task| [&task.control_scores, &task.treatment_scores])
        .map(|scores| scores.n + scores.failed)
        .sum();
    let sections = vec![
        Section {
            id: "tasks",
            heading: "What does each task say?".to_owned(),
            finding: None,
            blocks: vec![Block::Table(differences(material)), Block::List(findings(summary))],
        },
        Section {
            id: "table-1",
            heading: "What did the paper find?".to_owned(),
            finding: None,
            blocks: vec![
                Block::Text(
                    "The paper finetunes base-size models on each task's whole training set and reports means of 5 seeds. The last column is the mean \
                     over the tasks that ran here, for its rows too. Compare the signs and the sizes of the differences, not the levels."
                        .to_owned(),
                ),
                Block::Table(side_by_side(material)),
            ],
        },
        Section {
            id: "origin",
            heading: "How was it done?".to_owned(),
            finding: None,
            blocks: origin(material.command),
        },
    ];
    Document {
        title: "NoisyTune on GLUE".to_owned(),
        headline,
        standfirst,
        facts: vec![
            ("model".to_owned(), material.model.to_owned()),
            ("tasks".to_owned(), thousands(summary.tasks.len())),
            ("runs compared".to_owned(), thousands(runs)),
        ],
        sections,
        colophon: format!(
            "Made by noisytune-burn from {}.",
            count(summary.tasks.len(), "task", "tasks")
        ),
    }
}

fn origin(command: &str) -> Vec<Block> {
    let folders =
        "Each task has its own folder with records, summary and report, which hold every arm.";
    match command {
        "" => vec![Block::Text(folders.to_owned())],
        command => vec![
            Block::Text(format!(
                "{folders} This command repeats the runs, or continues them where they stopped:"
            )),
            Block::Code(command.to_owned()),
        ],
    }
}

/// One row per task that ran, then the mean over them, then the tasks that did not run.
fn differences(material: &BenchmarkMaterial<'_>) -> Table {
    let first = material.summary.tasks.first();
    let label = |of: fn(&TaskResult) -> &String| first.map_or("", |task| of(task).as_str());
    let control = format!("#{}", label(|task| &task.control));
    let treatment = format!("#{}", label(|task| &task.treatment));
    let mut table = Table::new(
        "Dev scores in points, and paired differences with 95 % intervals over seeds (Student's t, for at least 6 pairs that are not all equal); Holm corrects the permutation p for the number of tasks. The mean is over the pairs of each task; where tasks have pairs of other seeds, its interval is Welch's.",
        &[
            "task",
            "metric",
            &control,
            &treatment,
            "#difference",
            "#95 % interval over seeds",
            "#pairs",
            "#p, permutation",
            "#p, Holm",
            "#the paper's difference, BERT",
        ],
    );
    let paper = |scores: Option<(f64, f64)>| {
        or_none(scores.map(|(without, with)| with - without), |gain| {
            signed(gain, 1)
        })
    };
    let row = |first: [String; 4], difference, ends, paired: Option<&Paired>, holm, theirs| {
        let mut row = first.to_vec();
        row.extend([
            or_none(difference, points),
            interval(ends),
            paired.map_or(NONE.to_owned(), |paired| thousands(paired.n)),
            p_value(paired.and_then(|paired| paired.p_value)),
            p_value(holm),
            paper(theirs),
        ]);
        row
    };
    let bert = &table_1::ROWS[0];
    let tasks = &material.summary.tasks;
    for task in tasks {
        let paired = task.comparison.as_ref().map(|c| &c.paired);
        table.rows.push(row(
            [
                task.task.clone(),
                metric_in_words(&task.metric),
                or_none(task.control_scores.mean, percent),
                or_none(task.treatment_scores.mean, percent),
            ],
            paired.map(|paired| paired.mean),
            paired.and_then(|paired| paired.ci95),
            paired,
            task.holm_p,
            bert.on(&task.task),
        ));
    }
    if let Some(average) = &material.summary.average {
        table.rows.push(row(
            [
                "mean".to_owned(),
                format!("of {}", count(tasks.len(), "task", "tasks")),
                percent(average.control),
                percent(average.treatment),
            ],
            Some(average.treatment - average.control),
            average.ci95,
            average.paired.as_ref(),
            None,
            bert.average(tasks.iter().map(|task| task.task.as_str())),
        ));
    }
    for absent in material.absent {
        let mut row = vec![(*absent).to_owned(), "not run".to_owned()];
        row.resize(table.columns.len(), NONE.to_owned());
        table.rows.push(row);
    }
    table
}

fn findings(summary: &BenchmarkSummary) -> Vec<String> {
    let words = |task: &TaskResult| {
        let says = match task.finding {
            Finding::TooFew => "too few pairs to tell".to_owned(),
            Finding::NoEvidence => "no evidence of a difference".to_owned(),
            Finding::Higher => format!("evidence that {} is higher", task.treatment),
            Finding::Lower => format!("evidence that {} is lower", task.treatment),
        };
        match &task.exploratory {
            Some(reason) => format!("{}: exploratory, {says}; {reason}.", task.task),
            None => format!("{}: {says}.", task.task),
        }
    };
    summary.tasks.iter().map(words).collect()
}

/// The paper's rows and ours, with the tasks as columns.
fn side_by_side(material: &BenchmarkMaterial<'_>) -> Table {
    let ran: Vec<&str> = material
        .summary
        .tasks
        .iter()
        .map(|task| task.task.as_str())
        .collect();
    let columns: Vec<String> = table_1::TASKS
        .iter()
        .map(|task| format!("#{task}"))
        .collect();
    let mut names = vec!["", "model"];
    names.extend(columns.iter().map(String::as_str));
    names.push("#mean of those run here");
    let mut table = Table::new(
        "Dev scores in points: accuracy, for CoLA Matthews correlation, for STS-B Pearson correlation.",
        &names,
    );
    let one = |score: f64| format!("{score:.1}");
    for row in &table_1::ROWS {
        let average = row.average(ran.iter().copied());
        for (name, scores, mean) in [
            (
                row.model.to_owned(),
                &row.without,
                average.map(|(without, _)| without),
            ),
            (
                format!("{} + NoisyTune", row.model),
                &row.with,
                average.map(|(_, with)| with),
            ),
        ] {
            let mut cells = vec!["paper".to_owned(), name];
            cells.extend(scores.iter().map(|score| one(*score)));
            cells.push(or_none(mean, one));
            table.rows.push(cells);
        }
    }
    let ours = |name: String, of: &dyn Fn(&TaskResult) -> Option<String>, mean: Option<String>| {
        let mut cells = vec!["here".to_owned(), name];
        cells.extend(table_1::TASKS.iter().map(|task| {
            let found = material
                .summary
                .tasks
                .iter()
                .find(|result| result.task == *task);
            found.map_or_else(
                || "not run".to_owned(),
                |result| of(result).unwrap_or(NONE.to_owned()),
            )
        }));
        cells.push(mean.unwrap_or(NONE.to_owned()));
        cells
    };
    let average = material.summary.average.as_ref();
    let labels = material.summary.tasks.first();
    let treatment = labels.map_or("noisytune", |task| task.treatment.as_str());
    table.rows.push(ours(
        material.model.to_owned(),
        &|task| task.control_scores.mean.map(percent),
        average.map(|average| percent(average.control)),
    ));
    table.rows.push(ours(
        format!("{} + {treatment}", material.model),
        &|task| task.treatment_scores.mean.map(percent),
        average.map(|average| percent(average.treatment)),
    ));
    table.rows.push(ours(
        "difference".to_owned(),
        &|task| Some(points(task.comparison.as_ref()?.paired.mean)),
        average.map(|average| signed(100.0 * (average.treatment - average.control), 2)),
    ));
    table
}
