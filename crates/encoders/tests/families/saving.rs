//! A finetuned classifier that is saved is the one that is read.

use std::fs;
use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor};
use burn_store::{BurnpackStore, FloatCastAdapter, ModuleSnapshot};
use encoders::{
    Classifier, Dropouts, EncoderError, ProblemType, SaveDtype, SaveFormat, SaveOptions, Snapshot,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

use crate::closeness::values;
use crate::copy::Copy;
use crate::family::{FAMILIES, Family, finetuned, layouts};
use crate::golden;

pub(crate) fn options(labels: &[&str]) -> SaveOptions {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    SaveOptions {
        problem: ProblemType::SingleLabelClassification(labels),
        dtype: SaveDtype::F32,
        format: SaveFormat::Safetensors,
        card: "# A card\n".to_owned(),
        max_length: 24,
    }
}

fn logits(family: &Family, snapshot: &Snapshot, model: &Classifier) -> Vec<f32> {
    let encodings = family.expected().encodings();
    let [padded, _] = layouts(snapshot, &encodings, &Device::flex());
    values(model.forward(padded, &mut Dropouts::off()))
}

fn config(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap()
}

#[test]
fn the_tensors_are_those_that_transformers_writes_to_the_last_bit() {
    for family in FAMILIES {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("saved");
        let (snapshot, model) = (family.snapshot(), family.model());
        let saved = snapshot.save_classifier(&model, &place, &options(&["a", "b", "c"]));
        saved.unwrap_or_else(|error| panic!("{error}"));

        let ours = fs::read(place.join("model.safetensors")).unwrap();
        let theirs = golden::path(family.name).join("snapshot/model.safetensors");
        let theirs = fs::read(theirs).unwrap();
        let (_, header) = SafeTensors::read_metadata(&ours).unwrap();
        let metadata = header.metadata().clone().unwrap();
        assert_eq!(metadata.get("format").map(String::as_str), Some("pt"));
        let [ours, theirs] = [&ours, &theirs].map(|file| SafeTensors::deserialize(file).unwrap());
        let [mut our_names, mut their_names] = [ours.names(), theirs.names()];
        our_names.sort_unstable();
        their_names.sort_unstable();
        assert_eq!(our_names, their_names, "{}", family.name);
        for name in our_names {
            let [ours, theirs] = [&ours, &theirs].map(|file| file.tensor(name).unwrap());
            assert_eq!(ours, theirs, "{}: {name}", family.name);
        }
    }
}

#[test]
fn it_reads_back_to_the_last_bit_whatever_its_outputs() {
    for family in FAMILIES {
        let snapshot = family.snapshot();
        let score = SaveOptions {
            problem: ProblemType::Regression,
            ..options(&[])
        };
        for (outputs, options, labels) in [
            (2, options(&["no", "yes"]), &["no", "yes"][..]),
            (1, score, &["LABEL_0"]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("saved");
            let model = snapshot
                .classifier(outputs, 5, &Device::flex())
                .unwrap()
                .model;
            snapshot.save_classifier(&model, &place, &options).unwrap();
            let saved = Snapshot::open(&place).unwrap();
            assert_eq!(saved.labels(), labels);
            assert_eq!(saved.config(), snapshot.config(), "{}", family.name);
            let loaded = saved
                .finetuned_classifier(outputs, &Device::flex())
                .unwrap();
            assert_eq!(loaded.notes, Vec::<String>::new());
            let [ours, theirs] = [&loaded.model, &model].map(|model| family.named(model, None));
            assert_eq!(ours, theirs, "{}", family.name);
            let [ours, theirs] = [&loaded.model, &model].map(|model| logits(family, &saved, model));
            assert_eq!(ours, theirs, "{}", family.name);
        }
    }
}

#[test]
fn the_configuration_is_the_encoders_with_the_fields_of_a_classifier() {
    for family in FAMILIES {
        let copy = family.copy();
        copy.configure("of_someone_else", json!({ "b": [1, 2.5], "a": null }));
        copy.configure("num_labels", json!(7));
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("saved");
        let model = finetuned(&copy.open());
        let saved = copy
            .open()
            .save_classifier(&model, &place, &options(&["a", "b", "c"]));
        saved.unwrap();
        let mut expected = config(copy.path());
        expected["id2label"] = json!({ "0": "a", "1": "b", "2": "c" });
        expected["label2id"] = json!({ "a": 0, "b": 1, "c": 2 });
        expected["num_labels"] = json!(3);
        expected["problem_type"] = json!("single_label_classification");
        // `architectures` and `dtype` of the goldens are transformers' own.
        assert_eq!(config(&place), expected, "{}", family.name);
    }
}

#[test]
fn the_type_of_the_weights_is_named_as_the_encoders_configuration_names_it() {
    let family = &FAMILIES[0];
    let named = |old: Option<&str>, new: Option<&str>| {
        let copy = family.copy();
        let path = copy.path().join("config.json");
        let mut fields = config(copy.path());
        let object = fields.as_object_mut().unwrap();
        object.remove("dtype");
        object.extend(old.map(|dtype| ("torch_dtype".to_owned(), json!(dtype))));
        object.extend(new.map(|dtype| ("dtype".to_owned(), json!(dtype))));
        fs::write(path, fields.to_string()).unwrap();
        let place = copy.path().join("saved");
        let options = SaveOptions {
            dtype: SaveDtype::Bf16,
            ..options(&["a", "b", "c"])
        };
        copy.open()
            .save_classifier(&family.model(), &place, &options)
            .unwrap();
        let saved = config(&place);
        ["torch_dtype", "dtype"].map(|name| saved.get(name).cloned())
    };
    let bf16 = Some(json!("bfloat16"));
    assert_eq!(named(None, None), [None, bf16.clone()]);
    assert_eq!(named(None, Some("float32")), [None, bf16.clone()]);
    assert_eq!(named(Some("float32"), None), [bf16.clone(), None]);
    assert_eq!(
        named(Some("float16"), Some("float32")),
        [bf16.clone(), bf16]
    );
}

#[test]
fn half_precision_rounds_to_nearest_and_refuses_what_it_cannot_hold() {
    let family = &FAMILIES[0];
    let (snapshot, model) = (family.snapshot(), family.model());
    let f16 = |x: f32| half::f16::from_f32(x).to_f32();
    let bf16 = |x: f32| half::bf16::from_f32(x).to_f32();
    type Round = fn(f32) -> f32;
    for (dtype, stored, round) in [
        (SaveDtype::F16, Dtype::F16, f16 as Round),
        (SaveDtype::Bf16, Dtype::BF16, bf16),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("saved");
        let options = SaveOptions {
            dtype,
            ..options(&["a", "b", "c"])
        };
        snapshot.save_classifier(&model, &place, &options).unwrap();
        let bytes = fs::read(place.join("model.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert!(file.iter().all(|(_, tensor)| tensor.dtype() == stored));
        let read = family.named(&finetuned(&Snapshot::open(&place).unwrap()), None);
        for (name, values) in family.named(&model, None) {
            let expected: Vec<f32> = values.into_iter().map(round).collect();
            assert_eq!(read[&name], expected, "{name}");
        }

        // What is there stays where the next model does not fit.
        let large = |value: f32| model.clone().map(&mut Fill { value });
        let greatest = if dtype == SaveDtype::F16 {
            65_519.0
        } else {
            3.38e38
        };
        snapshot
            .save_classifier(&large(greatest), &place, &options)
            .unwrap();
        let before = fs::read(place.join("model.safetensors")).unwrap();
        let beyond = if dtype == SaveDtype::F16 {
            -65_520.0
        } else {
            f32::MAX
        };
        let error = snapshot
            .save_classifier(&large(beyond), &place, &options)
            .unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, EncoderError::Write { .. }), "{text}");
        assert!(
            text.contains("cannot hold; accepted here is float32"),
            "{text}"
        );
        assert_eq!(fs::read(place.join("model.safetensors")).unwrap(), before);
    }
}

/// Sets every parameter to a value.
struct Fill {
    value: f32,
}

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|values| values.full_like(self.value))
    }
}

