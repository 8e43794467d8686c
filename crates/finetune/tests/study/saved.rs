//! The finetuned models that a study saves.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use encoders::{Classifier, SaveDtype, SaveFormat, Snapshot};
use finetune::progress::Progress;
use finetune::{FinetuneError, SaveModels, Session};
use serde_json::Value;
use study::record::{RunLog, RunRecord, Saving, best_runs};
use study::{Arm, ClassifierPooling, Head, StudyConfig, StudyKind};

use crate::setup::{config, open, snapshot, sst2, write_data};

struct World {
    folder: tempfile::TempDir,
    config: StudyConfig,
}

/// Remembers which models could not be saved any more.
#[derive(Default)]
struct Lost(Vec<(Saving, String)>);

impl Progress for Lost {
    fn models_are_lost(&mut self, saving: Saving, runs: &[&RunRecord]) {
        let named = |run: &&RunRecord| format!("{} seed {}", run.label(), run.seed);
        self.0.extend(runs.iter().map(|run| (saving, named(run))));
    }
}

impl World {
    fn new(config: StudyConfig) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_data(folder.path());
        Self { folder, config }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn session(&self) -> Session {
        open(self.config.clone(), self.folder.path())
    }

    fn try_save(&self, saving: Saving, jobs: usize) -> Result<Lost, FinetuneError> {
        let jobs = NonZeroUsize::new(jobs).expect("at least 1");
        let session = self.session().with_jobs(jobs);
        let mut lost = Lost::default();
        session
            .with_saved_models(models(saving))
            .run(&self.out(), &mut lost)?;
        Ok(lost)
    }

    fn save(&self, saving: Saving, jobs: usize) -> Lost {
        self.try_save(saving, jobs).expect("it runs")
    }

    fn records(&self) -> Vec<RunRecord> {
        RunLog::read(&self.out()).expect("records")
    }

    /// The names in `models`, sorted; none if there is no such folder.
    fn models(&self) -> Vec<String> {
        let entries = fs::read_dir(self.out().join("models"))
            .into_iter()
            .flatten();
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    /// The names of the folders that the best runs of the records have.
    fn best(&self) -> Vec<String> {
        let records = self.records();
        let name = |run: &&RunRecord| run.settings.file_name(run.arm, run.seed);
        let mut names: Vec<String> = best_runs(&records).iter().map(name).collect();
        names.sort();
        names
    }
}

pub(crate) fn models(saving: Saving) -> SaveModels {
    SaveModels {
        saving,
        dtype: SaveDtype::F32,
        format: SaveFormat::Safetensors,
        data: "a dozen words".to_owned(),
        command: "cargo run --example glue_sst2".to_owned(),
    }
}

/// Every parameter, row after row, in the order of a visit.
fn parameters(model: &Classifier) -> Vec<Vec<f32>> {
    struct Values(Vec<Vec<f32>>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let data = param.val().into_data();
            self.0.push(data.as_slice::<f32>().expect("f32").to_vec());
        }
    }
    let mut values = Values(Vec::new());
    model.visit(&mut values);
    values.0
}

fn model(folder: &Path) -> Classifier {
    let saved = Snapshot::open(folder).expect("a snapshot");
    let loaded = saved.finetuned_classifier(saved.labels().len(), &Device::flex());
    loaded.expect("a classifier").model
}

/// A learning rate so large that seeds differ in their scores.
fn uneven(arms: &[Arm], seeds: usize) -> StudyConfig {
    let mut config = config(arms, seeds, 0.15);
    config.recipe.learning_rate = 2e-3;
    config
}

#[test]
fn nothing_is_saved_unless_it_is_asked_for() {
    let world = World::new(config(&[Arm::BASELINE], 1, 0.15));
    world.session().run(&world.out(), &mut ()).expect("it runs");
    assert!(!world.out().join("models").exists());
    let line = fs::read_to_string(world.out().join("runs.jsonl")).expect("a record");
    assert!(!line.contains("saved_model"), "{line}");
}

