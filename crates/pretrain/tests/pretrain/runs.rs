//! Whole runs: their files, how they continue, and what they refuse.

use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use encoders::{BertForMaskedLM, Dropouts, EncoderInput, Snapshot};
use pretrain::{
    Batch, Checkpoint, Event, HeldOut, PretrainError, Recipe, Run, RunConfig, RunState, Sequences,
    Trainer,
};

use crate::setup::{Folder, Losses, encoder, recipe, run_in, vocabulary};

fn finish(config: RunConfig) -> Result<(Losses, HeldOut), PretrainError> {
    let mut losses = Losses::default();
    let scores = Run::open(config, &Device::flex())?.train(&mut losses)?;
    Ok((losses, scores))
}

fn with_recipe(config: RunConfig, change: impl Fn(&mut Recipe)) -> RunConfig {
    let mut config = config;
    change(&mut config.recipe);
    config
}

/// The parameters of the run's checkpoint, bit for bit.
fn parameters(out: &Path) -> Vec<u32> {
    let device = Device::flex();
    let checkpoint = Checkpoint::latest(out).expect("readable").expect("stored");
    let RunState {
        encoder, recipe, ..
    } = checkpoint.state.clone();
    let model = BertForMaskedLM::fresh(&encoder, 0, &device).expect("it can run");
    let mut trainer = checkpoint.trainer(&recipe, model, &device).expect("whole");
    bits(&trainer.model())
}

/// The bits of all parameters of a model.
fn bits(model: &BertForMaskedLM) -> Vec<u32> {
    struct Bits(Vec<u32>);
    impl ModuleVisitor for Bits {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let values = param.val().into_data();
            self.0.extend(values.iter::<f32>().map(f32::to_bits));
        }
    }
    let mut bits = Bits(Vec::new());
    model.visit(&mut bits);
    bits.0
}

#[test]
fn a_run_that_was_stopped_continues_bit_for_bit() {
    let (whole, parts) = (Folder::new(), Folder::new());
    let (straight, scores) = finish(run_in(whole.path())).expect("8 steps");

    let stopped = with_recipe(run_in(parts.path()), |recipe| recipe.steps = 5);
    let (first, _) = finish(stopped).expect("5 steps");
    let (second, continued) = finish(run_in(parts.path())).expect("3 more");
    assert_eq!((second.first, second.losses.len()), (5, 3));

    assert_eq!([first.losses, second.losses].concat(), straight.losses);
    assert_eq!(continued, scores);
    let out = |folder: &Folder| parameters(&folder.path().join("out"));
    assert_eq!(out(&whole), out(&parts));
}

#[test]
fn the_same_settings_give_the_same_run_and_another_seed_another() {
    let bits = |seed| {
        let folder = Folder::new();
        let config = with_recipe(run_in(folder.path()), |recipe| recipe.seed = seed);
        let (losses, _) = finish(config).expect("a run");
        (losses.losses, parameters(&folder.path().join("out")))
    };
    assert_eq!(bits(1), bits(1));
    assert_ne!(bits(1).0, bits(2).0);
}

#[test]
fn a_finished_run_trains_no_further() {
    let folder = Folder::new();
    let (_, scores) = finish(run_in(folder.path())).expect("a run");
    let before = parameters(&folder.path().join("out"));
    let (losses, again) = finish(run_in(folder.path())).expect("nothing to do");
    assert_eq!((losses.losses.len(), again), (0, scores));
    assert_eq!(parameters(&folder.path().join("out")), before);
}

#[test]
fn training_lowers_the_loss_of_text_with_a_pattern() {
    let folder = Folder::new();
    let config = with_recipe(run_in(folder.path()), |recipe| {
        recipe.steps = 150;
        recipe.batch_size = 8;
        recipe.learning_rate = 1e-2;
        recipe.dropout = 0.0;
    });
    // All documents are the same but for the last words.
    let same = "it was a long slow film of the winter and the storm was never under glass";
    let last = [
        "harbour", "lantern", "mirrors", "plays", "again", "or", "slower", "slowest",
    ];
    let text: String = (0..64)
        .map(|i| format!("{same} {} {}\n", last[i % 8], last[i / 8]))
        .collect();
    std::fs::write(&config.texts[0], text).expect("a file");
    let (losses, scores) = finish(config).expect("a run");
    // To an untrained model all tokens of the vocabulary, 80 to 90, are equally probable.
    assert!((losses.losses[0] - 4.4).abs() < 0.2, "{}", losses.losses[0]);
    assert!(scores.loss < 2.0, "{scores:?}");
    assert!((scores.perplexity - scores.loss.exp()).abs() < 1e-9);
    assert!(scores.accuracy > 0.5, "{scores:?}");
}

