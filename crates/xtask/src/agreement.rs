//! Whether this program and PyTorch's come to the same scores: both sides' recorded runs, compared task by task.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::records;

/// Options of `cargo xtask agreement`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder with peer.jsonl, which run_glue.py wrote
    #[arg(default_value = "crates/xtask/runs/glue")]
    folder: PathBuf,
    /// Path of our study of a task, up to the name of the task [default: FOLDER/ours/]
    #[arg(long, value_name = "PATH")]
    ours: Option<String>,
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let ours = options.ours.clone();
    let ours = ours.unwrap_or_else(|| format!("{}/ours/", options.folder.display()));
    print!("{}", render(&read(&options.folder, &ours)?));
    Ok(())
}

/// Scores of a run by evaluation set and metric.
type Scores = BTreeMap<String, BTreeMap<String, f64>>;

/// What both sides record of a run.
struct Run {
    seed: u64,
    scores: Scores,
    settings: Settings,
}

/// What has to be the same on both sides.
#[derive(Debug, PartialEq)]
struct Settings {
    recipe: Recipe,
    train_rows: usize,
    train_sha256: String,
    evaluation_sha256: BTreeMap<String, String>,
    model_sha256: String,
}

/// The numbers of the recipe that both sides have.
#[derive(Debug, PartialEq, Deserialize)]
struct Recipe {
    epochs: usize,
    batch_size: usize,
    learning_rate: f64,
    weight_decay: f64,
    warmup_ratio: f64,
    max_gradient_norm: f64,
    max_length: usize,
    #[serde(default)]
    fresh_pooler: bool,
}

/// The runs of a task.
struct Task {
    name: String,
    ours: Vec<Run>,
    theirs: Vec<Run>,
}

/// A record of run_glue.py.
#[derive(Deserialize)]
struct PeerRecord {
    task: String,
    seed: u64,
    evaluations: Scores,
    recipe: Recipe,
    /// By name of the set.
    rows: BTreeMap<String, usize>,
    /// By name of the file.
    sha256: BTreeMap<String, String>,
    model: Model,
}

/// A record of ours, as far as it matters here.
#[derive(Deserialize)]
struct OurRecord {
    arm: String,
    seed: u64,
    failed: Option<String>,
    epochs: Vec<OurEpoch>,
    settings: OurSettings,
}

#[derive(Deserialize)]
struct OurEpoch {
    evaluations: Scores,
}

#[derive(Deserialize)]
struct OurSettings {
    recipe: Value,
    model: Model,
    train: Rows,
    evaluation: BTreeMap<String, Rows>,
    /// Of a run that chooses a recipe, and is not scored on dev.
    held_out: Option<Value>,
}

#[derive(Deserialize)]
struct Model {
    sha256: String,
    /// Of ours alone.
    #[serde(default)]
    config: Value,
}

impl Model {
    /// Whether run_glue.py, which has what transformers has, reads other tokens.
    fn reads_mean(&self) -> bool {
        self.config["model_type"] == "bert" && self.config["classifier_pooling"] == "mean"
    }
}

#[derive(Deserialize)]
struct Rows {
    rows: usize,
    used: usize,
    sha256: String,
}

/// Reads both sides, and refuses what cannot be compared. `ours` is the path of our study of a task, up to the task's name.
fn read(folder: &Path, ours: &str) -> Result<Vec<Task>, String> {
    let mut tasks: Vec<Task> = Vec::new();
    for record in records::read::<PeerRecord>(&folder.join("peer.jsonl"))? {
        let (name, run) = record.run()?;
        match tasks.iter_mut().find(|task| task.name == name) {
            Some(task) => task.theirs.push(run),
            None => tasks.push(Task {
                theirs: vec![run],
                ours: Vec::new(),
                name,
            }),
        }
    }
    for task in &mut tasks {
        let path = Path::new(&format!("{ours}{}", task.name)).join("runs.jsonl");
        let baselines = records::read::<OurRecord>(&path)?.into_iter();
        for record in baselines.filter(OurRecord::is_scored_baseline) {
            let run = record
                .run()
                .map_err(|e| format!("{}: {e}", path.display()))?;
            task.ours.push(run);
        }
        task.check()?;
    }
    Ok(tasks)
}