#[test]
fn every_model_is_saved_under_its_arm_and_seed_and_scores_as_recorded() {
    let world = World::new(uneven(&[Arm::BASELINE, Arm::NOISYTUNE], 2));
    world.save(Saving::All, 1);
    let names = [
        "baseline-seed3",
        "baseline-seed4",
        "noisytune-seed3",
        "noisytune-seed4",
    ];
    assert_eq!(world.models(), names);
    let mut all: Vec<Vec<Vec<f32>>> = Vec::new();
    for record in world.records() {
        let saved = record.saved_model.as_ref().expect("it is saved");
        let folder = world.out().join(&saved.folder);
        let values = parameters(&model(&folder));
        assert!(!all.contains(&values), "{}", saved.folder);
        all.push(values);

        // What is scored is the saved model: this learning rate changes nothing.
        let mut config = config(&[Arm::BASELINE], 1, 0.15);
        config.recipe.learning_rate = 1e-30;
        config.recipe.head = Head::Checkpoint;
        let data = world.folder.path();
        let session = Session::open(config, sst2(data), &folder, &Device::flex(), "flex");
        let session = session.expect("the model fits its task");
        let labels = "its labels negative, positive are matched by name";
        assert!(session.notes().iter().any(|note| note.ends_with(labels)));
        let out = tempfile::tempdir().expect("a temporary folder");
        session.run(out.path(), &mut ()).expect("it runs");
        let again = RunLog::read(out.path()).expect("a record");
        let last = |record: &RunRecord| {
            let dev = &record.epochs.last().expect("two epochs").evaluations["dev"];
            (dev.loss, dev.metrics["accuracy"])
        };
        assert_eq!(last(&again[0]), last(&record), "{}", saved.folder);
    }
}

#[test]
fn a_model_that_reads_the_mean_says_how_it_is_read_and_reads_back() {
    let mut config = uneven(&[Arm::BASELINE], 1);
    config.recipe.classifier_pooling = Some(ClassifierPooling::Mean);
    let world = World::new(config);
    world.save(Saving::All, 1);
    let folder = world.out().join("models/baseline-seed3");
    let card = fs::read_to_string(folder.join("README.md")).expect("a card");
    assert!(card.contains("library_name: burn\n"), "{card}");
    assert!(
        card.contains("transformers has no class for this classifier"),
        "{card}"
    );
    let fields = fs::read_to_string(folder.join("config.json")).expect("a configuration");
    let fields: Value = serde_json::from_str(&fields).expect("JSON");
    assert_eq!(fields["architectures"], serde_json::json!(["BertModel"]));

    // Its own config.json says how to read it.
    let mut again = self::config(&[Arm::BASELINE], 1, 0.15);
    again.recipe.learning_rate = 1e-30;
    again.recipe.head = Head::Checkpoint;
    let data = world.folder.path();
    let session = Session::open(again, sst2(data), &folder, &Device::flex(), "flex");
    let out = tempfile::tempdir().expect("a temporary folder");
    session
        .expect("it fits")
        .run(out.path(), &mut ())
        .expect("it runs");
    let loss = |record: &RunRecord| {
        let epoch = record.epochs.last().expect("two epochs");
        epoch.evaluations["dev"].loss
    };
    let read = RunLog::read(out.path()).expect("a record");
    assert_eq!(loss(&read[0]), loss(&world.records()[0]));
}

#[test]
fn the_best_of_each_arm_is_kept_whatever_the_number_of_jobs() {
    for jobs in [1, 3] {
        let world = World::new(uneven(&[Arm::BASELINE, Arm::NOISYTUNE], 5));
        world.save(Saving::Best, jobs);
        assert_eq!(world.models(), world.best(), "{jobs} jobs");
        let scores: Vec<f64> = world
            .records()
            .iter()
            .filter_map(RunRecord::score)
            .collect();
        assert!(
            scores.iter().any(|score| *score != scores[0]),
            "seeds differ"
        );
    }
}