#[test]
fn the_snapshot_predicts_as_the_model_did() {
    let folder = Folder::new();
    let config = run_in(folder.path());
    let device = Device::flex();
    let run = Run::open(config, &device).expect("a run");
    run.train(&mut Losses::default()).expect("a run");
    let snapshot = Snapshot::open(run.snapshot()).expect("it opens");
    assert_eq!(*snapshot.config(), encoder().into());
    let tokenizer = snapshot.tokenizer(24).expect("it fits");
    let text = "The slowest film, watching storms.";
    let encodings = tokenizer.encode([(text, None)]).expect("ids");
    let input = || EncoderInput::padded(&encodings, 0, 0, &device);
    let places = Tensor::from_ints([1, 2, 3], &device);
    let read = snapshot.masked_lm(&device).expect("it loads");
    let logits = read.forward(input(), places, &mut Dropouts::off());
    assert_eq!(logits.dims(), [3, 90]);
    assert!(logits.into_data().iter::<f32>().all(f32::is_finite));
    let (trained, saved) = (parameters(&folder.path().join("out")), bits(&read));
    assert_eq!(trained.len(), saved.len());
    for (trained, saved) in trained.into_iter().zip(saved) {
        let (trained, saved) = (f32::from_bits(trained), f32::from_bits(saved));
        // In half precision each parameter is off by 2^-11 of itself at most, or where it is tiny by half of the smallest half.
        let rounding = (trained.abs() / 2048.0).max(3e-8);
        assert!((trained - saved).abs() <= rounding, "{trained}, {saved}");
    }
}

#[test]
fn the_log_has_settings_losses_and_scores() {
    let folder = Folder::new();
    let (losses, scores) = finish(run_in(folder.path())).expect("a run");
    let text = std::fs::read_to_string(folder.path().join("out/log.jsonl")).expect("a log");
    let events: Vec<Event> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"))
        .collect();
    let Event::Start(start) = &events[0] else {
        panic!("the first line is {:?}", events[0]);
    };
    assert_eq!((start.step, &start.recipe), (0, &recipe()));
    let mut means = Vec::new();
    for event in &events {
        if let Event::Train { step, loss, .. } = event {
            means.push((*step, *loss));
        }
    }
    let expected: Vec<(usize, f64)> = [2, 4, 6, 8]
        .map(|step| {
            (
                step,
                (losses.losses[step - 2] + losses.losses[step - 1]) / 2.0,
            )
        })
        .to_vec();
    assert_eq!(means, expected);
    let held_out: Vec<usize> = losses.held_out.iter().map(|(step, _)| *step).collect();
    assert_eq!(held_out, [3, 6, 8]);
    assert!(
        matches!(events.last(), Some(Event::HeldOut { step: 8, scores: found, .. }) if *found == scores)
    );
}

#[test]
fn excluded_sentences_are_counted_and_not_trained_on() {
    let folder = Folder::new();
    let config = run_in(folder.path());
    let all = Run::open(config.clone(), &Device::flex()).expect("a run");
    let text = std::fs::read_to_string(&config.texts[0]).expect("the text");
    let sentences: Vec<&str> = text.lines().next().expect("a line").split(". ").collect();
    let exclude = vec![folder.with("exclude.txt", sentences[1])];
    let out = folder.path().join("other");
    let fewer = Run::open(
        RunConfig {
            exclude,
            out,
            ..config
        },
        &Device::flex(),
    )
    .expect("a run");
    assert_eq!(all.summary().excluded_sentences, 0);
    assert_eq!(fewer.summary().excluded_sentences, 1);
    assert_eq!(fewer.summary().sentences, all.summary().sentences);
    assert_ne!(fewer.summary().sha256, all.summary().sha256);
}

