//! Checkpoints of a run: with one, it continues bit for bit after its process has ended.
//!
//! They are in `checkpoints/NAME/NUMBER` of the study's folder, for a shard in `checkpoints.I-of-N/NAME/NUMBER`, NAME being the
//! run's file name: the stepper's state in Burn's format, everything else in `state.cbor` (CBOR, because a float has to come back with every bit), and their
//! hashes in `SHA256SUMS`, which `sha256sum --check` reads. The latest two are kept until the run is recorded.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use encoders::Classifier;
use files::{FileError, NewFolder};
use serde::{Deserialize, Serialize};
use serde_json::json;
use study::plan::RunKey;
use study::record::{
    EpochRecord, FORMAT, PredictionsFile, RunRecord, Settings, Versions, device_kind, difference,
};
use study::{Arm, Shard};
use training::{Counters, STATE_FILES, StateError, StepperState};

use crate::course::CourseSoFar;
use crate::error::FinetuneError;
use crate::setup::Setup;
use crate::trainer::{EpochSoFar, Trainer};

/// The folder of all checkpoints in a study's folder, but those of shards.
pub const CHECKPOINTS: &str = "checkpoints";

/// The folder of a shard's checkpoints in a study's folder, or of a process that works on all runs. Each has its own, which it
/// tidies up.
pub fn checkpoints_of(study: &Path, shard: Option<Shard>) -> PathBuf {
    study.join(match shard {
        None => CHECKPOINTS.to_owned(),
        Some(shard) => format!("{CHECKPOINTS}.{}", shard.suffix()),
    })
}

const STATE: &str = "state.cbor";
const SUMS: &str = "SHA256SUMS";
/// The weights of the method's teacher, if it has one.
const TEACHER: &str = "teacher.bpk";

/// Checkpoints of a run that are kept: if the latest is damaged, there is the one before.
const GENERATIONS: usize = 2;
/// The share of the interval that has to have passed for a checkpoint at the end of an epoch. Epochs may take seconds;
/// a checkpoint after each would cost more than it saves.
const LEAST_SHARE: u32 = 10;

/// How far a run has got, apart from the stepper's state and what follows from pretrained file and seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunState {
    /// The epochs that are trained and scored.
    pub(crate) epochs: Vec<EpochRecord>,
    /// The epoch after these.
    pub(crate) in_epoch: EpochSoFar,
    /// The predictions after the last of the scored epochs, by evaluation set.
    pub(crate) predictions: BTreeMap<String, PredictionsFile>,
    pub(crate) skipped_steps: usize,
    pub(crate) course: CourseSoFar,
    /// Seconds of the run.
    pub(crate) seconds: f64,
}

/// The run that a checkpoint belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    /// The version of the records, which says what an arm's name means; 2 in checkpoints from before it was kept.
    #[serde(default = "format_2")]
    format: u64,
    arm: Arm,
    seed: u64,
    settings: Settings,
    versions: Versions,
    /// The plan that its process worked by.
    plan_sha256: Option<String>,
}

fn format_2() -> u64 {
    2
}

impl Owner {
    /// The first field that differs, with both values; the plan last, because other settings make another plan and name the
    /// cause better.
    fn difference(&self, now: &Self) -> Option<(String, String, String)> {
        let fields = |owner: &Self| {
            let mut settings = json!(owner.settings);
            settings["device"] = json!(device_kind(&owner.settings.device));
            [
                ("format", json!(owner.format)),
                ("arm", json!(owner.arm)),
                ("seed", json!(owner.seed)),
                ("settings", settings),
                ("versions", json!(owner.versions)),
                ("plan", json!(owner.plan_sha256)),
            ]
        };
        let pairs = fields(self).into_iter().zip(fields(now));
        let mut differences =
            pairs.filter_map(|((name, stored), (_, now))| difference(name, &stored, &now));
        differences.next()
    }
}

/// A checkpoint as it was read.
pub(crate) struct Found {
    pub(crate) stepper: StepperState<Classifier>,
    pub(crate) teacher: Option<Classifier>,
    pub(crate) state: RunState,
}

/// What `state.cbor` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    owner: Owner,
    counters: Counters,
    state: RunState,
}

/// Reads a `state.cbor` alone, without the files beside it: for tests that give it damaged ones.
///
/// # Errors
/// What the parser found.
#[doc(hidden)]
pub fn read_state(bytes: &[u8]) -> Result<(), String> {
    Stored::read(bytes).map(|_| ())
}

impl Stored {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let stored = ciborium::from_reader(bytes);
        stored.map_err(|e| files::one_line(&e.to_string()))
    }
}

/// Why a checkpoint cannot be used.
enum Unusable {
    /// Its bytes are not those that were written.
    Damaged(String),
    /// It is whole, and of another run.
    Foreign(String),
    /// It cannot be read at the moment.
    Unread(FileError),
}

/// The checkpoints of one run.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    owner: Owner,
    /// Devices on which the run might as well have been.
    elsewhere: Arc<[String]>,
    /// The hashes of the study's plans, of which one extends the other and none changes what a run with these settings does.
    plans: Arc<[String]>,
    /// Time between two of them; 0 for the ends of epochs alone, `None` for none.
    every: Option<Duration>,
    /// When the latest was written, or the run began.
    latest: Instant,
}