impl PeerRecord {
    fn run(mut self) -> Result<(String, Run), String> {
        let train = self.sha256.remove("train.tsv");
        let train_sha256 = train.ok_or("peer.jsonl: a record has no hash of train.tsv")?;
        let train_rows = self.rows.remove("train");
        let train_rows = train_rows.ok_or("peer.jsonl: a record has no number of training rows")?;
        let files = self.sha256.into_iter();
        let set = |file: String| file.trim_end_matches(".tsv").to_owned();
        Ok((
            self.task,
            Run {
                seed: self.seed,
                scores: self.evaluations,
                settings: Settings {
                    recipe: self.recipe,
                    train_rows,
                    train_sha256,
                    evaluation_sha256: files.map(|(file, hash)| (set(file), hash)).collect(),
                    model_sha256: self.model.sha256,
                },
            },
        ))
    }
}

impl OurRecord {
    fn is_scored_baseline(&self) -> bool {
        self.arm == "baseline" && self.settings.held_out.is_none()
    }

    fn run(self) -> Result<Run, String> {
        let seed = self.seed;
        if let Some(why) = self.failed {
            return Err(format!("seed {seed} failed: {why}"));
        }
        let settings = self.settings;
        if settings.model.reads_mean() {
            return Err(format!(
                "seed {seed} reads the mean of all tokens, which transformers' class of BERT does not"
            ));
        }
        let all_rows = |rows: &Rows| rows.used == rows.rows;
        if !settings.evaluation.values().all(all_rows) {
            return Err(format!("seed {seed} was scored on a part of the rows"));
        }
        let sets = settings.evaluation.into_iter();
        let last = self.epochs.into_iter().last();
        let mut scores = last.ok_or("a record has no epochs")?.evaluations;
        for metrics in scores.values_mut() {
            metrics.remove("loss");
        }
        Ok(Run {
            seed,
            scores,
            settings: Settings {
                recipe: serde_json::from_value(settings.recipe).map_err(|e| e.to_string())?,
                train_rows: settings.train.used,
                train_sha256: settings.train.sha256,
                evaluation_sha256: sets.map(|(set, rows)| (set, rows.sha256)).collect(),
                model_sha256: settings.model.sha256,
            },
        })
    }
}

impl Task {
    /// Refuses runs of other settings, a seed that one side has twice, and one that PyTorch has alone.
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let seeds = |runs: &[Run]| {
            let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
            seeds.sort_unstable();
            seeds
        };
        let [ours, theirs] = [&self.ours, &self.theirs].map(|runs| seeds(runs));
        let has_twice = |seeds: &[u64]| seeds.windows(2).any(|pair| pair[0] == pair[1]);
        let shared = theirs.iter().all(|seed| ours.contains(seed));
        if has_twice(&ours) || has_twice(&theirs) || !shared || theirs.len() < 2 {
            return Err(format!(
                "{name}: seeds are {ours:?} and PyTorch's {theirs:?}, accepted are two or more of PyTorch's, all among ours, none twice"
            ));
        }
        let first = &self.theirs[0];
        let others = || self.ours.iter().chain(&self.theirs);
        if let Some(other) = others().find(|run| run.settings != first.settings) {
            return Err(format!(
                "{name}: settings differ: {:?} and {:?}",
                first.settings, other.settings
            ));
        }
        fn names(run: &Run) -> Vec<(&String, Vec<&String>)> {
            let sets = run.scores.iter();
            sets.map(|(set, metrics)| (set, metrics.keys().collect()))
                .collect()
        }
        match others().find(|run| names(run) != names(first)) {
            None => Ok(()),
            Some(other) => Err(format!(
                "{name}: metrics are {:?} and {:?}",
                names(first),
                names(other)
            )),
        }
    }
}

/// Mean, variance and number of a side's scores.
struct Side {
    mean: f64,
    variance: f64,
    count: f64,
}

impl Side {
    fn of(scores: &[f64]) -> Self {
        let count = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / count;
        let squares = scores.iter().map(|score| (score - mean).powi(2));
        Self {
            variance: squares.sum::<f64>() / (count - 1.0),
            mean,
            count,
        }
    }
}

/// Half of the 95 % interval of the difference of two means whose variances may differ.
///
/// Source: Welch (1947), "The generalization of 'Student's' problem when several different population variances are
/// involved".
fn half_interval(a: &Side, b: &Side) -> f64 {
    let [va, vb] = [a, b].map(|side| side.variance / side.count);
    if va + vb == 0.0 {
        return 0.0;
    }
    let freedom = (va + vb).powi(2) / (va * va / (a.count - 1.0) + vb * vb / (b.count - 1.0));
    let t = StudentsT::new(0.0, 1.0, freedom).expect("freedom is at least 1");
    t.inverse_cdf(0.975) * (va + vb).sqrt()
}

