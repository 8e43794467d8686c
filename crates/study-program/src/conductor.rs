//! A study from its options to its report.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;

use burn::tensor::Device;
use finetune::{FinetuneError, Session, bench, checkpoints_of};
use harmless::shown;
use program::progress::say;
use program::source::{Found, Wanted};
use program::{DeviceOptions, Failure, Program, Takes, print, print_json, stop};
use report::Material;
use study::plan::{RunKey, RunRecipe};
use study::record::{RunFiles, RunLog, RunRecord};
use study::{NoiseSelection, Shard, StudyKind, StudySummary, plan};

use crate::arguments::StudyArguments;
use crate::resolved::Resolved;
use crate::sentences::{Sentences, Subject};
use crate::terminal::Terminal;
use crate::training_devices::TrainingDevices;
use crate::{jobs, languages, saving, submission, table, without_effect};

/// The options that say which part of a study a process works on.
pub(crate) const PARTS: [(&str, Takes); 2] =
    [("--shard", Takes::Value), ("--merge", Takes::Nothing)];

/// Runs studies by a program's options.
#[derive(Clone, Copy, Debug)]
pub struct Conductor<'a> {
    pub(crate) program: &'a Program,
    pub(crate) arguments: &'a StudyArguments,
}

/// What does not depend on the sentences.
pub(crate) struct Stage {
    options: Resolved,
    jobs: Option<NonZeroUsize>,
    training_devices: TrainingDevices,
    devices: Vec<Device>,
    model: Found,
    /// What options are recorded and train no run.
    untrained: Vec<String>,
}

impl Stage {
    pub(crate) fn model_name(&self) -> &str {
        &self.model.name
    }
}

/// A study that has run.
pub(crate) struct Finished {
    pub(crate) summary: StudySummary,
    /// What to print about it.
    pub(crate) text: String,
    /// The records of its runs, in the order of the plan.
    pub(crate) planned: Vec<RunRecord>,
    /// Whether at least one run has a score, or the reason why none has.
    pub(crate) scored: Result<(), Failure>,
}

impl<'a> Conductor<'a> {
    /// Conducts what the options ask for.
    pub fn new(program: &'a Program, arguments: &'a StudyArguments) -> Self {
        Self { program, arguments }
    }

    /// Runs the study and prints its result, or does what an option asks for instead: list the devices, or time
    /// steps or noise. `out` is the folder if no option names one.
    ///
    /// # Errors
    /// [`Failure::Usage`] for an option out of range, [`Failure::Stopped`] after Ctrl-C, [`Failure::World`] for
    /// everything else, including a study whose every run failed.
    pub fn run(&self, sentences: &Sentences, out: &Path) -> Result<(), Failure> {
        if self.arguments.devices.list_devices {
            return DeviceOptions::list();
        }
        let Some(stage) = self.stage()? else {
            return Ok(());
        };
        let instead = match sentences {
            Sentences::Glue { .. } => None,
            Sentences::Xtreme { .. } => Some("test sets that have no labels"),
            Sentences::Own(_) => Some("your own files"),
        };
        if let (Some(_), Some(which)) = (&self.arguments.submission, instead) {
            return Err(Failure::usage(format!(
                "--submission is for GLUE's tasks; use --predict test, which writes predictions for {which}"
            )));
        }
        let (session, subject) = self.session(&stage, sentences)?;
        if let Some(steps) = self.arguments.bench_steps {
            let timing = bench::time_steps(&session, steps, self.arguments.bench_ceiling);
            return print_json(&timing.map_err(not_started)?);
        }
        let out = self.arguments.out.as_deref().unwrap_or(out);
        if let Some(shard) = self.arguments.shard {
            return self.train_shard(&stage, session, out, &subject, shard);
        }
        let finished = self.train(&stage, session, out, &subject)?;
        print(&finished.text)?;
        self.submit(sentences, &finished, out)?;
        finished.scored
    }

