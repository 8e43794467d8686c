//! A run from text to snapshot.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use encoders::{BertConfig, BertForMaskedLM, write_snapshot};
use sha2::{Digest, Sha256};

use crate::batches::{Batch, Batches};
use crate::checkpoint::{Checkpoint, RunState};
use crate::corpus::{Corpus, Documents};
use crate::error::PretrainError;
use crate::evaluation::HeldOut;
use crate::exclusion::Exclusion;
use crate::log::{self, Event, Log, Start};
use crate::recipe::Recipe;
use crate::sequences::{DataSummary, Sequences, usable};
use crate::trainer::{Step, Trainer};
use crate::vocabulary::{TOKENIZER, Vocabulary};

/// What to pretrain, on which text, and where to put the results.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// Files and folders of text.
    pub texts: Vec<PathBuf>,
    /// What separates documents.
    pub documents: Documents,
    /// Files with texts to keep out of the corpus.
    pub exclude: Vec<PathBuf>,
    /// The shape of the encoder; its `vocab_size` is the most that the vocabulary may have.
    pub encoder: BertConfig,
    /// How it is trained.
    pub recipe: Recipe,
    /// Folder of the run.
    pub out: PathBuf,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// Steps between lines of the log.
    pub log_every: usize,
    /// Steps between evaluations.
    pub evaluate_every: usize,
}

/// Is told what happens during a run.
pub trait Observer {
    /// Line `line` of the log, counted from 1, was cut off: a process died while it wrote it.
    fn torn_line(&mut self, path: &Path, line: usize) {
        let _ = (path, line);
    }
    /// The text is ready; training starts or continues before `step`.
    fn prepared(&mut self, data: &DataSummary, step: usize, steps: usize);
    /// A step was taken.
    fn step(&mut self, step: &Step);
    /// The held-out documents were evaluated after this many steps.
    fn held_out(&mut self, step: usize, scores: &HeldOut);
    /// Whether to stop now; asked after every step, and after every batch of an evaluation.
    fn should_stop(&mut self) -> bool {
        false
    }
}

/// A run with its text ready. While it exists, no other process can open a run in its folder.
pub struct Run {
    config: RunConfig,
    encoder: BertConfig,
    vocabulary: Vocabulary,
    train: Sequences,
    held_out: Sequences,
    summary: DataSummary,
    device: Device,
    log: Mutex<Log>,
}

impl Run {
    /// Reads and tokenizes the text.
    ///
    /// The vocabulary is trained on the documents that are not held out, or read from the folder if
    /// the run was started before.
    ///
    /// # Errors
    /// [`PretrainError`] for settings, files, too little text, or a folder that is in use.
    pub fn open(config: RunConfig, device: &Device) -> Result<Self, PretrainError> {
        config.recipe.validate()?;
        config.encoder.check()?;
        for (name, value) in [
            ("log interval", config.log_every),
            ("evaluation interval", config.evaluate_every),
        ] {
            if value == 0 {
                return Err(PretrainError::setting(name, value, "at least 1 step"));
            }
        }
        if config.texts.is_empty() {
            let accepted = "at least 1 file or folder";
            return Err(PretrainError::setting("texts", 0, accepted));
        }
        let recipe = &config.recipe;
        if recipe.length > config.encoder.max_position_embeddings {
            let accepted = "at most the positions of the encoder";
            return Err(PretrainError::setting("length", recipe.length, accepted));
        }
        let exclusion = Exclusion::read(&config.exclude)?;
        let corpus = Corpus::read(&config.texts, config.documents)?;
        let is_held_out = |index: usize| index.is_multiple_of(recipe.held_out_every);
        let part = |held_out: bool| {
            let documents = corpus.documents.iter().enumerate();
            let documents = documents.filter(move |(index, _)| is_held_out(*index) == held_out);
            documents.map(|(_, document)| document.as_str())
        };
        let (train, train_before) = usable(part(false), &exclusion);
        let (held_out, held_out_before) = usable(part(true), &exclusion);
        let count = |documents: &[Vec<&str>]| documents.iter().map(Vec::len).sum::<usize>();
        let sentences = train_before + held_out_before;
        let kept = count(&train) + count(&held_out);

        std::fs::create_dir_all(&config.out).map_err(|e| PretrainError::file(&config.out, e))?;
        files::remove_abandoned(&config.out)?;
        let log = log::open(&config.out)?;
        let vocabulary = Self::vocabulary(&config, &train)?;
        let encoder = BertConfig {
            vocab_size: vocabulary.size(),
            ..config.encoder.clone()
        };
        let train = Sequences::pack(&train, &vocabulary, recipe.packing())?;
        let held_out_documents = held_out.len();
        let held_out = Sequences::pack(&held_out, &vocabulary, recipe.packing())?;
        for (what, count, least) in [
            ("training sequences", train.len(), recipe.batch_size),
            ("held-out sequences", held_out.len(), 1),
            // Masking draws from them; a word is left out if it is too long, or has rare letters alone.
            ("words in the vocabulary", vocabulary.words().len(), 1),
        ] {
            if count < least {
                return Err(PretrainError::TooLittle {
                    what: format!("{count} {what}"),
                    place: match corpus.documents.len() {
                        1 => "1 document".to_owned(),
                        count => format!("{count} documents"),
                    },
                    least: least.to_string(),
                });
            }
        }
        vocabulary.save(&config.out)?;
        let mut hash = Sha256::new();
        hash.update(vocabulary.to_json()?.as_bytes());
        train.hash_into(&mut hash);
        held_out.hash_into(&mut hash);
        let summary = DataSummary {
            documents: corpus.documents.len(),
            repeated_documents: corpus.repeated,
            held_out_documents,
            sentences,
            excluded_sentences: sentences - kept,
            excluded_texts: exclusion.len(),
            vocabulary: vocabulary.size(),
            sequences: train.len(),
            tokens: train.tokens(),
            held_out_sequences: held_out.len(),
            sha256: files::hex(hash.finalize()),
        };
        Ok(Self {
            config,
            encoder,
            vocabulary,
            train,
            held_out,
            summary,
            device: device.clone(),
            log: Mutex::new(log),
        })
    }

