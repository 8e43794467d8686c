//! What a folder holds that is no snapshot, and the way to one.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::reading;

/// The configuration of a PEFT adapter.
const ADAPTER: &str = "adapter_config.json";
/// The hub's folder of snapshots, one for each commit.
const SNAPSHOTS: &str = "snapshots";
/// What the names of models' folders in a hub cache begin with.
const CACHED_MODEL: &str = "models--";
/// How many folders a message lists.
const LISTED: usize = 3;

/// Weights of other programs, by the ends of their names, with what loads them in transformers 4.
const OTHER_WEIGHTS: [(&str, &str, Option<&str>); 8] = [
    ("tf_model.h5", "TensorFlow", Some("from_tf=True")),
    ("flax_model.msgpack", "Flax", Some("from_flax=True")),
    (".ckpt.index", "TensorFlow 1", None),
    (".onnx", "ONNX", None),
    (".gguf", "GGUF", None),
    (".ot", "rust-bert", None),
    (".pt", "pickled", None),
    (".pth", "pickled", None),
];

/// Why a folder without a usable `config.json` is no snapshot, where that can be told.
pub(crate) fn without_config(folder: &Path) -> Option<String> {
    if let Some(reason) = adapter(folder) {
        return Some(reason);
    }
    if let Some(snapshot) = snapshot_of_cache(folder) {
        return Some(format!(
            "the hub's cache of a model, accepted is the snapshot in it: `{snapshot}`"
        ));
    }
    let models = inner(folder, |name, path| {
        let snapshot = name
            .starts_with(CACHED_MODEL)
            .then(|| snapshot_of_cache(path));
        snapshot
            .flatten()
            .map(|snapshot| format!("{name}/{snapshot}"))
    });
    if !models.is_empty() {
        return Some(format!(
            "the root of the hub's cache, accepted is a snapshot in it: {}",
            listed(&models)
        ));
    }
    let folders = inner(folder, |name, path| {
        path.join("config.json").exists().then(|| name.to_owned())
    });
    match folders.is_empty() {
        false => Some(format!(
            "no snapshot itself, accepted is the one in it: {}",
            listed(&folders)
        )),
        true => None,
    }
}

/// Why a folder has no weights that can be read, where that can be told.
pub(crate) fn without_weights(folder: &Path) -> Option<String> {
    if let Some(reason) = adapter(folder) {
        return Some(reason);
    }
    let names = names(folder);
    // A link to nowhere has the right name and is no file.
    let is_named_otherwise =
        |name: &&String| name.ends_with(".safetensors") && name.as_str() != "model.safetensors";
    if let Some(name) = names.iter().find(is_named_otherwise) {
        return Some(format!(
            "no model.safetensors, but `{name}`; give it that name if it is the whole model"
        ));
    }
    let found = OTHER_WEIGHTS.iter().find_map(|(end, kind, load)| {
        let name = names.iter().find(|name| name.ends_with(end))?;
        Some((name, kind, load))
    });
    if let Some((name, kind, load)) = found {
        let way = match load {
            Some(load) => format!(
                "write them with transformers 4: python -c \"from transformers import AutoModel as M; M.from_pretrained('{0}', {load}).save_pretrained('{0}')\"",
                folder.display()
            ),
            None => "take a snapshot that has them".to_owned(),
        };
        return Some(format!(
            "no model.safetensors, but {kind} weights, `{name}`, which are not read; {way}"
        ));
    }
    let folders = inner(folder, |name, path| {
        path.join("model.safetensors")
            .exists()
            .then(|| name.to_owned())
    });
    (!folders.is_empty()).then(|| {
        format!(
            "no model.safetensors, accepted is the snapshot in it: {}",
            listed(&folders)
        )
    })
}

/// What to say of an adapter, which holds the difference to a model and not the model.
fn adapter(folder: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Adapter {
        base_model_name_or_path: Option<String>,
    }
    let bytes = reading::if_there(reading::text(&folder.join(ADAPTER))).ok()??;
    let adapter: Option<Adapter> = serde_json::from_slice(&bytes).ok();
    let base = adapter.and_then(|adapter| adapter.base_model_name_or_path);
    let base = base.map_or(String::new(), |base| format!(" of `{base}`"));
    Some(format!(
        "a PEFT adapter{base}, no whole model; merge both with: python -c \"from peft import AutoPeftModelForSequenceClassification as M; M.from_pretrained('{0}').merge_and_unload().save_pretrained('{0}-merged')\"",
        folder.display()
    ))
}

/// The snapshot in the cache of a model: that of the branch `main`, or else the last by name.
fn snapshot_of_cache(folder: &Path) -> Option<String> {
    let main = reading::if_there(reading::text(&folder.join("refs/main")));
    let main = main.ok().flatten();
    let main = main.and_then(|commit| String::from_utf8(commit).ok());
    let commits = inner(&folder.join(SNAPSHOTS), |name, _| Some(name.to_owned()));
    let main = main.and_then(|main| commits.iter().find(|commit| **commit == main.trim()));
    let commit = main.or(commits.last())?;
    Some(format!("{SNAPSHOTS}/{commit}"))
}

/// What is made of the folders in a folder, in the order of their names.
fn inner(folder: &Path, of: impl Fn(&str, &Path) -> Option<String>) -> Vec<String> {
    let names = names(folder).into_iter();
    names
        .filter_map(|name| {
            let path = folder.join(&name);
            path.is_dir().then(|| of(&name, &path)).flatten()
        })
        .collect()
}

/// The names in a folder, sorted; none if it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn listed(names: &[String]) -> String {
    let listed = names.iter().take(LISTED).map(|name| format!("`{name}`"));
    let mut text = listed.collect::<Vec<_>>().join(" or ");
    if let Some(more) = names.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text += &format!(" or one of {more} more");
    }
    text
}
