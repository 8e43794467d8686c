//! `plan.json`: what a study sets out to do, written before its first run and never changed.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use files::{FileError, sha256_of};
use serde::{Deserialize, Serialize};

use crate::config::StudyConfig;
use crate::error::StudyError;
use crate::json_text::json_text;
use crate::kind::StudyKind;
use crate::plan::{self, RunKey};
use crate::record::{Headline, RunRecord, Settings, Versions, difference};
use crate::statistics::ALPHA;

/// The version of the plans that this build writes.
const FORMAT: u64 = 1;

/// What a study sets out to do. A change of any of it after the first run is a departure from the plan, and makes later
/// verdicts exploratory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preregistration {
    /// The version of the format.
    pub format: u64,
    /// Studies, arms, seeds, recipe.
    pub config: StudyConfig,
    /// Name of the task.
    pub task: String,
    /// The score by which runs are compared.
    pub headline: Headline,
    /// The comparison that the studies are made for: the first one of the first study that makes any.
    pub primary: Option<PrimaryComparison>,
    /// Number of different comparisons, for which p-values are corrected.
    pub comparisons: usize,
    /// How recipes are chosen, if they are looked for on a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
    /// The test and what counts as evidence.
    pub test: String,
    /// When scores may be looked at.
    pub looks: String,
    /// Name of the pretrained model, and the SHA-256 of its weights.
    pub model: NamedHash,
    /// SHA-256 of the training file, and of the file of each evaluation set by its name.
    pub data: BTreeMap<String, String>,
    /// Versions of the program. Not its commit: a build that asked git for it would compile this crate and all above it anew after
    /// each commit, and a program from crates.io or an archive has none.
    pub versions: Versions,
}

/// One comparison of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrimaryComparison {
    /// The study.
    pub study: StudyKind,
    /// Label of the point.
    pub treatment: String,
    /// Label of the point it is compared with.
    pub control: String,
}

/// Something with a name and a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedHash {
    /// Its name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// A plan in a study's folder.
struct Filed {
    text: String,
    plan: Preregistration,
}

/// Where a plan belongs.
enum Place {
    /// It is filed, and this is its hash; `None` where there is to be no plan.
    Filed(Option<String>),
    /// In a file that is not there yet.
    New(PathBuf),
}

impl Preregistration {
    /// Whether both set out to do the same, whatever they say that none of their runs has.
    fn sets_out_the_same(&self, other: &Self) -> bool {
        let with_own = Self {
            config: self.config.clone(),
            ..other.clone()
        };
        with_own == *self && self.config.asks_the_same(&other.config)
    }

    /// The plan of a configuration over `train_rows` training rows; `settings` are those of any of its runs
    /// that is scored on the task's evaluation sets.
    pub fn of(config: &StudyConfig, train_rows: usize, settings: &Settings) -> Self {
        let planned = plan::plan(config, train_rows);
        let primary = planned.iter().find_map(|study| {
            let point = study.points.iter().find(|point| point.against.is_some())?;
            Some(PrimaryComparison {
                study: study.study,
                treatment: point.label.clone(),
                control: point.against.clone()?,
            })
        });
        let train = ("train".to_owned(), settings.train.sha256.clone());
        let sets = settings.evaluation.iter();
        let sets = sets.map(|(set, rows)| (set.clone(), rows.sha256.clone()));
        Self {
            format: FORMAT,
            config: config.clone(),
            task: settings.task.clone(),
            headline: settings.headline.clone(),
            primary,
            comparisons: plan::comparisons(&planned),
            choice: choice(config, train_rows),
            test: format!(
                "two-sided sign-flip permutation test on the differences of pairs, corrected by Holm for all comparisons; evidence is p \
                 below {ALPHA} and a 95 % interval (Student's t) that excludes 0"
            ),
            looks: "scores may be watched; no verdict before every planned run has ended, and no run beyond the plan".to_owned(),
            model: NamedHash {
                name: settings.model.name.clone(),
                sha256: settings.model.sha256.clone(),
            },
            data: std::iter::once(train).chain(sets).collect(),
            versions: Versions::current(),
        }
    }