#[test]
fn a_folder_with_another_run_is_refused_with_what_differs() {
    let folder = Folder::new();
    finish(run_in(folder.path())).expect("a run");
    let refused = |change: &dyn Fn(&mut RunConfig)| {
        let mut config = run_in(folder.path());
        change(&mut config);
        let text = finish(config).err().expect("another run").to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    };
    let text = refused(&|config| config.recipe.learning_rate = 0.5);
    assert!(
        text.contains("learning_rate 0.0015, now it is 0.5"),
        "{text}"
    );
    let text = refused(&|config| config.encoder.intermediate_size = 32);
    assert!(
        text.contains("intermediate_size 24, now it is 32"),
        "{text}"
    );
    let text = refused(&|config| config.recipe.held_out_every = 7);
    assert!(text.contains("started with"), "{text}");
    let more = folder.with(
        "more.txt",
        "One more document. It is short, but it is there.\n",
    );
    let text = refused(&|config| config.texts.push(more.clone()));
    assert!(text.contains("data"), "{text}");
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run() {
    let folder = Folder::new();
    let config = with_recipe(run_in(folder.path()), |recipe| {
        recipe.learning_rate = 1e30;
        recipe.steps = 100;
    });
    match finish(config).err().expect("it diverges") {
        PretrainError::Diverged(diverged) => {
            assert!(
                diverged.step > 0 && !diverged.value.is_finite(),
                "{diverged}"
            );
        }
        other => panic!("{other}"),
    }
    assert!(!folder.path().join("out/snapshot").exists());
    // What was logged until then can be read again.
    Run::open(run_in(folder.path()), &Device::flex()).expect("the folder stays usable");
}

/// Makes every hidden state exactly 0, so that the loss is ln 90, and every LayerNorm a multiplication of the
/// gradient by 1e26: no variance, and a large gamma.
struct Steep;

impl ModuleMapper for Steep {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let (shape, device) = (tensor.shape(), tensor.device());
            let columns = shape[D - 1];
            // Words, positions and segments.
            let is_table = D == 2 && [90, 32, 2].contains(&shape[0]);
            let data = tensor.into_data();
            let values = data.iter::<f32>().enumerate();
            let values: Vec<f32> = values
                .map(|(i, value)| match D {
                    // Sums of eighths are exact, so rows without variance have exactly none.
                    2 if is_table => (i / columns % 7) as f32 / 8.0,
                    1 => value * 1e20 * (i + 1) as f32,
                    _ => value,
                })
                .collect();
            Tensor::from_data(TensorData::new(values, shape), &device)
        })
    }
}

#[test]
fn a_gradient_norm_that_is_not_finite_stops_training_even_if_the_loss_is_finite() {
    let folder = Folder::new();
    let device = Device::flex();
    let run = Run::open(run_in(folder.path()), &device).expect("a run");
    let model = BertForMaskedLM::fresh(&encoder(), 0, &device).expect("it can run");
    let model = model.map(&mut Steep);
    let mut trainer = Trainer::new(model, &recipe(), &device).expect("a recipe in range");
    let device = trainer.device().clone();
    let batch = || {
        let positions = [0, 1, 2, 3];
        let (vocabulary, recipe) = (vocabulary(), recipe());
        Batch::masked(
            run.sequences(),
            &positions,
            0,
            &vocabulary,
            &recipe,
            &device,
        )
    };
    let (loss, _) = trainer.gradients(batch());
    assert!((loss - 90_f64.ln()).abs() < 1e-5, "{loss}");
    let batch = batch();
    let error = trainer.step(batch).expect_err("no finite gradient");
    let PretrainError::Diverged(diverged) = error else {
        panic!("{error}");
    };
    assert_eq!((diverged.what, diverged.step), ("gradient norm", 0));
    assert!(!diverged.value.is_finite(), "{diverged}");
    let largest = diverged.largest.expect("there are gradients");
    assert!(
        !largest.norm.is_finite() && largest.path.starts_with("bert."),
        "{largest:?}"
    );
    assert_eq!(trainer.steps(), 0);
}