/// One row per task, evaluation set and metric; scores times 100.
fn render(tasks: &[Task]) -> String {
    let mut text = String::from(
        "| task | metric | learning rate × epochs | seeds: ours, PyTorch | ours: mean ± sd | PyTorch: mean ± sd | difference (95 % interval) | within seed noise |\n|---|---|---|---|---|---|---|---|\n",
    );
    for task in tasks {
        let first = &task.theirs[0];
        for (set, metrics) in &first.scores {
            for metric in metrics.keys() {
                let side = |runs: &[Run]| {
                    let scores = runs.iter().map(|run| 100.0 * run.scores[set][metric]);
                    Side::of(&scores.collect::<Vec<f64>>())
                };
                let (ours, theirs) = (side(&task.ours), side(&task.theirs));
                let difference = ours.mean - theirs.mean;
                let half = half_interval(&ours, &theirs);
                let set = if set == "dev" { "" } else { set.as_str() };
                let _ = writeln!(
                    text,
                    "| {} | {} | {:e} × {} | {}, {} | {:.2} ± {:.2} | {:.2} ± {:.2} | {difference:+.2} ({:+.2} to {:+.2}) | {} |",
                    task.name,
                    format!("{set} {metric}").trim(),
                    first.settings.recipe.learning_rate,
                    first.settings.recipe.epochs,
                    task.ours.len(),
                    task.theirs.len(),
                    ours.mean,
                    ours.variance.sqrt(),
                    theirs.mean,
                    theirs.variance.sqrt(),
                    difference - half,
                    difference + half,
                    if difference.abs() <= half {
                        "yes"
                    } else {
                        "no"
                    },
                );
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recorded runs of both sides in a folder of `runs`, ours by their path up to the task's name.
    fn recorded(name: &str, ours: &str) -> Vec<Task> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ours = package.join(ours);
        read(&package.join("runs").join(name), &ours.to_string_lossy()).expect("comparable runs")
    }

    fn recorded_by_the_default() -> Vec<Task> {
        recorded("glue", "runs/glue/ours/")
    }

    #[test]
    fn the_interval_is_welchs() {
        let (a, b) = ([74.5, 76.0, 75.25], [77.5, 72.0, 74.0]);
        let half = half_interval(&Side::of(&a), &Side::of(&b));
        // scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval()
        assert!((half - 6.362_134_770_247).abs() < 1e-6, "{half}");
        let same = Side::of(&[1.0, 1.0]);
        assert_eq!(half_interval(&same, &same), 0.0);
    }

    #[test]
    fn the_readme_shows_the_tables_of_the_recorded_runs() {
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = std::fs::read_to_string(readme).expect("the README");
        let tuned = recorded("glue-tuned", "../../examples/glue/runs/minilm-");
        for tasks in [recorded_by_the_default(), tuned] {
            let table = render(&tasks);
            assert!(
                readme.contains(&table),
                "README.md lacks this table:\n{table}"
            );
        }
    }

    #[test]
    fn a_bert_that_reads_the_mean_is_refused() {
        let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs/glue/ours/rte/runs.jsonl");
        let text = std::fs::read_to_string(runs).expect("our records");
        let mut record: Value =
            serde_json::from_str(text.lines().next().expect("a record")).expect("JSON");
        let run = |record: &Value| {
            let record: OurRecord =
                serde_json::from_value(record.clone()).expect("a record of ours");
            record.run().map(|_| ())
        };
        assert_eq!(run(&record), Ok(()));
        record["settings"]["model"]["config"]["classifier_pooling"] = "mean".into();
        let refusal = run(&record).expect_err("it is another model");
        assert!(
            refusal.contains("reads the mean of all tokens"),
            "{refusal}"
        );
    }

    #[test]
    fn other_settings_and_other_seeds_are_refused() {
        let mut tasks = recorded_by_the_default();
        let task = &mut tasks[0];
        task.ours[0].settings.recipe.learning_rate *= 2.0;
        let refusal = task.check().expect_err("another learning rate");
        assert!(refusal.contains("settings differ"), "{refusal}");

        let mut tasks = recorded_by_the_default();
        let task = &mut tasks[0];
        task.ours[0].seed = 1000;
        let refusal = task.check().expect_err("a seed of PyTorch's alone");
        assert!(refusal.contains("seeds are"), "{refusal}");

        let mut tasks = recorded_by_the_default();
        let task = &mut tasks[0];
        task.theirs.pop();
        task.check().expect("a seed of ours alone");
        task.ours[2].seed = task.ours[1].seed;
        let refusal = task.check().expect_err("a seed twice");
        assert!(refusal.contains("seeds are"), "{refusal}");
    }
}