    /// Writes the files for GLUE's server, if an option asks for them.
    pub(crate) fn submit(
        &self,
        sentences: &Sentences,
        finished: &Finished,
        out: &Path,
    ) -> Result<(), Failure> {
        let (Some(folder), Sentences::Glue { task, .. }) = (&self.arguments.submission, sentences)
        else {
            return Ok(());
        };
        let planned: Vec<&RunRecord> = finished.planned.iter().collect();
        let run = submission::chosen(self.arguments.submit, &planned)?;
        let (files, notes) = submission::write(folder, task, run, out)?;
        for note in notes {
            say(&format!("note: {note}"));
        }
        if !self.arguments.json {
            let mut text = String::new();
            for file in files {
                let _ = writeln!(
                    text,
                    "submit   {} ({} seed {})",
                    shown(&file.display().to_string()),
                    run.label(),
                    run.seed
                );
            }
            print(&text)?;
        }
        Ok(())
    }

    /// Checks the options, opens the device, unless nothing is to be trained, and finds the model; `None` if an option asked for
    /// nothing more.
    pub(crate) fn stage(&self) -> Result<Option<Stage>, Failure> {
        let Self { program, arguments } = *self;
        let mut options = arguments.resolve();
        let training_devices = TrainingDevices::asked(arguments)?;
        training_devices.share(&mut options.study)?;
        (options.study.validate()).map_err(|error| not_started(error.into()))?;
        without_effect::refuse(arguments, &options.study)?;
        let untrained = without_effect::untrained(arguments, &options.study);
        let jobs = jobs::asked(arguments, &training_devices)?;
        let devices = match arguments.merge {
            true => training_devices.stand_in(program)?,
            false => training_devices.open(arguments, program)?,
        };
        if let Some(passes) = arguments.bench_noise {
            print_json(&bench::time_noise(&devices[0], passes).map_err(not_started)?)?;
            return Ok(None);
        }
        let model = (options.model).find(&Wanted::model(), program, arguments.quiet)?;
        Ok(Some(Stage {
            options,
            jobs,
            training_devices,
            devices,
            model,
            untrained,
        }))
    }

    /// Reads and checks the model and the sentences.
    pub(crate) fn session(
        &self,
        stage: &Stage,
        sentences: &Sentences,
    ) -> Result<(Session, Subject), Failure> {
        let Self { program, arguments } = *self;
        let mut subject = sentences.find(&stage.options.data, program, arguments)?;
        let (predicted, mut notes) = submission::asked(arguments, &subject.task)?;
        subject.notes.append(&mut notes);
        let open = match arguments.merge {
            true => Session::open_to_merge,
            false => Session::open,
        };
        let session = open(
            stage.options.study.clone(),
            subject.task.clone(),
            &stage.model.folder,
            &stage.devices[0],
            &stage.training_devices.name(),
        );
        let session = session.and_then(|s| stage.training_devices.with_others(s, &stage.devices));
        let session = session.map_err(not_started)?;
        let session = session.with_model_name(&stage.model.name);
        let session = session.with_predictions_of(&predicted);
        let session = session.map_err(not_started)?;
        submission::check(arguments, &session)?;
        Ok((session, subject))
    }

    /// Reads every file that [`session`](Self::session) would read.
    pub(crate) fn check(&self, stage: &Stage, sentences: &Sentences) -> Result<(), Failure> {
        let Self { program, arguments } = *self;
        let task = sentences
            .find(&stage.options.data, program, arguments)?
            .task;
        let (predicted, _) = submission::asked(arguments, &task)?;
        task.read_train().map_err(Failure::world)?;
        let labelled = task.labelled_sets().map(|set| set.name.as_str());
        for set in labelled.chain(predicted) {
            task.read_evaluation_set(set).map_err(Failure::world)?;
        }
        Ok(())
    }

