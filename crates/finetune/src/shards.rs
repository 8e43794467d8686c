//! One study by several processes: each works on a shard, and one of them, or another, merges what they leave.

use std::path::Path;

use files::FileError;
use study::plan::{self, RunKey, RunRecipe};
use study::preregistration::refuse_other_plans;
use study::record::{RunFiles, RunLog, RunRecord, RunsOfFile, refuse_other_shards, shards_of};
use study::shard::count_pairs;
use study::{Shard, StudyError, StudySummary};

use crate::checkpoint::{adopt, checkpoints_of};
use crate::error::FinetuneError;
use crate::foreign::refuse_foreign;
use crate::progress::Progress;
use crate::run::PREDICTIONS;
use crate::saving::remove_replaced;
use crate::session::{Session, holds};

/// How many runs or shards a message names.
const LISTED: usize = 3;

/// What a shard has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardRuns {
    /// Pairs of runs that the study has; shards beyond have nothing to do.
    pub pairs: usize,
    /// The shard's share of the runs.
    pub runs: usize,
    /// Those of them that are recorded.
    pub recorded: usize,
    /// Those of the recorded ones that failed.
    pub failed: usize,
}

impl Session {
    /// Trains the runs of a shard that the folder does not yet hold, and records them in a file of its own. Processes of other
    /// shards may work in the folder at the same time, on other machines too; [`merge`](Self::merge) makes one study of all.
    ///
    /// A record differs in nothing but its times from the one that [`run`](Self::run) makes. If recipes are looked for on a grid,
    /// the runs at the chosen ones follow once every shard's tuning runs are recorded.
    ///
    /// # Errors
    /// As [`run`](Self::run), for the records of all shards; [`StudyError::OtherShards`] and [`StudyError::OtherPlan`] if
    /// other shards are not of this study, which make no file; [`FinetuneError::TuningUnfinished`] if the share's tuning runs are
    /// recorded and those of others are not.
    pub fn run_shard(
        &self,
        folder: &Path,
        shard: Shard,
        progress: &mut (impl Progress + Send),
    ) -> Result<ShardRuns, FinetuneError> {
        let pairs = count_pairs(&plan::runs(&self.plan()));
        if shard.number() > pairs {
            return Ok(ShardRuns {
                pairs,
                runs: 0,
                recorded: 0,
                failed: 0,
            });
        }
        refuse_other_shards(folder, shard)?;
        self.check_shard(folder, shard)?;
        refuse_foreign(folder, self.saves_models())?;
        let log = RunLog::open_shard(folder, shard)?;
        // Another process may have begun in the meantime, and now sees this one's file as this one sees its.
        let begun = self.check_shard(folder, shard);
        let begun = begun.and_then(|()| self.check(&log, folder, progress));
        let planned = begun.and_then(|()| self.file_plan(&log, folder, Some(shard), progress));
        if let Err(error) = planned {
            if log.records().is_empty() {
                // Best effort: the error to report is the first one.
                let _ = log.remove();
            }
            return Err(error);
        }
        remove_abandoned(folder)?;
        let log = self.work(log, folder, Some(shard), progress)?;
        let records = known(&log, folder, Some(shard))?;
        let runs = shard.share(&self.resolved(&records));
        let of_share = records
            .iter()
            .filter(|record| runs.contains(&RunKey::of(record)));
        Ok(ShardRuns {
            pairs,
            runs: runs.len(),
            recorded: runs.iter().filter(|run| holds(&records, run)).count(),
            failed: of_share.filter(|record| record.failed.is_some()).count(),
        })
    }

    /// Puts the records of all shards into `runs.jsonl` and summarises them, without training anything. The folder is then as
    /// [`run`](Self::run) leaves it, but for times; of the best models that shards have saved, the best of all stay.
    ///
    /// # Errors
    /// Those of [`check_merge`](Self::check_merge), which leave the folder as it was, and those of reading and writing.
    pub fn merge(
        &self,
        folder: &Path,
        progress: &mut (impl Progress + Send),
    ) -> Result<StudySummary, FinetuneError> {
        self.check_merge(folder)?;
        let (log, count) = self.gather(folder, progress)?;
        // Unless somebody took records away in the meantime, nothing is missing; then nothing is trained either.
        self.refuse_missing(log.records(), count)?;
        let log = self.work(log, folder, None, progress)?;
        self.summarise(&log, folder)
    }