    fn vocabulary(
        config: &RunConfig,
        documents: &[Vec<&str>],
    ) -> Result<Vocabulary, PretrainError> {
        // Without a checkpoint, the file is of a start that came to nothing, maybe on other text.
        if Checkpoint::latest(&config.out)?.is_some() {
            let path = config.out.join(TOKENIZER);
            let vocabulary = Vocabulary::load(&path)?;
            // Another number that the text does not fill gives the same vocabulary.
            let asked = config.encoder.vocab_size;
            let is_same = vocabulary.size() == asked
                || vocabulary.size() < asked
                    && Vocabulary::train(&documents.concat(), asked)?.size() == vocabulary.size();
            if !is_same {
                return Err(PretrainError::OtherRun {
                    path,
                    field: "vocabulary".to_owned(),
                    recorded: vocabulary.size().to_string(),
                    current: asked.to_string(),
                });
            }
            return Ok(vocabulary);
        }
        Vocabulary::train(&documents.concat(), config.encoder.vocab_size)
    }

    /// What was made of the text.
    pub fn summary(&self) -> &DataSummary {
        &self.summary
    }

    /// The sequences to train on.
    pub fn sequences(&self) -> &Sequences {
        &self.train
    }

    /// The folder of the snapshot of the latest checkpoint.
    pub fn snapshot(&self) -> PathBuf {
        self.config.out.join("snapshot")
    }

    /// Trains to the end, from the latest checkpoint if there is one, and returns the final scores.
    ///
    /// # Errors
    /// [`PretrainError::OtherRun`] if the folder's checkpoint has other settings, [`PretrainError::Diverged`],
    /// [`PretrainError::Stopped`] if [`Observer::should_stop`] returns true, or one for files.
    pub fn train(&self, observer: &mut dyn Observer) -> Result<HeldOut, PretrainError> {
        let (mut trainer, mut state) = self.start()?;
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = log.torn_line() {
            observer.torn_line(log.path(), line);
        }
        let recipe = &self.config.recipe;
        log.push(Event::Start(Box::new(Start {
            step: state.step,
            recipe: recipe.clone(),
            encoder: self.encoder.clone(),
            data: self.summary.clone(),
        })))?;
        observer.prepared(&self.summary, state.step, recipe.steps);

        let ended = self.steps(&mut trainer, &mut state, &mut log, observer);
        if matches!(ended, Ok(_) | Err(PretrainError::Stopped { .. })) {
            self.store(&mut trainer, &state)?;
        }
        ended
    }

    /// Takes the remaining steps and evaluates the model after the last one.
    fn steps(
        &self,
        trainer: &mut Trainer,
        state: &mut RunState,
        log: &mut Log,
        observer: &mut dyn Observer,
    ) -> Result<HeldOut, PretrainError> {
        let recipe = &self.config.recipe;
        let earlier = state.seconds;
        let started = Instant::now();
        let mut stored = Instant::now();
        let mut interval = Interval::default();
        let mut batches = Batches::new(&self.train, recipe)?;
        // The process before may have been stopped during this evaluation.
        if self.is_to_evaluate(state.step) && !is_evaluated(log, state.step) {
            self.evaluate(trainer, state, log, observer)?;
        }
        while trainer.steps() < recipe.steps {
            let (epoch, positions) = batches.of_step(trainer.steps());
            let batch = Batch::masked(
                &self.train,
                positions,
                epoch,
                &self.vocabulary,
                recipe,
                trainer.device(),
            );
            let step = trainer.step(batch)?;
            observer.step(&step);
            interval.add(&step);
            state.step = trainer.steps();
            state.tokens += step.tokens as u64;
            state.masked += step.masked as u64;
            state.seconds = earlier + started.elapsed().as_secs_f64();
            let is_last = trainer.steps() == recipe.steps;
            if is_last || trainer.steps().is_multiple_of(self.config.log_every) {
                log.push(interval.finish(&step, state))?;
            }
            self.go_on(state, observer)?;
            if self.is_to_evaluate(state.step) {
                self.evaluate(trainer, state, log, observer)?;
            }
            if !is_last && stored.elapsed() >= self.config.checkpoint_every {
                self.store(trainer, state)?;
                stored = Instant::now();
            }
        }
        self.evaluate(trainer, state, log, observer)
    }