    /// A session with the options that change no result, and its progress.
    pub(crate) fn prepared(
        &self,
        stage: &Stage,
        session: Session,
        out: &Path,
        subject: &Subject,
    ) -> Result<(Session, Terminal), Failure> {
        let arguments = self.arguments;
        let recorded = RunFiles::read(out).map_err(Failure::world)?;
        let recorded: Vec<RunRecord> = recorded.records().cloned().collect();
        let rows = session.data().train.len();
        let runs = plan::runs(&plan::resolved(session.config(), rows, &recorded));
        let jobs = jobs::or_suited(stage.jobs, &stage.training_devices, &session);
        let mut session = session.with_jobs(jobs);
        if let Some(models) = saving::asked(arguments, &subject.name, self.command()) {
            session = session.with_saved_models(models);
        }
        if !arguments.no_checkpoints {
            session = session.with_checkpoints(arguments.checkpoint_minutes);
        }
        stop::catch();
        let mut heading = heading(stage, subject, &session, &runs);
        if let Some(shard) = arguments.shard {
            let share = number_of(&shard.share(&runs));
            heading.push(format!("shard {shard}: {share} of these runs"));
        }
        let metric = session.data().task.headline();
        let (set, _) = &session.data().evaluation_sets[0];
        let folders = [out.to_path_buf(), checkpoints_of(out, arguments.shard)];
        let jobs = jobs.get();
        let terminal = Terminal::new(arguments.quiet, heading, set, metric, jobs, folders);
        Ok((session, terminal))
    }

    /// Trains the runs that are missing, or merges those that are there, then writes the results.
    pub(crate) fn train(
        &self,
        stage: &Stage,
        session: Session,
        out: &Path,
        subject: &Subject,
    ) -> Result<Finished, Failure> {
        let arguments = self.arguments;
        let (session, mut terminal) = self.prepared(stage, session, out, subject)?;
        let summary = match arguments.merge {
            true => session.merge(out, &mut terminal),
            false => session.run(out, &mut terminal),
        };
        let summary = summary.map_err(|error| self.ended(error, out))?;
        drop(terminal);
        let metric = session.data().task.headline();
        let (set, _) = &session.data().evaluation_sets[0];
        let records = RunLog::read(out).map_err(Failure::world)?;
        let rows = session.data().train.len();
        let runs = plan::runs(&plan::resolved(session.config(), rows, &records));
        let record = |run: &RunKey| records.iter().find(|record| RunKey::of(record) == *run);
        let planned: Vec<RunRecord> = runs.iter().filter_map(record).cloned().collect();
        let saved = planned.iter().filter(|run| run.has_model(out));
        let saved: Vec<&RunRecord> = saved.collect();
        let material = Material {
            config: session.config(),
            summary: &summary,
            records: &records,
            data: &subject.name,
            files: Some(&session.data().summary),
            saved: &saved,
            command: &self.command(),
        };
        let report = report::write(out, &material).map_err(Failure::world)?;
        let text = if arguments.json {
            harmless::json(&summary.to_json()).into_owned()
        } else {
            let mut text = table::render(&summary, set);
            for (name, value) in [
                ("model", session.model().name.clone()),
                ("data", subject.name.clone()),
                ("runs", out.join("runs.jsonl").display().to_string()),
                ("summary", out.join("summary.json").display().to_string()),
                ("report", report.html.display().to_string()),
            ] {
                let _ = writeln!(text, "{name:<8} {}", shown(&value));
            }
            if let Some(models) = saving::asked(arguments, &subject.name, String::new()) {
                text += &saving::lines(&models, &planned, out, metric);
            }
            text
        };
        Ok(Finished {
            summary,
            text,
            scored: some_run_has_a_score(&records),
            planned,
        })
    }
}

impl Conductor<'_> {
    /// The command that repeats the whole study.
    pub(crate) fn command(&self) -> String {
        self.program.command_instead(&PARTS, &[])
    }

    /// Classifies an error of a study that has begun.
    pub(crate) fn ended(&self, error: FinetuneError, out: &Path) -> Failure {
        match error {
            FinetuneError::Stopped => Failure::Stopped(self.where_to_continue(out)),
            FinetuneError::NotRecorded { .. } => {
                Failure::world(format!("{error}; to train them, leave out --merge"))
            }
            FinetuneError::TuningUnfinished { .. } => Failure::world(format!(
                "{error}; once they are, start this shard again: {}",
                self.program.command()
            )),
            lost @ FinetuneError::Lost { .. } => {
                Failure::World(format!("{lost}; {}", self.where_to_continue(out)))
            }
            other => Failure::world(other),
        }
    }

    /// What a study that was stopped leaves, and the command that continues it.
    fn where_to_continue(&self, out: &Path) -> String {
        let shard = self.arguments.shard;
        let checkpoints = checkpoints_of(out, shard);
        let are_there = std::fs::read_dir(&checkpoints).is_ok_and(|mut runs| runs.next().is_some());
        let in_progress = match are_there {
            true => format!(", runs in progress in {}", checkpoints.display()),
            false => String::new(),
        };
        let runs = shard.map_or("runs.jsonl".to_owned(), Shard::file_name);
        format!(
            "finished runs are in {}{in_progress}; to continue: {}",
            out.join(runs).display(),
            self.program.command()
        )
    }
}