    /// Files the plan in a study's folder, and returns the SHA-256 of the file's bytes for the records of the runs made
    /// under it.
    ///
    /// The first plan is `plan.json`. A plan that differs from those that are there is an extension, `plan-2.json` and so
    /// on; no file is ever replaced. `None` if the folder has records but no plan: they are from before plans were kept, and
    /// a plan made after its runs is none.
    ///
    /// # Errors
    /// [`StudyError::File`], [`StudyError::Plan`] if a file is no plan.
    pub fn file(&self, folder: &Path, has_records: bool) -> Result<Option<String>, StudyError> {
        let filed = Filed::all(folder)?;
        if let Some(same) = filed
            .iter()
            .find(|filed| filed.plan.sets_out_the_same(self))
        {
            return Ok(Some(same.hash()));
        }
        if filed.is_empty() && has_records {
            return Ok(None);
        }
        let text = self.text();
        files::replace(&path(folder, filed.len() + 1), text.as_bytes())?;
        Ok(Some(sha256_of(text.as_bytes())))
    }

    /// The same for one of several shards, whichever of them comes first: the plan of the others has to be this one.
    /// `merged` says whether `runs.jsonl` has records, `sharded` whether a shard has.
    ///
    /// Only a study whose shards are merged can be extended.
    ///
    /// # Errors
    /// As [`file`](Self::file), and [`StudyError::OtherPlan`].
    pub fn file_by_shard(
        &self,
        folder: &Path,
        merged: bool,
        sharded: bool,
    ) -> Result<Option<String>, StudyError> {
        let text = self.text();
        loop {
            let path = match self.place_of_shard(folder, merged, sharded)? {
                Place::Filed(hash) => return Ok(hash),
                Place::New(path) => path,
            };
            // If another shard has made it in the meantime, it is compared.
            if files::create_new(&path, text.as_bytes())? {
                return Ok(Some(sha256_of(text.as_bytes())));
            }
        }
    }

    /// Looks whether [`file_by_shard`](Self::file_by_shard) would refuse the plan, and files nothing.
    ///
    /// # Errors
    /// As [`file_by_shard`](Self::file_by_shard).
    pub fn check_by_shard(
        &self,
        folder: &Path,
        merged: bool,
        sharded: bool,
    ) -> Result<(), StudyError> {
        self.place_of_shard(folder, merged, sharded).map(|_| ())
    }

    fn place_of_shard(
        &self,
        folder: &Path,
        merged: bool,
        sharded: bool,
    ) -> Result<Place, StudyError> {
        let filed = Filed::all(folder)?;
        if let Some(same) = filed
            .iter()
            .find(|filed| filed.plan.sets_out_the_same(self))
        {
            return Ok(Place::Filed(Some(same.hash())));
        }
        match filed.last() {
            None if merged || sharded => Ok(Place::Filed(None)),
            Some(last) if sharded || !merged => {
                Err(last.plan.unlike(self, &path(folder, filed.len())))
            }
            _ => Ok(Place::New(path(folder, filed.len() + 1))),
        }
    }

    /// The files of the plans in a study's folder, first to last.
    ///
    /// # Errors
    /// As [`hashes`](Self::hashes).
    pub fn paths(folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
        let filed = Filed::all(folder)?.len();
        Ok((1..=filed).map(|number| path(folder, number)).collect())
    }

    /// The SHA-256 of every plan in a study's folder, first to last.
    ///
    /// # Errors
    /// [`StudyError::File`], [`StudyError::Plan`] if a file is no plan.
    pub fn hashes(folder: &Path) -> Result<Vec<String>, StudyError> {
        let filed = Filed::all(folder)?;
        Ok(filed.iter().map(Filed::hash).collect())
    }

    fn text(&self) -> String {
        json_text(self)
    }

    /// The error of a plan that is not the one in a file, with the first field that differs; the configuration first, which
    /// names the cause.
    fn unlike(&self, now: &Self, path: &Path) -> StudyError {
        let found = self.config.difference(&now.config).or_else(|| {
            let json = |plan: &Self| serde_json::to_value(plan).expect("a plan is plain data");
            difference("plan", &json(self), &json(now))
        });
        other_plan(path, found)
    }
}