impl Checkpoints {
    /// Those of a run in the folder of all checkpoints.
    pub(crate) fn of(
        setup: &Setup,
        run: &RunKey,
        all: &Path,
        plan_sha256: Option<&str>,
        plans: &Arc<[String]>,
        every: Option<Duration>,
    ) -> Self {
        let settings = setup.settings(run);
        Self {
            folder: all.join(settings.file_name(run.arm, run.seed)),
            owner: Owner {
                format: FORMAT,
                arm: run.arm,
                seed: run.seed,
                settings,
                versions: Versions::current(),
                plan_sha256: plan_sha256.map(str::to_owned),
            },
            elsewhere: Arc::clone(&setup.device_names),
            plans: Arc::clone(plans),
            every,
            latest: Instant::now(),
        }
    }

    /// Whether it is time for one.
    pub(crate) fn is_due(&self) -> bool {
        let is_over = |every: Duration| !every.is_zero() && self.latest.elapsed() >= every;
        self.every.is_some_and(is_over)
    }

    /// Whether it is time for one at the end of an epoch.
    pub(crate) fn is_due_after_epoch(&self) -> bool {
        let is_over = |every: Duration| self.latest.elapsed() >= every / LEAST_SHARE;
        self.every.is_some_and(is_over)
    }

    /// Writes one, unless none are wanted, and removes those before the previous.
    ///
    /// # Errors
    /// [`FinetuneError::State`] or one of a file; the previous ones stay.
    pub(crate) fn store(
        &mut self,
        trainer: &mut Trainer,
        state: &RunState,
    ) -> Result<(), FinetuneError> {
        if self.every.is_none() {
            return Ok(());
        }
        let mut earlier = self.numbered()?;
        let number = earlier.last().map_or(1, |(number, _)| number + 1);
        let new = NewFolder::begin(&self.folder.join(format!("{number:08}")))?;
        let stored = Stored {
            owner: self.owner.clone(),
            counters: trainer.write(new.path())?,
            state: state.clone(),
        };
        if let Some(teacher) = trainer.teacher() {
            training::write_parameters(teacher, &new.path().join(TEACHER))?;
        }
        let mut bytes = Vec::new();
        ciborium::into_writer(&stored, &mut bytes).expect("plain data in memory");
        files::replace(&new.path().join(STATE), &bytes)?;
        let mut sums = String::new();
        for name in self.files_of_one() {
            let sum = files::sha256_of_file(&new.path().join(name))?;
            sums += &format!("{sum}  {name}\n");
        }
        files::replace(&new.path().join(SUMS), sums.as_bytes())?;
        new.put()?;
        earlier.truncate((earlier.len() + 1).saturating_sub(GENERATIONS));
        for (_, path) in earlier {
            files::remove_folder(&path)?;
        }
        self.latest = Instant::now();
        Ok(())
    }