/// Classifies an error before the first run: an option out of range is the fault of the arguments.
fn not_started(error: FinetuneError) -> Failure {
    match error {
        FinetuneError::Study(ref study) if study.is_of_settings() => Failure::usage(error),
        FinetuneError::Encoder(
            encoders::EncoderError::MaxLength { .. } | encoders::EncoderError::Head { .. },
        )
        | FinetuneError::Replicas(_) => Failure::usage(error),
        other => Failure::world(other),
    }
}

/// A study whose every run failed is recorded and reported, and still a failure.
fn some_run_has_a_score(records: &[RunRecord]) -> Result<(), Failure> {
    let mut reasons = records.iter().map(|record| record.failed.as_ref());
    match reasons.next().flatten() {
        Some(first) if reasons.all(|reason| reason.is_some()) => Err(Failure::world(format!(
            "every run failed, the first one: {first}"
        ))),
        _ => Ok(()),
    }
}

/// How many runs these are. Runs whose recipe is not chosen yet may turn out to be the same.
fn number_of(runs: &[RunKey]) -> String {
    let is_open = |run: &RunKey| matches!(run.recipe, RunRecipe::BestOf(_));
    match runs.iter().any(is_open) {
        true => format!("up to {}", runs.len()),
        false => runs.len().to_string(),
    }
}

/// What is about to run, in one line, then what a user should know about the model and the data, one line each.
fn heading(stage: &Stage, subject: &Subject, session: &Session, runs: &[RunKey]) -> Vec<String> {
    let config = session.config();
    let (preset, model) = (stage.options.preset.name, &stage.model.name);
    let data = &subject.name;
    let (epochs, rate) = match config.studies.as_slice() {
        [StudyKind::Baseline] => {
            let grid = config.tuning();
            let rates = grid.learning_rates.iter().map(|rate| format!("{rate:e}"));
            let epochs = grid.epochs.iter().map(ToString::to_string);
            (
                epochs.collect::<Vec<_>>().join("/"),
                rates.collect::<Vec<_>>().join("/"),
            )
        }
        _ => (
            config.recipe.epochs.to_string(),
            format!("{:e}", config.recipe.learning_rate),
        ),
    };
    let first = format!(
        "preset {preset}: {model} on {data}; runs {}, epochs {epochs}, batch size {}, learning rate {rate}, λ {}{}",
        number_of(runs),
        config.recipe.batch_size,
        config.lambda,
        match config.noise_selection {
            NoiseSelection::Everything => "",
            NoiseSelection::ExceptTokenEmbeddings => " (not on token embeddings)",
        },
    );
    let too_few = plan::too_few_pairs(&session.plan());
    let unknown_kinds = stage.training_devices.unknown_kinds();
    let tensor_float = stage.training_devices.tensor_float(config.recipe.precision);
    let notes = subject.notes.iter().chain(session.notes());
    let notes = notes.chain(&unknown_kinds).chain(&tensor_float);
    let in_languages = languages::too_few_pairs(session).into_iter();
    let uncompared = plan::uncompared(&session.plan());
    let notes = notes.chain(&too_few).chain(&uncompared);
    let notes = notes.chain(&stage.untrained).cloned();
    let notes = notes.chain(in_languages);
    let notes = notes.map(|note| format!("note: {note}"));
    std::iter::once(first).chain(notes).collect()
}