#[test]
fn the_tokenizers_files_are_copied_as_they_are() {
    let family = &FAMILIES[0];
    let copy = family.copy();
    // Nothing of this is read as text.
    for name in ["vocab.txt", "special_tokens_map.json", "spiece.model"] {
        fs::write(copy.path().join(name), b"\xef\xbb\xbf\r\n\xff\0").unwrap();
    }
    let other = copy.path().join("pytorch_model.bin.index.json");
    fs::write(other, "{}").unwrap();
    let place = copy.path().join("saved");
    let snapshot = copy.open();
    snapshot
        .save_classifier(&family.model(), &place, &options(&["a", "b", "c"]))
        .unwrap();
    let mut names: Vec<String> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "README.md",
        "config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "spiece.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ];
    assert_eq!(names, expected);
    let copied = names[3..].iter();
    for name in copied.filter(|name| *name != "tokenizer_config.json") {
        let [ours, theirs] =
            [&place, copy.path()].map(|folder| fs::read(folder.join(name)).unwrap());
        assert_eq!(ours, theirs, "{name}");
    }
    assert_eq!(fs::read(place.join("README.md")).unwrap(), b"# A card\n");
    // What it says beside the length stays.
    let path = copy.path().join("tokenizer_config.json");
    fs::write(path, r#"{"model_max_length": 512, "strip_accents": true}"#).unwrap();
    snapshot
        .save_classifier(&family.model(), &place, &options(&["a", "b", "c"]))
        .unwrap();
    let fields = fs::read(place.join("tokenizer_config.json")).unwrap();
    let fields: Value = serde_json::from_slice(&fields).unwrap();
    let expected = serde_json::json!({"model_max_length": 24, "strip_accents": true});
    assert_eq!(fields, expected);
}