    /// Whether the held-out documents are evaluated after this many steps, but for the last.
    fn is_to_evaluate(&self, step: usize) -> bool {
        (1..self.config.recipe.steps).contains(&step)
            && step.is_multiple_of(self.config.evaluate_every)
    }

    fn go_on(&self, state: &RunState, observer: &mut dyn Observer) -> Result<(), PretrainError> {
        match observer.should_stop() {
            false => Ok(()),
            true => Err(PretrainError::Stopped {
                step: state.step,
                steps: self.config.recipe.steps,
            }),
        }
    }

    fn start(&self) -> Result<(Trainer, RunState), PretrainError> {
        let recipe = &self.config.recipe;
        let state = RunState {
            step: 0,
            tokens: 0,
            masked: 0,
            seconds: 0.0,
            data_sha256: self.summary.sha256.clone(),
            encoder: self.encoder.clone(),
            recipe: recipe.clone(),
        };
        // The snapshot's configuration has the dropout for finetuning.
        let pretrained = BertConfig {
            hidden_dropout_prob: recipe.dropout,
            attention_probs_dropout_prob: recipe.dropout,
            ..self.encoder.clone()
        };
        let model = BertForMaskedLM::fresh(&pretrained, recipe.seed, &self.device)?;
        match Checkpoint::latest(&self.config.out)? {
            None => Ok((Trainer::new(model, recipe, &self.device)?, state)),
            Some(checkpoint) => {
                checkpoint.check(&state)?;
                let trainer = checkpoint.trainer(recipe, model, &self.device)?;
                let state = RunState {
                    recipe: recipe.clone(),
                    ..checkpoint.state
                };
                Ok((trainer, state))
            }
        }
    }

    fn evaluate(
        &self,
        trainer: &mut Trainer,
        state: &RunState,
        log: &mut Log,
        observer: &mut dyn Observer,
    ) -> Result<HeldOut, PretrainError> {
        let recipe = &self.config.recipe;
        let scores = HeldOut::of_while(
            &trainer.model(),
            &self.held_out,
            &self.vocabulary,
            recipe,
            || self.go_on(state, observer),
        )?;
        let last = state.step.saturating_sub(1);
        training::finite("held-out loss", last, scores.loss)?;
        training::finite("held-out perplexity", last, scores.perplexity)?;
        log.push(Event::HeldOut {
            step: state.step,
            tokens: state.tokens,
            seconds: state.seconds,
            scores,
        })?;
        observer.held_out(state.step, &scores);
        Ok(scores)
    }

    fn store(&self, trainer: &mut Trainer, state: &RunState) -> Result<(), PretrainError> {
        let out: &Path = &self.config.out;
        Checkpoint::store(out, trainer, state)?;
        let tokenizer = self.vocabulary.to_json()?;
        write_snapshot(self.snapshot(), &self.encoder, &trainer.model(), &tokenizer)?;
        Ok(())
    }
}

/// Whether the log has the scores after this many steps.
fn is_evaluated(log: &Log, taken: usize) -> bool {
    let mut events = log.items().iter();
    events.any(|event| matches!(event, Event::HeldOut { step, .. } if *step == taken))
}

/// Sums over the steps behind one line of the log.
struct Interval {
    steps: usize,
    loss: f64,
    gradient_norm: f64,
    tokens: usize,
    started: Instant,
}

impl Default for Interval {
    fn default() -> Self {
        Self {
            steps: 0,
            loss: 0.0,
            gradient_norm: 0.0,
            tokens: 0,
            started: Instant::now(),
        }
    }
}

impl Interval {
    fn add(&mut self, step: &Step) {
        self.steps += 1;
        self.loss += step.loss;
        self.gradient_norm += step.gradient_norm;
        self.tokens += step.tokens;
    }

    fn finish(&mut self, last: &Step, state: &RunState) -> Event {
        let interval = std::mem::take(self);
        let steps = interval.steps as f64;
        Event::Train {
            step: state.step,
            loss: interval.loss / steps,
            gradient_norm: interval.gradient_norm / steps,
            learning_rate: last.learning_rate,
            tokens: state.tokens,
            tokens_per_second: interval.tokens as f64 / interval.started.elapsed().as_secs_f64(),
            seconds: state.seconds,
        }
    }
}