/// Looks whether these records, which are to be merged, were made under plans of this configuration. One whose plan is gone, or
/// which has none, says nothing.
///
/// # Errors
/// [`StudyError::OtherPlan`] with the first field that differs, [`StudyError::File`], [`StudyError::Plan`] if a file is no plan.
pub fn refuse_other_plans<'a>(
    config: &StudyConfig,
    folder: &Path,
    records: impl Iterator<Item = &'a RunRecord>,
) -> Result<(), StudyError> {
    let filed = Filed::all(folder)?;
    let hashes: Vec<String> = filed.iter().map(Filed::hash).collect();
    for record in records {
        let of_run = |hash: &String| record.plan_sha256.as_ref() == Some(hash);
        let Some(at) = hashes.iter().position(of_run) else {
            continue;
        };
        let found = filed[at].plan.config.difference(config);
        if found.is_some() {
            return Err(other_plan(&path(folder, at + 1), found));
        }
    }
    Ok(())
}

fn other_plan(path: &Path, found: Option<(String, String, String)>) -> StudyError {
    let (field, recorded, current) = found.unwrap_or_default();
    StudyError::OtherPlan {
        path: path.to_path_buf(),
        field,
        recorded,
        current,
    }
}

/// How a study left its plan, in a few words; `None` if it did not, or never had one.
///
/// # Errors
/// [`StudyError::File`], [`StudyError::Plan`] if a file is no plan.
pub(crate) fn departure(
    config: &StudyConfig,
    train_rows: usize,
    records: &[RunRecord],
    folder: &Path,
) -> Result<Option<String>, StudyError> {
    let runs = plan::runs(&plan::resolved(config, train_rows, records));
    let found = |run: &RunKey| records.iter().find(|record| RunKey::of(record) == *run);
    let made: Vec<&RunRecord> = runs.iter().filter_map(found).collect();
    let filed = Filed::all(folder)?;
    // Of any run, the configuration's or not: the plan of further seeds counts although they are left out again.
    let is_filed = |named: &String| filed.iter().any(|filed| filed.hash() == *named);
    let is_gone = records
        .iter()
        .filter_map(|record| record.plan_sha256.as_ref())
        .any(|named| !is_filed(named));
    let Some(first) = filed.first() else {
        return Ok(is_gone.then(|| "plan.json is gone".to_owned()));
    };
    let hash = first.hash();
    let reason = if is_gone {
        "a plan of recorded runs is gone"
    } else if filed.len() > 1 {
        "the plan was extended after the first run"
    } else if !first.plan.config.asks_the_same(config) {
        "its configuration is not that of plan.json"
    } else if made
        .iter()
        .any(|run| run.plan_sha256.as_ref() != Some(&hash))
    {
        "a run was not made under plan.json"
    } else if made.len() < runs.len() {
        "not every planned run has ended"
    } else {
        return Ok(None);
    };
    Ok(Some(reason.to_owned()))
}

/// How [`StudyKind::Baseline`] chooses recipes; `None` for other studies.
fn choice(config: &StudyConfig, train_rows: usize) -> Option<String> {
    config.studies.contains(&StudyKind::Baseline).then(|| {
        let tuning = config.tuning();
        format!(
            "each arm at each point of the grid with {} seeds of its own, trained without {} training rows that are held out and \
             scored on them alone; an arm's recipe is the point with the fewest failed runs and, of these, the highest mean score; dev \
             is scored only in runs at the chosen recipes, on all training rows, with other seeds",
            tuning.seeds,
            tuning.validation_rows(train_rows),
        )
    })
}

impl Filed {
    fn hash(&self) -> String {
        sha256_of(self.text.as_bytes())
    }

    /// The plans of a folder, first to last.
    fn all(folder: &Path) -> Result<Vec<Self>, StudyError> {
        let mut all = Vec::new();
        loop {
            let path = path(folder, all.len() + 1);
            let text = match files::read_text(&path) {
                Ok(text) => text,
                Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    return Ok(all);
                }
                Err(error) => return Err(error.into()),
            };
            let plan = serde_json::from_str(&text).map_err(|error| StudyError::Plan {
                path,
                reason: error.to_string(),
            })?;
            all.push(Self { text, plan });
        }
    }
}

fn path(folder: &Path, number: usize) -> PathBuf {
    folder.join(match number {
        1 => "plan.json".to_owned(),
        _ => format!("plan-{number}.json"),
    })
}
