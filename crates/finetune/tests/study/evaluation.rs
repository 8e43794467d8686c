//! Evaluation in the layout of the training batches.

use std::path::Path;

use burn::tensor::Device;
use encoders::Snapshot;
use finetune::TaskData;
use finetune::batch::Filling;
use finetune::evaluation::{evaluate, predict};
use study::{Batching, Recipe};
use tasks::{EvaluationSet, Metric, Outputs, Predictions, Targets, Task, glue};

/// Sums in another order: the bundled checkpoint's logits reach 16, and the element is that of
/// `encoders/tests/bert/bundled.rs`.
const ELEMENT: f32 = 2e-4;

const PADDED: Filling = Filling::Padded { token: 0, least: 0 };

fn bundled() -> Snapshot {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/glue_sst2/assets");
    Snapshot::open(assets.join("film-bert-3x192")).expect("the snapshot opens")
}

/// The bundled sentences.
fn film_notes() -> Task {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/film-notes");
    let task = glue::sst2().in_folder(&folder);
    task.expect("a task of the table")
}

/// The classes of another task as scores, so that its predictions are logits.
fn scored(task: &Task, folder: &Path) -> Task {
    let mut lines = "sentence\tlabel\n".to_owned();
    let set = task.labelled_sets().next().expect("a dev set");
    let split = task.read_evaluation_set(&set.name).expect("it is read");
    let Some(Targets::Classes(classes)) = &split.targets else {
        panic!("labels");
    };
    for (example, class) in split.examples.iter().zip(classes) {
        lines += &format!("{}\t{class}.5\n", example.sentence);
    }
    let mut source = set.source.clone();
    source.path = folder.join("dev.tsv");
    std::fs::write(&source.path, lines).expect("a temporary folder");
    let outputs = Outputs::Score { min: 0.0, max: 2.0 };
    let set = EvaluationSet {
        name: "dev".to_owned(),
        source: source.clone(),
    };
    let metrics = vec![Metric::Pearson];
    Task::new("scored", outputs, metrics, source, vec![set]).expect("it is consistent")
}

fn compare(snapshot: &Snapshot, task: Task) {
    let device = Device::flex();
    let tokenizer = snapshot.tokenizer(128).expect("a tokenizer");
    let data = TaskData::read(task, &tokenizer, 0, Some(1), None).expect("the files are read");
    let outputs = data.task.outputs().count();
    let model = snapshot.classifier(outputs, 3, &device).expect("it loads");
    let [padded, packed] = [PADDED, Filling::Packed].map(|filling| {
        let dev = data.dev();
        // More than one batch, the last of them short.
        assert!(dev.len() > 64 && !dev.len().is_multiple_of(64));
        let scored = evaluate(&model.model, &data.task, dev, filling, &device);
        let scored = scored.expect("it is scored");
        let alone = predict(&model.model, &data.task, &dev.encodings, filling, &device);
        assert_eq!(alone, scored.predictions);
        scored
    });
    assert!((padded.loss - packed.loss).abs() < 1e-5 * padded.loss);
    match (&padded.predictions, &packed.predictions) {
        (Predictions::Scores(padded), Predictions::Scores(packed)) => {
            assert_eq!(padded.len(), packed.len());
            let apart = padded.iter().zip(packed).map(|(a, b)| (a - b).abs());
            let worst = apart.fold(0.0, f32::max);
            println!("{worst:e} apart at most");
            assert!(worst <= ELEMENT, "{worst:e}");
        }
        (padded, packed) => assert_eq!(padded, packed),
    }
}

#[test]
fn packed_and_padded_evaluation_predict_the_same_classes() {
    compare(&bundled(), film_notes());
}

#[test]
fn packed_and_padded_evaluation_predict_the_same_scores() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    compare(&bundled(), scored(&film_notes(), folder.path()));
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn packed_and_padded_evaluation_predict_the_same_pairs_with_minilm() {
    let assets = std::env::var_os("NOISYTUNE_ASSETS").expect("NOISYTUNE_ASSETS is not set");
    let assets = Path::new(&assets);
    let snapshot = Snapshot::open(assets.join("models/all-MiniLM-L6-v2"));
    let snapshot = snapshot.expect("the snapshot opens");
    for (task, folder) in [(glue::rte(), "RTE"), (glue::stsb(), "STS-B")] {
        let task = task.in_folder(&assets.join("datasets").join(folder));
        compare(&snapshot, task.expect("a task of the table"));
    }
}

#[test]
fn evaluation_is_packed_where_training_is_and_padded_to_the_longest_elsewhere() {
    let of = |batching, pad_to_max_length| {
        let recipe = Recipe {
            batching,
            pad_to_max_length,
            ..Recipe::default()
        };
        Filling::of_evaluation(&recipe, 7)
    };
    let padded = Filling::Padded { token: 7, least: 0 };
    assert_eq!(of(Batching::Packed, false), Filling::Packed);
    for batching in [Batching::Shuffled, Batching::Bucketed] {
        for pad_to_max_length in [false, true] {
            assert_eq!(of(batching, pad_to_max_length), padded);
        }
    }
}
