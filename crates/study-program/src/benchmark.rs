//! Every task of GLUE, one study after the other, and their table.

use std::fmt::Write as _;
use std::path::Path;

use finetune::FinetuneError;
use program::progress::say;
use program::source::Source;
use program::{DeviceOptions, Failure, print};
use report::BenchmarkMaterial;
use study::statistics::{ALPHA, fewest_pairs, least_p_value};
use study::summary::metric_in_words;
use study::{BenchmarkSummary, StudyKind, StudySummary};
use tasks::counted;
use tasks::glue::{self, GlueTask};

use crate::conductor::{Conductor, Stage};
use crate::sentences::{Sentences, folder_within};

impl Conductor<'_> {
    /// Runs the study on every task that the data has, each in its own folder, then writes and prints their table.
    ///
    /// `data` is a folder of tasks or a repository of the hub; `out` is the folder if no option names one.
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`Failure::Usage`] with an option or data for a single task. A file that cannot be read
    /// is an error before the first task is trained, and so is a run that is missing before the first task is merged.
    pub fn run_all(&self, data: Option<&Source>, out: &Path) -> Result<(), Failure> {
        if self.arguments.devices.list_devices {
            return DeviceOptions::list();
        }
        let hub = Source::Hub("glue".to_owned());
        let data = data.unwrap_or(&hub);
        if self.arguments.bench_steps.is_some() {
            let message = "--bench-steps times a single task; name one with --task";
            return Err(Failure::usage(message));
        }
        let (there, absent) = held(data)?;
        let study = self.arguments.resolve().study;
        let compares = |kind: &StudyKind| StudyKind::JUDGING.contains(kind);
        if !study.studies.iter().any(compares) || study.arms.len() < 2 {
            return Err(Failure::usage(
                "--task all puts comparisons side by side; expected --study compare or baseline, and at least two --arms",
            ));
        }
        let Some(stage) = self.stage()? else {
            return Ok(());
        };
        if least_p_value(study.seeds, there.len()) >= ALPHA && !self.arguments.quiet {
            say(&format!(
                "note: {} of runs cannot show any difference, however large; with {} it takes at least {}",
                counted(study.seeds, "pair"),
                counted(there.len(), "task"),
                fewest_pairs(there.len())
            ));
        }
        let out = self.arguments.out.as_deref().unwrap_or(out);
        refuse_other_report(out)?;
        let sentences = |task: &GlueTask| Sentences::Glue {
            task: Box::new(task.clone()),
            data: Some(data.clone()),
        };
        if self.arguments.merge {
            self.check_merges(&stage, &there, &sentences, out)?;
        } else {
            for task in &there {
                self.check(&stage, &sentences(task))?;
            }
        }
        let mut summaries: Vec<StudySummary> = Vec::new();
        let mut scored = Ok(());
        for task in &there {
            let folder = out.join(task.name);
            let sentences = sentences(task);
            let (session, subject) = self.session(&stage, &sentences)?;
            if let Some(shard) = self.arguments.shard {
                self.train_shard(&stage, session, &folder, &subject, shard)?;
                continue;
            }
            let finished = self.train(&stage, session, &folder, &subject)?;
            if !self.arguments.json {
                print(&finished.text)?;
            }
            self.submit(&sentences, &finished, &folder)?;
            scored = scored.and(finished.scored);
            summaries.push(finished.summary);
        }
        if self.arguments.shard.is_some() {
            return Ok(());
        }
        let summary = BenchmarkSummary::of(&summaries).map_err(Failure::world)?;
        let path = out.join("benchmark.json");
        summary.save(&path).map_err(Failure::world)?;
        let material = BenchmarkMaterial {
            summary: &summary,
            model: stage.model_name(),
            absent: &absent,
            command: &self.command(),
        };
        let report = report::write_benchmark(out, &material).map_err(Failure::world)?;
        if self.arguments.json {
            print(&harmless::json(&summary.to_json()))?;
        } else {
            print(&rendered(&summary, &path, &report.html))?;
        }
        scored
    }
}