#[test]
fn a_study_that_is_continued_keeps_the_best_of_all() {
    let mut world = World::new(uneven(&[Arm::BASELINE, Arm::NOISYTUNE], 1));
    for seeds in [1, 3, 6] {
        world.config.seeds = seeds;
        let lost = world.save(Saving::Best, 1);
        assert_eq!(lost.0, []);
        assert_eq!(world.models(), world.best(), "{seeds} seeds");
    }
}

#[test]
fn a_best_run_without_its_model_is_said_and_the_best_of_the_others_is_kept() {
    let mut world = World::new(uneven(&[Arm::BASELINE], 4));
    world.session().run(&world.out(), &mut ()).expect("it runs");
    let first = world.records();
    let best = best_runs(&first)[0].seed;
    world.config.seeds = 7;
    let lost = world.save(Saving::Best, 1);
    assert_eq!(lost.0, [(Saving::Best, format!("baseline seed {best}"))]);
    let records = world.records();
    let others = &records[first.len()..];
    let expected = format!("baseline-seed{}", best_runs(others)[0].seed);
    assert_eq!(world.models(), [expected]);

    // With everything recorded, nothing is trained, and what is missing is said.
    let lost = world.save(Saving::All, 1);
    assert_eq!(lost.0.len(), records.len() - 1);
    assert_eq!(world.records(), records);
}

#[test]
fn a_model_that_was_saved_for_itself_stays_beside_a_better_one() {
    let mut world = World::new(uneven(&[Arm::BASELINE], 2));
    world.save(Saving::All, 1);
    let all = world.models();
    assert_eq!(all.len(), 2);
    world.config.seeds = 6;
    world.save(Saving::Best, 1);
    let models = world.models();
    assert!(all.iter().all(|name| models.contains(name)), "{models:?}");
    assert!(models.contains(&world.best()[0]), "{models:?}");
    assert!(models.len() <= 3, "{models:?}");
}

#[test]
fn other_seeds_in_the_same_folder_have_a_best_of_their_own() {
    let mut world = World::new(uneven(&[Arm::BASELINE], 4));
    world.save(Saving::Best, 1);
    let first = world.models();
    world.config.first_seed += 4;
    let before = world.records().len();
    let lost = world.save(Saving::Best, 1);
    assert_eq!(lost.0, []);
    let best = best_runs(&world.records()[before..])[0].seed;
    let models = world.models();
    assert!(models.contains(&first[0]), "{models:?}");
    assert!(
        models.contains(&format!("baseline-seed{best}")),
        "{models:?}"
    );
    assert_eq!(models.len(), 2);
}

#[test]
fn a_saved_model_reads_texts_as_far_as_it_was_trained_on_them() {
    let mut config = config(&[Arm::BASELINE], 1, 0.15);
    config.recipe.max_length = 5;
    let world = World::new(config);
    world.save(Saving::All, 1);
    let saved = world.out().join("models").join(&world.models()[0]);
    let saved = Snapshot::open(saved).expect("a snapshot");
    assert_eq!(saved.usual_max_length().expect("a length"), 5);
}

#[test]
fn sweeps_have_folders_of_their_own() {
    let mut config = config(&[Arm::BASELINE, Arm::NOISYTUNE], 1, 0.15);
    config.studies = vec![StudyKind::Compare, StudyKind::Lambda, StudyKind::DataSize];
    config.lambdas = vec![0.0, 0.05, 0.15];
    config.fractions = vec![0.5, 1.0];
    let world = World::new(config);
    world.save(Saving::Best, 2);
    let expected = [
        "baseline-rows12-seed3",
        "baseline-seed3",
        "noisytune-lambda0.05-seed3",
        "noisytune-rows12-seed3",
        "noisytune-seed3",
    ];
    assert_eq!(world.models(), expected);
}