    /// Compares all that [`merge`](Self::merge) would put together, and touches nothing.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`StudyError::OtherPlan`] if shards worked by the plan of another configuration; and
    /// [`FinetuneError::NotRecorded`] if runs are missing.
    pub fn check_merge(&self, folder: &Path) -> Result<(), FinetuneError> {
        let shards = shards_of(folder)?;
        files::refuse_in_use(&folder.join("runs.jsonl"))?;
        for shard in &shards {
            files::refuse_in_use(&folder.join(shard.file_name()))?;
        }
        let runs = RunFiles::read(folder)?;
        for file in runs.files() {
            self.check_settings(file)?;
            file.check_predictions(folder)?;
        }
        refuse_other_plans(&self.setup().config, folder, runs.of_shards())?;
        let records: Vec<RunRecord> = runs.records().cloned().collect();
        self.refuse_missing(&records, shards.first().map(|shard| shard.count()))
    }

    /// Looks whether anything that is recorded speaks against a shard. A process that works on all runs locks `runs.jsonl` before
    /// it looks at the files of shards, so that one of both sees the other.
    fn check_shard(&self, folder: &Path, shard: Shard) -> Result<(), FinetuneError> {
        files::refuse_in_use(&folder.join("runs.jsonl"))?;
        let runs = RunFiles::read(folder)?;
        for file in runs.files() {
            self.check_settings(file)?;
        }
        let records: Vec<RunRecord> = runs.records().cloned().collect();
        if let Some(plan) = self.preregistration(&records, Some(shard)) {
            let [merged, sharded] = [
                runs.merged().next().is_some(),
                runs.of_shards().next().is_some(),
            ];
            plan.check_by_shard(folder, merged, sharded)?;
        }
        Ok(())
    }

    /// Opens `runs.jsonl` with the records of all shards in it, and says how many shards they were.
    pub(crate) fn gather(
        &self,
        folder: &Path,
        progress: &mut impl Progress,
    ) -> Result<(RunLog, Option<usize>), FinetuneError> {
        refuse_foreign(folder, self.saves_models())?;
        let mut log = RunLog::open(folder)?;
        remove_abandoned(folder)?;
        self.check(&log, folder, progress)?;
        let logs = RunLog::open_shards(folder)?;
        for shard in &logs {
            self.check(shard, folder, progress)?;
        }
        let shards = shards_of(folder)?;
        let Some(first) = shards.first() else {
            return Ok((log, None));
        };
        let all = std::iter::once(&log).chain(&logs);
        let all: Vec<RunRecord> = all.flat_map(|log| log.records()).cloned().collect();
        let taken = log.take_in(&logs, &self.resolved(&all))?;
        for shard in &shards {
            let from = checkpoints_of(folder, Some(*shard));
            if from.is_dir() {
                files::remove_unfinished(&from)?;
                adopt(&from, &checkpoints_of(folder, None), |_| true)?;
                files::remove_folder(&from)?;
            }
        }
        let runs = self.resolved(log.records());
        let saved = log.records().iter().filter(|run| run.has_model(folder));
        let saved = saved.filter(|run| runs.contains(&RunKey::of(run)));
        remove_replaced(&saved.collect::<Vec<_>>(), folder)?;
        progress.shards_merged(logs.len(), taken);
        // Last: as long as they are there, all of this is done again.
        for shard in logs {
            shard.remove()?;
        }
        Ok((log, Some(first.count())))
    }