#[test]
fn a_log_line_that_a_dying_process_left_torn_is_cut_off() {
    let folder = Folder::new();
    let stopped = with_recipe(run_in(folder.path()), |recipe| recipe.steps = 5);
    let (losses, _) = finish(stopped).expect("5 steps");
    assert_eq!(losses.torn, None);
    let path = folder.path().join("out/log.jsonl");
    let whole = std::fs::read_to_string(&path).expect("a log");
    let torn = r#"{"event":"train","step":4711,"lo"#;
    std::fs::write(&path, format!("{whole}{torn}")).expect("a file");
    let (losses, _) = finish(run_in(folder.path())).expect("3 more");
    assert_eq!(losses.torn, Some(whole.lines().count() + 1));
    let text = std::fs::read_to_string(&path).expect("a log");
    assert!(text.starts_with(&whole) && !text.contains(torn));
    for line in text.lines() {
        serde_json::from_str::<Event>(line).expect("an event");
    }
}

#[test]
fn a_line_of_the_log_that_is_no_event_is_named() {
    let folder = Folder::new();
    folder.with("out/log.jsonl", "{}\n");
    let text = finish(run_in(folder.path()))
        .err()
        .expect("not a log")
        .to_string();
    assert!(
        text.contains("log.jsonl:1: not an event of a run: "),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_folder_in_use_is_refused_in_one_line() {
    let folder = Folder::new();
    let first = Run::open(run_in(folder.path()), &Device::flex()).expect("a run");
    let text = finish(run_in(folder.path()))
        .err()
        .expect("it is locked")
        .to_string();
    assert!(
        text.ends_with(
            "log.jsonl: in use by another process; wait for it, or choose another folder"
        ),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    drop(first);
    finish(run_in(folder.path())).expect("it is free again");
}

#[cfg(unix)]
#[test]
fn every_file_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    finish(run_in(folder.path())).expect("a run");
    let mode = |path: &Path| {
        let metadata = std::fs::metadata(path).expect("it is there");
        metadata.permissions().mode()
    };
    let plain = [
        mode(&folder.with("plain/file", "")),
        mode(&folder.path().join("plain")),
    ];
    let (mut folders, mut files) = (vec![folder.path().join("out")], 0);
    while let Some(path) = folders.pop() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_folder = path.is_dir();
            let expected = plain[usize::from(is_folder)];
            assert_eq!(mode(&path), expected, "{}", path.display());
            match is_folder {
                true => folders.push(path),
                false => files += 1,
            }
        }
    }
    // Log, vocabulary, three of the checkpoint and three of the snapshot.
    assert_eq!(files, 8);
}

#[test]
fn a_recipe_out_of_range_is_refused_by_every_constructor() {
    let device = Device::flex();
    let model = || BertForMaskedLM::fresh(&encoder(), 0, &device).expect("it can run");
    let bad = Recipe {
        betas: [0.9, 1.0],
        ..recipe()
    };
    let error = Trainer::new(model(), &bad, &device).err().expect("refused");
    assert_eq!(error.to_string(), "beta is 1, accepted is 0 <= beta < 1");
    let none = Sequences::default();
    let error = HeldOut::of(&model(), &none, &vocabulary(), &recipe()).expect_err("no sequences");
    assert!(matches!(error, PretrainError::TooLittle { .. }), "{error}");
    let error = HeldOut::of(&model(), &none, &vocabulary(), &bad).expect_err("refused");
    assert!(matches!(error, PretrainError::Setting { .. }), "{error}");
}