/// Refuses a folder with a report that is not one of several tasks, which would replace it.
fn refuse_other_report(out: &Path) -> Result<(), Failure> {
    let mut reports = ["report.html", "report.md"]
        .map(|name| out.join(name))
        .into_iter();
    match reports.find(|report| report.exists()) {
        Some(report) if !out.join("benchmark.json").exists() => Err(Failure::World(format!(
            "{} already exists, but {} has no benchmark.json; remove it or choose another --out",
            report.display(),
            out.display()
        ))),
        _ => Ok(()),
    }
}

impl Conductor<'_> {
    /// Compares what is to be merged of every task before the first is, and names all tasks that lack runs.
    fn check_merges(
        &self,
        stage: &Stage,
        tasks: &[GlueTask],
        sentences: &impl Fn(&GlueTask) -> Sentences,
        out: &Path,
    ) -> Result<(), Failure> {
        let mut lacking = Vec::new();
        for task in tasks {
            let (session, _) = self.session(stage, &sentences(task))?;
            let folder = out.join(task.name);
            match session.check_merge(&folder) {
                Ok(()) => {}
                Err(FinetuneError::NotRecorded {
                    missing,
                    runs,
                    shards,
                    ..
                }) => {
                    let shards = shards.map(|shards| format!(", of {shards}"));
                    let shards = shards.unwrap_or_default();
                    lacking.push(format!("{}: {missing} of {runs}{shards}", task.name));
                }
                Err(other) => return Err(self.ended(other, &folder)),
            }
        }
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(Failure::world(format!(
                "runs are not recorded: {}; to train them, leave out --merge",
                lacking.join("; ")
            ))),
        }
    }
}

/// The tasks that the data has, and the names of the others.
fn held(data: &Source) -> Result<(Vec<GlueTask>, Vec<&'static str>), Failure> {
    let Source::Folder(root) = data else {
        if *data == Source::Bundled {
            let message = "--data bundled has a single task; for --task all, use a folder of tasks or hf:glue";
            return Err(Failure::usage(message));
        }
        return Ok((glue::all(), Vec::new()));
    };
    let (there, absent): (Vec<_>, Vec<_>) = glue::all()
        .into_iter()
        .partition(|task| folder_within(task, root).is_some());
    if there.is_empty() {
        let names: Vec<&str> = absent.iter().map(|task| task.folder).collect();
        return Err(Failure::world(format!(
            "{}: no task of GLUE; expected folders such as {}",
            root.display(),
            names.join(", ")
        )));
    }
    Ok((there, absent.iter().map(|task| task.name).collect()))
}

/// One line per task, then the average and the verdict.
fn rendered(summary: &BenchmarkSummary, json: &Path, report: &Path) -> String {
    let points = |score: Option<f64>| score.map_or("-".to_owned(), |x| format!("{:.2}", 100.0 * x));
    let mut text = String::from("\nGLUE dev\n");
    let _ = writeln!(
        text,
        "{:<6} {:<22} {:>8} {:>9} {:>10}  holm p",
        "task", "metric", "control", "treatment", "difference"
    );
    for task in &summary.tasks {
        let difference = task.comparison.as_ref().map(|c| c.paired.mean);
        let p = task.holm_p.map_or("-".to_owned(), |p| format!("{p:.3}"));
        let _ = writeln!(
            text,
            "{:<6} {:<22} {:>8} {:>9} {:>10}  {p}",
            task.task,
            metric_in_words(&task.metric),
            points(task.control_scores.mean),
            points(task.treatment_scores.mean),
            points(difference),
        );
    }
    if let Some(average) = &summary.average {
        let difference = average.treatment - average.control;
        let _ = writeln!(
            text,
            "{:<29} {:>8} {:>9} {:>10}",
            format!("mean over {}", summary.tasks.len()),
            points(Some(average.control)),
            points(Some(average.treatment)),
            points(Some(difference)),
        );
    }
    let _ = writeln!(text, "{}", summary.verdict());
    let _ = writeln!(
        text,
        "summary  {}\nreport   {}",
        harmless::shown(&json.display().to_string()),
        harmless::shown(&report.display().to_string())
    );
    text
}