    /// Reads the latest that can be used; `model` gives the structure alone. `unusable` is told of each that cannot.
    ///
    /// A damaged one is removed. One of another run, or of another program, is set aside, and the run starts from the
    /// beginning.
    ///
    /// # Errors
    /// One of a file that cannot be read, moved or removed.
    pub(crate) fn latest(
        &self,
        model: &Classifier,
        mut unusable: impl FnMut(&Path, &str),
    ) -> Result<Option<Found>, FinetuneError> {
        let mut numbered = self.numbered()?;
        if self.folder.exists() {
            files::remove_unfinished(&self.folder)?;
        }
        while let Some((_, path)) = numbered.pop() {
            match self.read(&path, model) {
                Ok(found) => return Ok(Some(found)),
                Err(Unusable::Unread(error)) => return Err(error.into()),
                Err(Unusable::Damaged(reason)) => {
                    let then = match numbered.is_empty() {
                        true => "the run starts from the beginning",
                        false => "the one before is used",
                    };
                    unusable(&path, &format!("damaged ({reason}); removed, and {then}"));
                    files::remove_folder(&path)?;
                }
                Err(Unusable::Foreign(reason)) => {
                    let aside = self.folder.with_added_extension("aside");
                    files::remove_folder(&aside)?;
                    fs::rename(&self.folder, &aside).map_err(|e| FileError::io(&self.folder, e))?;
                    let shown = aside.display();
                    unusable(
                        &path,
                        &format!(
                            "{reason}; moved to {shown}, and the run starts from the beginning"
                        ),
                    );
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    fn read(&self, path: &Path, model: &Classifier) -> Result<Found, Unusable> {
        let read = |name: &str| {
            fs::read(path.join(name)).map_err(|e| match e.kind() {
                ErrorKind::NotFound => Unusable::Damaged(format!("{name} is missing")),
                _ => Unusable::Unread(FileError::io(&path.join(name), e)),
            })
        };
        let sums = String::from_utf8_lossy(&read(SUMS)?).into_owned();
        let sums: BTreeMap<&str, &str> = sums
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(sum, name)| (name, sum))
            .collect();
        for name in self.files_of_one() {
            let file = path.join(name);
            let sum = match files::sha256_of_file(&file) {
                Ok(sum) => sum,
                Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    return Err(Unusable::Damaged(format!("{name} is missing")));
                }
                Err(error) => return Err(Unusable::Unread(error)),
            };
            if sums.get(name) != Some(&sum.as_str()) {
                let reason = format!("{name} does not have its SHA-256");
                return Err(Unusable::Damaged(reason));
            }
        }
        let Stored {
            mut owner,
            counters,
            state,
        } = Stored::read(&read(STATE)?).map_err(|e| {
            Unusable::Foreign(format!("{STATE} is not one of this program's version: {e}"))
        })?;
        if self.elsewhere.contains(&owner.settings.device) {
            owner
                .settings
                .device
                .clone_from(&self.owner.settings.device);
        }
        let of_owner = owner.settings.model.clone();
        owner.settings.model = of_owner.with_tokenizer_of(&self.owner.settings.model);
        let is_of_study = |plan: &String| self.plans.contains(plan);
        if owner.plan_sha256.as_ref().is_some_and(is_of_study) {
            owner.plan_sha256.clone_from(&self.owner.plan_sha256);
        }
        if let Some((field, stored, now)) = owner.difference(&self.owner) {
            return Err(Unusable::Foreign(format!(
                "written with {field} {stored}, now it is {now}"
            )));
        }
        let of_another_model = |e: StateError| Unusable::Foreign(e.reason);
        let stepper =
            StepperState::read(path, counters, model.clone()).map_err(of_another_model)?;
        let teacher = self.has_teacher().then(|| {
            let teacher = training::read_parameters(&path.join(TEACHER), model.clone())?;
            Ok(stepper.with_same_ids(teacher))
        });
        Ok(Found {
            teacher: teacher.transpose().map_err(of_another_model)?,
            stepper,
            state,
        })
    }

    fn has_teacher(&self) -> bool {
        self.owner.arm.method().has_teacher()
    }

    /// The files of a checkpoint but that of their hashes.
    fn files_of_one(&self) -> impl Iterator<Item = &'static str> {
        let teacher = self.has_teacher().then_some(TEACHER);
        STATE_FILES.into_iter().chain(teacher).chain([STATE])
    }

    /// Those there are, by number.
    fn numbered(&self) -> Result<Vec<(usize, PathBuf)>, FileError> {
        let wrong = |e| FileError::io(&self.folder, e);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(wrong(e)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(wrong)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            // One that this program wrote has 8 digits; after 2^64 - 1 there is no next.
            let number = name.and_then(|name| name.parse::<u32>().ok());
            found.extend(number.map(|number| (number as usize, path)));
        }
        found.sort();
        Ok(found)
    }
}

/// Clears away what an earlier process left in the folder of all checkpoints: those of recorded runs, half-removed ones, the
/// folder itself if it is empty. To be called before runs are in progress.
pub(crate) fn tidy<'a>(
    all: &Path,
    recorded: impl IntoIterator<Item = &'a RunRecord>,
) -> Result<(), FileError> {
    if !all.is_dir() {
        return Ok(());
    }
    files::remove_unfinished(all)?;
    for run in recorded {
        remove(all, run)?;
    }
    remove_if_empty(all)
}

/// Moves the checkpoints of wanted runs from one folder of checkpoints to another, which may have its own of a run: those stay.
/// No process may be working in the first.
pub(crate) fn adopt(
    from: &Path,
    to: &Path,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<(), FileError> {
    let wrong = |e| FileError::io(from, e);
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(wrong(e)),
    };
    for entry in entries {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(&is_wanted) || to.join(&name).exists() {
            continue;
        }
        fs::create_dir_all(to).map_err(|e| FileError::io(to, e))?;
        fs::rename(entry.path(), to.join(&name)).map_err(wrong)?;
    }
    remove_if_empty(from)
}

/// Checks that checkpoints can be written in the folder of all: an error now costs less than one after hours. To be called
/// before runs are in progress.
pub(crate) fn check_place(all: &Path) -> Result<(), FileError> {
    drop(NewFolder::begin(&all.join("run"))?);
    remove_if_empty(all)
}

/// Removes the checkpoints of a run that is recorded.
pub(crate) fn remove(all: &Path, run: &RunRecord) -> Result<(), FileError> {
    files::remove_folder(&all.join(run.settings.file_name(run.arm, run.seed)))
}

fn remove_if_empty(folder: &Path) -> Result<(), FileError> {
    match fs::remove_dir(folder) {
        Ok(()) => Ok(()),
        // Another shard may have removed it.
        Err(e) if matches!(e.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) => Ok(()),
        Err(e) => Err(FileError::io(folder, e)),
    }
}

/// The most that the checkpoints of `jobs` runs at a time take on disk: of each the kept ones and one being written, with
/// so many f32 numbers per parameter.
pub(crate) fn most_bytes(params: usize, numbers: usize, jobs: usize) -> u64 {
    let each = params as u64 * 4 * numbers as u64;
    each * (GENERATIONS as u64 + 1) * jobs as u64
}