#[test]
fn settings_out_of_range_are_named() {
    let folder = Folder::new();
    let check = |change: &dyn Fn(&mut RunConfig), expected: &str| {
        let mut config = run_in(folder.path());
        change(&mut config);
        let error = Run::open(config, &Device::flex())
            .err()
            .expect("out of range");
        assert_eq!(error.to_string(), expected);
    };
    check(
        &|c| c.recipe.steps = 0,
        "steps is 0, accepted is at least 1",
    );
    check(
        &|c| c.recipe.warmup_steps = 9,
        "number of warm-up and decay steps is 9, accepted is at most the number of steps",
    );
    check(
        &|c| (c.recipe.warmup_steps, c.recipe.decay_steps) = (usize::MAX, 1),
        "number of warm-up and decay steps is 18446744073709551615, accepted is at most the number of steps",
    );
    check(
        &|c| c.texts.clear(),
        "texts is 0, accepted is at least 1 file or folder",
    );
    check(
        &|c| c.recipe.batch_size = 0,
        "batch size is 0, accepted is at least 1",
    );
    check(
        &|c| c.recipe.length = 7,
        "length is 7, accepted is at least 8",
    );
    check(
        &|c| c.recipe.length = 33,
        "length is 33, accepted is at most the positions of the encoder",
    );
    check(
        &|c| c.recipe.learning_rate = -1.0,
        "learning rate is -1, accepted is a positive number",
    );
    check(
        &|c| c.recipe.learning_rate = f64::NAN,
        "learning rate is NaN, accepted is a positive number",
    );
    check(
        &|c| c.recipe.masked_share = 1.0,
        "masked share is 1, accepted is above 0 and below 1",
    );
    check(
        &|c| c.recipe.short_share = 1.5,
        "short share is 1.5, accepted is 0 to 1",
    );
    check(
        &|c| c.recipe.dropout = 1.0,
        "dropout is 1, accepted is 0 <= p < 1",
    );
    check(
        &|c| c.recipe.weight_decay = -0.1,
        "weight decay is -0.1, accepted is 0 or above",
    );
    check(
        &|c| c.recipe.betas[1] = 1.0,
        "beta is 1, accepted is 0 <= beta < 1",
    );
    check(
        &|c| c.recipe.held_out_every = 1,
        "held-out is 1, accepted is every 2nd document or fewer",
    );
    check(
        &|c| c.log_every = 0,
        "log interval is 0, accepted is at least 1 step",
    );
    assert!(!folder.path().join("out").exists(), "nothing is written");
}

#[test]
fn too_little_text_is_reported() {
    let folder = Folder::new();
    let texts = vec![folder.with("short.txt", "One short document, and no more of it.\n")];
    let config = RunConfig {
        texts,
        ..run_in(folder.path())
    };
    let refused = |config| {
        let run = Run::open(config, &Device::flex());
        run.err().expect("it is refused").to_string()
    };
    let expected = "0 training sequences in 1 document, accepted is at least 4";
    assert_eq!(refused(config), expected);
    // Nothing is left that a run on other text would take.
    let (fresh, again) = (Folder::new(), run_in(folder.path()));
    let losses = |config| finish(config).expect("a run").0.losses;
    assert_eq!(losses(again), losses(run_in(fresh.path())));
    // Words that are too long to learn from.
    let documents =
        (0..64).map(|i| format!("{}\n\n", format!("{} ", "acgt".repeat(300 + i)).repeat(6)));
    let long: String = documents.collect();
    let texts = vec![folder.with("long.txt", long)];
    let config = RunConfig {
        texts,
        out: folder.path().join("other"),
        ..run_in(folder.path())
    };
    let text = refused(config);
    let part = "0 words in the vocabulary in ";
    assert!(text.starts_with(part), "{text}");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    for (name, bytes) in [
        ("parameters.bpk", "x"),
        ("moments.bpk", "x"),
        ("progress.json", "{}"),
    ] {
        let folder = Folder::new();
        finish(run_in(folder.path())).expect("a run");
        folder.with(&format!("out/checkpoints/00000008/{name}"), bytes);
        let text = finish(run_in(folder.path()))
            .err()
            .expect("damaged")
            .to_string();
        assert!(
            text.contains(&format!("{name}: not a checkpoint of this program: ")),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn what_a_killed_process_left_of_a_checkpoint_is_removed() {
    let folder = Folder::new();
    folder.with("out/checkpoints/.part-killed/parameters.bpk", "x");
    finish(run_in(folder.path())).expect("a run");
    let checkpoints = folder.path().join("out/checkpoints");
    let entries = std::fs::read_dir(checkpoints).expect("a folder");
    let names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["00000008"]);
}