#[test]
fn what_a_killed_process_leaves_is_removed_and_its_runs_are_saved_again() {
    let world = World::new(uneven(&[Arm::BASELINE], 2));
    let models = world.out().join("models");
    // Models without records, and a half of one.
    for name in ["baseline-seed3", "baseline-seed4", ".unfinished-x"] {
        fs::create_dir_all(models.join(name)).expect("a folder");
        fs::write(models.join(name).join("other"), "").expect("a file");
    }
    fs::write(world.out().join("runs.jsonl"), "").expect("a file");
    world.save(Saving::Best, 1);
    let best = world.best();
    assert_eq!(world.models(), best);
    assert!(!models.join(&best[0]).join("other").exists());
    model(&models.join(&best[0]));
}

#[test]
fn a_failed_run_has_no_model() {
    let mut config = config(&[Arm::BASELINE], 2, 0.15);
    config.recipe.learning_rate = 1e30;
    let world = World::new(config);
    world.save(Saving::All, 1);
    assert!(world.records().iter().all(|run| run.failed.is_some()));
    assert!(world.models().is_empty());
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_before_the_first_run() {
    let world = World::new(config(&[Arm::BASELINE], 1, 0.15));
    fs::create_dir(world.out()).expect("a folder");
    // Of a process that was stopped before its first run.
    fs::write(world.out().join("runs.jsonl"), "").expect("a file");
    fs::write(world.out().join("models"), "").expect("a file");
    let error = world
        .try_save(Saving::All, 1)
        .err()
        .expect("a file is in the way");
    let text = error.to_string();
    assert!(
        text.contains("models: ") && text.lines().count() == 1,
        "{text}"
    );
    assert!(world.records().is_empty());
}

#[test]
fn the_card_of_a_model_that_learned_nothing_names_its_label() {
    let mut config = config(&[Arm::BASELINE], 6, 0.15);
    // Too small to change anything: some of the fresh heads predict one class.
    config.recipe.learning_rate = 1e-30;
    let world = World::new(config);
    world.save(Saving::All, 1);
    let records = world.records();
    let collapsed: Vec<&RunRecord> = records
        .iter()
        .filter(|run| run.only_class.is_some())
        .collect();
    assert!(!collapsed.is_empty(), "no run has collapsed");
    for run in collapsed {
        let folder = format!("models/baseline-seed{}/README.md", run.seed);
        let card = fs::read_to_string(world.out().join(folder)).expect("a card");
        let label = match run.only_class.as_deref() {
            Some("0") => "negative",
            _ => "positive",
        };
        let part = format!("for every text of dev it predicts {label}.");
        assert!(card.contains(&part), "`{part}` is not in: {card}");
    }
}

#[test]
fn configuration_and_card_say_what_the_model_is() {
    let world = World::new(config(&[Arm::NOISYTUNE], 1, 0.15));
    world.save(Saving::Best, 1);
    let folder = world.out().join("models/noisytune-seed3");
    let text = fs::read_to_string(folder.join("config.json")).expect("a file");
    let config: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(config["id2label"]["1"], "positive");
    assert_eq!(config["architectures"][0], "BertForSequenceClassification");
    let card = fs::read_to_string(folder.join("README.md")).expect("a card");
    let record = &world.records()[0];
    let hash = &record.settings.train.sha256;
    for part in [
        "it had the arm's highest accuracy on dev. Choosing a seed by that score flatters it",
        "| labels | negative, positive |",
        "| data | a dozen words |",
        &format!("| training rows | all 24; SHA-256 {hash} |"),
        "| noise intensity λ | 0.15 |",
        "NoisyTune: matrix-wise uniform noise",
        "\ncargo run --example glue_sst2\n",
        "| weights | model.safetensors, float32 |",
    ] {
        assert!(card.contains(part), "`{part}` is not in: {card}");
    }
    let tokenizer = |folder: &Path| fs::read(folder.join("tokenizer.json")).expect("a file");
    assert_eq!(tokenizer(&folder), tokenizer(&snapshot()));
}