    /// Compares recorded runs with what they would be now, before any is trained.
    pub(crate) fn check(
        &self,
        log: &RunLog,
        folder: &Path,
        progress: &mut impl Progress,
    ) -> Result<(), FinetuneError> {
        if let Some(line) = log.torn_line() {
            progress.torn_line(log.path(), line);
        }
        self.check_settings(log.runs())?;
        Ok(log.runs().check_predictions(folder)?)
    }

    fn check_settings(&self, runs: RunsOfFile<'_>) -> Result<(), StudyError> {
        let setup = self.setup();
        runs.refuse_other_studies(&setup.config, setup.data.train.len(), |run| {
            self.settings(run, runs.records())
        })?;
        let predicted = setup.data.unlabelled_sets.iter();
        runs.require_predictions(predicted.map(|(set, _)| set.as_str()))
    }

    /// The runs of the study, with the recipes that these records choose.
    pub(crate) fn resolved(&self, records: &[RunRecord]) -> Vec<RunKey> {
        let rows = self.setup().data.train.len();
        plan::runs(&plan::resolved(&self.setup().config, rows, records))
    }

    /// Refuses to go on without the tuning runs by which recipes of a share's runs are chosen.
    pub(crate) fn refuse_unchosen(
        &self,
        share: &[RunKey],
        records: &[RunRecord],
    ) -> Result<(), FinetuneError> {
        let is_unchosen = |run: &RunKey| matches!(run.recipe, RunRecipe::BestOf(_));
        let tuning = self.resolved(records).into_iter();
        let tuning = tuning.filter(|run| run.is_tuning);
        let missing = tuning.filter(|run| !holds(records, run)).count();
        match share.iter().any(is_unchosen) && missing > 0 {
            true => Err(FinetuneError::TuningUnfinished { missing }),
            false => Ok(()),
        }
    }

    /// Refuses records of which some are missing, which were of so many shards.
    fn refuse_missing(
        &self,
        records: &[RunRecord],
        count: Option<usize>,
    ) -> Result<(), FinetuneError> {
        let runs = self.resolved(records);
        let missing = runs.iter().filter(|run| !holds(records, run));
        let mut missing: Vec<&RunKey> = missing.collect();
        if missing.iter().all(|run| !run.is_tuning) {
            // A recipe that cannot be chosen leaves its runs unmade.
            missing.retain(|run| !matches!(run.recipe, RunRecipe::BestOf(_)));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let name = |run: &&RunKey| {
            let label = self.setup().settings(run).label(run.arm);
            format!("{label} seed {}", run.seed)
        };
        let shards = count.map(|count| {
            let shards = missing
                .iter()
                .filter_map(|run| Shard::of(run, &runs, count));
            let mut shards: Vec<Shard> = shards.collect();
            shards.sort();
            shards.dedup();
            let word = if shards.len() == 1 { "shard" } else { "shards" };
            let shards = shards.iter().map(Shard::to_string).collect();
            format!("{word} {}", listed(shards, ", "))
        });
        Err(FinetuneError::NotRecorded {
            missing: missing.len(),
            runs: runs.len(),
            // Labels have commas.
            named: listed(missing.iter().map(name).collect(), "; "),
            shards,
        })
    }
}

/// The records of a log and, for a shard, of the other files in its folder.
pub(crate) fn known(
    log: &RunLog,
    folder: &Path,
    shard: Option<Shard>,
) -> Result<Vec<RunRecord>, StudyError> {
    let mut records = log.records().to_vec();
    if let Some(shard) = shard {
        let others = RunFiles::read_others(folder, shard)?;
        records.extend(others.records().cloned());
    }
    Ok(records)
}

/// Removes the files of a study that a killed process was writing.
fn remove_abandoned(folder: &Path) -> Result<(), FileError> {
    for folder in [folder, &folder.join(PREDICTIONS)] {
        files::remove_abandoned(folder)?;
    }
    Ok(())
}

/// The first few, and how many more there are.
fn listed(names: Vec<String>, between: &str) -> String {
    match names.len().checked_sub(LISTED) {
        None | Some(0) => names.join(between),
        Some(more) => format!("{}{between}and {more} more", names[..LISTED].join(between)),
    }
}