#[test]
fn a_burnpack_reads_back_to_the_last_bit() {
    for family in FAMILIES {
        let (snapshot, model) = (family.snapshot(), family.model());
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("saved");
        let options = SaveOptions {
            format: SaveFormat::Burnpack,
            ..options(&["a", "b", "c"])
        };
        snapshot.save_classifier(&model, &place, &options).unwrap();
        assert!(!place.join("model.safetensors").exists());
        let saved = Snapshot::open(&place).unwrap();
        let labels = saved.labels().len();
        let read = |place: &Path| {
            let mut read = Classifier::blank(saved.config(), labels, &Device::flex());
            let store = BurnpackStore::from_file(place.join("model.bpk"));
            let mut store = store.with_from_adapter(FloatCastAdapter::to(DType::F32));
            let result = read.load_from(&mut store).unwrap();
            assert!(result.is_success() && result.unused.is_empty(), "{result}");
            family.named(&read, None)
        };
        let named = family.named(&model, None);
        assert_eq!(read(&place), named, "{}", family.name);
        let in_half = SaveOptions {
            dtype: SaveDtype::Bf16,
            ..options
        };
        snapshot.save_classifier(&model, &place, &in_half).unwrap();
        let halves = read(&place);
        for (name, values) in named {
            let rounded = values.iter().map(|&x| half::bf16::from_f32(x).to_f32());
            assert_eq!(halves[&name], rounded.collect::<Vec<f32>>(), "{name}");
        }
        let error = saved
            .finetuned_classifier(labels, &Device::flex())
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("model.safetensors"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn folder_and_files_have_the_rights_of_any_new_ones() {
    use std::os::unix::fs::PermissionsExt;

    let family = &FAMILIES[0];
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("inner/saved");
    for format in [SaveFormat::Safetensors, SaveFormat::Burnpack] {
        let options = SaveOptions {
            format,
            ..options(&["a", "b", "c"])
        };
        family
            .snapshot()
            .save_classifier(&family.model(), &place, &options)
            .unwrap();
        let rights = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let (file, plain) = (folder.path().join("file"), folder.path().join("plain"));
        fs::write(&file, "").unwrap();
        fs::create_dir_all(&plain).unwrap();
        assert_eq!(rights(&place), rights(&plain));
        for entry in fs::read_dir(&place).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(rights(&path), rights(&file), "{}", path.display());
        }
        // One that was there is replaced as a whole.
        assert!(place.join(format.file_name()).exists());
        assert_eq!(fs::read_dir(&place).unwrap().count(), 5);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named_in_one_line() {
    let family = &FAMILIES[0];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let place = file.join("saved");
    let saved = family
        .snapshot()
        .save_classifier(&family.model(), place, &options(&["a"; 3]));
    let text = saved.unwrap_err().to_string();
    assert!(text.contains("file: cannot be written: "), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn a_file_of_the_tokenizer_that_is_gone_leaves_the_saved_model_that_is_there() {
    let family = &FAMILIES[0];
    let copy: Copy = family.copy();
    let place = copy.path().join("saved");
    let snapshot = copy.open();
    snapshot
        .save_classifier(&family.model(), &place, &options(&["a", "b", "c"]))
        .unwrap();
    let before = fs::read(place.join("config.json")).unwrap();
    // A folder in its place cannot be read.
    fs::remove_file(copy.path().join("tokenizer.json")).unwrap();
    fs::create_dir(copy.path().join("tokenizer.json")).unwrap();
    let saved = snapshot.save_classifier(&family.model(), &place, &options(&["x", "y", "z"]));
    assert!(matches!(saved.unwrap_err(), EncoderError::Read { .. }));
    assert_eq!(fs::read(place.join("config.json")).unwrap(), before);
    let names = fs::read_dir(copy.path()).unwrap().count();
    assert_eq!(names, 4, "no unfinished folder is left");
}
