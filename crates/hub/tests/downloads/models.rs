//! The files of a model, whichever of its forms a repository has.

use std::fs;

use files::sha256_of as sha256;
use hub::{Hub, HubError, Snapshot};

use crate::server;
use crate::world::{COMMIT, World, model};

const INDEX: &str = "model.safetensors.index.json";
const NAME: &str = "mini/roberta";

/// A world with one more repository: a configuration, and these files.
fn world_with(files: &[(&str, &str)]) -> World {
    let world = World::new();
    let mut all = vec![("config.json", b"{}".to_vec())];
    all.extend(
        files
            .iter()
            .map(|(name, text)| (*name, text.as_bytes().to_vec())),
    );
    let repository = server::Repository::new(NAME, COMMIT, &all, sha256);
    world
        .server
        .change(|repositories| repositories.push(repository));
    world
}

fn get(world: &World) -> Result<Snapshot, HubError> {
    world.hub.model(&model(NAME), &mut ())
}

/// The names in the snapshot's folder, sorted.
fn names(snapshot: &Snapshot) -> Vec<String> {
    let entries = fs::read_dir(&snapshot.folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_whole_model_is_downloaded_without_what_is_not_read() {
    let world = world_with(&[
        ("model.safetensors", "weights"),
        (INDEX, "not read"),
        ("pytorch_model.bin", "a pickle"),
        ("special_tokens_map.json", "{}"),
        ("tokenizer.json", "{}"),
        ("tokenizer_config.json", "{}"),
        ("vocab.txt", "words"),
    ]);
    assert_eq!(
        names(&get(&world).unwrap()),
        [
            "config.json",
            "model.safetensors",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
    );
}

#[test]
fn the_files_that_an_index_names_are_downloaded() {
    let world = world_with(&[
        (
            INDEX,
            r#"{"metadata": {"total_size": 3}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-1.safetensors"}}"#,
        ),
        ("m-1.safetensors", "first"),
        ("m-2.safetensors", "second"),
        ("m-3.safetensors", "not named"),
        ("tokenizer.json", "{}"),
    ]);
    let snapshot = get(&world).unwrap();
    assert_eq!(
        names(&snapshot),
        [
            "config.json",
            "m-1.safetensors",
            "m-2.safetensors",
            INDEX,
            "tokenizer.json",
        ]
    );
    let second = fs::read(snapshot.folder.join("m-2.safetensors")).unwrap();
    assert_eq!(second, b"second");
}

#[test]
fn without_tokenizer_json_the_vocabulary_is_downloaded() {
    for (vocabulary, others) in [
        (&["vocab.txt"][..], &["merges.txt"][..]),
        (&["merges.txt", "vocab.json"], &[]),
        // A class takes its own.
        (&["merges.txt", "vocab.json", "vocab.txt"], &[]),
    ] {
        let mut files = vec![("model.safetensors", "weights")];
        files.extend(vocabulary.iter().chain(others).map(|name| (*name, "words")));
        let found = names(&get(&world_with(&files)).unwrap());
        for file in vocabulary {
            assert!(found.iter().any(|name| name == file), "{file}: {found:?}");
        }
    }
}

#[test]
fn what_a_repository_does_not_have_is_asked_for_once_and_not_offline() {
    let world = world_with(&[("model.safetensors", "weights"), ("vocab.txt", "words")]);
    let snapshot = get(&world).unwrap();
    world.server.take_requests();
    assert_eq!(get(&world).unwrap(), snapshot);
    assert_eq!(
        world.server.take_requests(),
        ["/api/models/mini/roberta/revision/main"]
    );
    let offline = Hub::at("http://127.0.0.1:1", world.cache.path()).unwrap();
    assert_eq!(offline.model(&model(NAME), &mut ()).unwrap(), snapshot);
}

#[test]
fn an_index_that_leads_out_of_the_folder_is_refused_before_any_file_of_it() {
    for file in [
        "../../../../x.safetensors",
        "/etc/x.safetensors",
        "sub/x.safetensors",
        "..",
        "",
        "x.safetensors?download=true",
        "a\\\\b.safetensors",
        // A pickle under the name of weights.
        "pytorch_model.bin",
    ] {
        let index = format!(r#"{{"weight_map": {{"a": "m.safetensors", "b": "{file}"}}}}"#);
        let world = world_with(&[
            (INDEX, &index),
            ("m.safetensors", "weights"),
            ("pytorch_model.bin", "a pickle"),
            ("tokenizer.json", "{}"),
        ]);
        let error = get(&world).unwrap_err();
        assert!(matches!(error, HubError::Index { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!(
                "{NAME}@main: {INDEX}: weight_map puts \"b\" into "
            )),
            "{text}"
        );
        let requests = world.server.take_requests();
        assert!(
            requests.iter().all(|path| !path.contains("/m.safetensors")),
            "{requests:?}"
        );
    }
}

#[test]
fn an_index_that_is_none_is_refused() {
    for (index, said) in [
        (r#"{"weight_map": {}}"#, "weight_map is empty"),
        ("{}", "missing field `weight_map`"),
        ("weights", "expected value at line 1"),
    ] {
        let world = world_with(&[(INDEX, index), ("tokenizer.json", "{}")]);
        let text = get(&world).unwrap_err().to_string();
        assert!(
            text.starts_with(&format!("{NAME}@main: {INDEX}: {said}")),
            "{text}"
        );
    }
}

#[test]
fn a_file_of_the_index_that_is_not_there_is_named() {
    let world = world_with(&[
        (INDEX, r#"{"weight_map": {"a": "m-1.safetensors"}}"#),
        ("tokenizer.json", "{}"),
    ]);
    assert_eq!(
        get(&world).unwrap_err().to_string(),
        format!(
            "{NAME}@main: no file m-1.safetensors; it has config.json, {INDEX}, tokenizer.json"
        )
    );
}

#[test]
fn a_repository_of_pickles_is_told_with_the_way_on() {
    for pickle in ["pytorch_model.bin", "pytorch_model.bin.index.json"] {
        let world = world_with(&[(pickle, "a pickle"), ("tokenizer.json", "{}")]);
        let error = get(&world).unwrap_err();
        assert!(matches!(error, HubError::Unreadable { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!(
                "{NAME}@main: no model.safetensors, and {pickle} is a pickle, which can run any program and is not \
                 read; fetch it with: hf download mini/roberta --revision main --local-dir roberta, then name that \
                 folder to be told how to convert it"
            )
        );
        // Said again from the cache, and nothing of it is downloaded.
        assert_eq!(get(&world).unwrap_err().to_string(), error.to_string());
        let cached = world.cached();
        assert!(
            cached.iter().all(|path| !path.ends_with(pickle)),
            "{cached:?}"
        );
    }
}

#[test]
fn a_tokenizer_that_is_not_built_is_told_before_the_weights() {
    let weights = ("model.safetensors", "weights");
    let error = |more: &[(&str, &str)]| {
        let world = world_with(&[&[weights], more].concat());
        let text = get(&world).unwrap_err().to_string();
        let requests = world.server.take_requests();
        let is_weights = |path: &String| path.contains("/model.safetensors");
        assert!(!requests.iter().any(is_weights), "{requests:?}");
        text
    };
    let text = error(&[("spiece.model", "pieces")]);
    let said = "no tokenizer.json, and none is built of spiece.model here; fetch it with: hf download mini/roberta ";
    assert!(text.contains(said), "{text}");
    // Half of a vocabulary.
    let text = error(&[("merges.txt", "merges")]);
    assert_eq!(
        text,
        format!(
            "{NAME}@main: no file tokenizer.json; it has config.json, merges.txt, model.safetensors"
        )
    );
}
