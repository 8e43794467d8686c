//! Reading a checkpoint's weights into a module through burn-store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{
    FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore,
};
use files::FileError;
use safetensors::tensor::Metadata;

use crate::check::{Held, TensorInfo};
use crate::error::{EncoderError, TensorProblem};
use crate::names::{Names, literal};
use crate::sharded::{self, Index};
use crate::{finite, folder, reading};

/// The name of a checkpoint in one file.
const WHOLE: &str = "model.safetensors";
/// The name of a checkpoint that PyTorch pickled.
const PICKLE: &str = "pytorch_model.bin";
/// The index of a checkpoint that PyTorch pickled in several files.
const PICKLES: &str = "pytorch_model.bin.index.json";
/// The prefixes of `DataParallel` and `torch.compile`.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];
/// More than any program puts around a model; a name may have a million, each of which would be cut off a copy of it.
const MOST_WRAPPERS: usize = 8;

/// A checkpoint's files, their headers read.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    /// The file that stands for the checkpoint in messages.
    pub(crate) path: PathBuf,
    files: Vec<PathBuf>,
    /// Every tensor by the name the checkpoint gives it, without a wrapper's prefix.
    pub(crate) tensors: BTreeMap<String, TensorInfo>,
    /// The prefix that wrappers put before every name.
    prefix: String,
    /// What a user should know, one line each.
    pub(crate) notes: Vec<String>,
}

/// Finds the files of the checkpoint in a folder: the one that stands for it, and the index if there is one.
fn files(folder: &Path) -> Result<(PathBuf, Option<Index>), EncoderError> {
    let whole = folder.join(WHOLE);
    let index = folder.join(sharded::FILE);
    if whole.exists() {
        return Ok((whole, None));
    }
    if !index.exists() {
        let mut pickles = [PICKLE, PICKLES].into_iter().map(|name| folder.join(name));
        if let Some(path) = pickles.find(|path| path.exists()) {
            return Err(EncoderError::Pickle { path });
        }
        return match folder::without_weights(folder) {
            Some(reason) => Err(EncoderError::NoSnapshot {
                path: folder.to_path_buf(),
                reason,
            }),
            None => Ok((whole, None)),
        };
    }
    let read = Index::read(&index)?;
    Ok((index, Some(read)))
}

impl Weights {
    /// Reads names, shapes and types, and checks that every file is as long as its header says.
    pub(crate) fn open(folder: &Path) -> Result<Self, EncoderError> {
        let (path, index) = files(folder)?;
        let mut notes = Vec::new();
        let mut tensors = BTreeMap::new();
        let files: Vec<PathBuf> = match &index {
            None => {
                tensors = read_header(&path, 0)?.0;
                vec![path.clone()]
            }
            Some(index) => {
                let mut bytes = 0;
                for (number, file) in index.files().into_iter().enumerate() {
                    let (held, size) = read_header(&folder.join(file), number)?;
                    index.check_file(&path, file, &held)?;
                    bytes += size;
                    tensors.extend(held);
                }
                notes.extend(index.size_note(bytes));
                index
                    .files()
                    .into_iter()
                    .map(|file| folder.join(file))
                    .collect()
            }
        };
        let mut prefix = String::new();
        for _ in 0..MOST_WRAPPERS {
            let Some(wrapper) = wrapper_of(&tensors) else {
                break;
            };
            prefix += wrapper;
            let stripped = tensors.into_iter();
            tensors = stripped
                .map(|(name, info)| (name[wrapper.len()..].to_owned(), info))
                .collect();
        }
        if !prefix.is_empty() {
            notes.push(format!(
                "every tensor's name begins with `{prefix}`, which is ignored"
            ));
        }
        Ok(Self {
            path,
            files,
            tensors,
            prefix,
            notes,
        })
    }

    /// The SHA-256 of the weights, in hexadecimal.
    ///
    /// For one file it is the file's own; for several, that of the lines `sha256sum` prints for them, sorted by
    /// name.
    pub(crate) fn sha256(folder: &Path) -> Result<String, EncoderError> {
        let (path, index) = files(folder)?;
        let Some(index) = index else {
            return digest_of(&path);
        };
        let mut lines = String::new();
        for file in index.files() {
            let digest = digest_of(&folder.join(file))?;
            lines += &format!("{digest}  {file}\n");
        }
        Ok(files::sha256_of(lines.as_bytes()))
    }

    /// Finds NaN and infinite values in what the module takes from the checkpoint.
    pub(crate) fn not_finite(&self, held: &[Held]) -> Result<Vec<TensorProblem>, EncoderError> {
        let mut problems = Vec::new();
        for (index, path) in self.files.iter().enumerate() {
            let mut file = reading::open(path)?;
            for Held { name, .. } in held {
                let tensor = &self.tensors[name];
                if tensor.file != index {
                    continue;
                }
                if let Some(found) = finite::not_finite(path, &mut file, tensor)? {
                    problems.push(TensorProblem::NotFinite {
                        name: name.clone(),
                        count: found.count,
                        first: found.first,
                    });
                }
            }
        }
        Ok(problems)
    }

    /// Whether every value of a tensor is exactly 0.
    pub(crate) fn is_zero(&self, held: &Held) -> Result<bool, EncoderError> {
        let tensor = &self.tensors[&held.name];
        let path = &self.files[tensor.file];
        let mut file = reading::open(path)?;
        let read = |error| EncoderError::read(path, error);
        file.seek(SeekFrom::Start(tensor.start)).map_err(read)?;
        let mut values = Vec::new();
        file.take(tensor.bytes)
            .read_to_end(&mut values)
            .map_err(read)?;
        Ok(values.iter().all(|&byte| byte == 0))
    }

    /// Loads the parameters at these module paths, each from its file, in f32 whatever the file holds.
    pub(crate) fn load<M: Module>(
        &self,
        model: &mut M,
        names: &Names,
        held: &[Held],
    ) -> Result<(), EncoderError> {
        for (index, path) in self.files.iter().enumerate() {
            let paths: BTreeSet<&str> = held
                .iter()
                .filter(|held| self.tensors[&held.name].file == index)
                .map(|held| held.path.as_str())
                .collect();
            if !paths.is_empty() {
                load_file(path, model, &self.prefix, names, &paths)?;
            }
        }
        Ok(())
    }
}

fn digest_of(path: &Path) -> Result<String, EncoderError> {
    reading::open(path)?;
    files::sha256_of_file(path).map_err(|e| match e {
        FileError::Io { path, source } => EncoderError::Read { path, source },
        other => EncoderError::Read {
            path: path.to_path_buf(),
            source: std::io::Error::other(other),
        },
    })
}

fn damaged(path: &Path, reason: String) -> EncoderError {
    EncoderError::Safetensors {
        path: path.to_path_buf(),
        reason,
    }
}

/// The wrapper whose prefix every name has.
fn wrapper_of(tensors: &BTreeMap<String, TensorInfo>) -> Option<&'static str> {
    let mut wrappers = WRAPPERS.into_iter();
    wrappers.find(|wrapper| {
        let mut names = tensors.keys();
        !tensors.is_empty() && names.all(|name| name.starts_with(wrapper))
    })
}

/// Reads the header of a file: its tensors, and how many bytes they have.
fn read_header(
    path: &Path,
    index: usize,
) -> Result<(BTreeMap<String, TensorInfo>, u64), EncoderError> {
    let damaged = |reason: String| damaged(path, reason);
    let mut file = reading::open(path)?;
    let size = file
        .metadata()
        .map_err(|e| EncoderError::read(path, e))?
        .len();
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| damaged(format!("{size} bytes, the header alone needs 8 or more")))?;
    let header_length = u64::from_le_bytes(length);
    let Some(data_start) = header_length.checked_add(8).filter(|end| *end <= size) else {
        return Err(damaged(format!(
            "the header announces {header_length} bytes of description, the file has {size}"
        )));
    };
    let mut header = Vec::new();
    file.take(header_length)
        .read_to_end(&mut header)
        .map_err(|e| EncoderError::read(path, e))?;
    // Not `SafeTensors::read_metadata`: that wants the whole file in memory.
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| damaged(e.to_string()))?;
    let announced = data_start.checked_add(metadata.data_len() as u64);
    if announced != Some(size) {
        let announced = announced.unwrap_or(u64::MAX);
        return Err(damaged(format!(
            "the header announces {announced} bytes, the file has {size}"
        )));
    }
    let tensors = metadata.tensors().into_iter();
    let tensors = tensors
        .map(|(name, info)| {
            let info = TensorInfo {
                shape: info.shape.clone(),
                dtype: info.dtype,
                file: index,
                start: data_start + info.data_offsets.0 as u64,
                bytes: (info.data_offsets.1 - info.data_offsets.0) as u64,
            };
            (name, info)
        })
        .collect();
    Ok((tensors, metadata.data_len() as u64))
}

fn load_file<M: Module>(
    path: &Path,
    model: &mut M,
    prefix: &str,
    names: &Names,
    paths: &BTreeSet<&str>,
) -> Result<(), EncoderError> {
    // The adapter transposes the weight of a linear layer and finds gamma and beta of a normalisation
    // under either of their names.
    let mut store = SafetensorsStore::from_file(path)
        .with_from_adapter(PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32)))
        .with_full_paths(paths.iter().copied())
        .with_key_remapping(format!("^{}", literal(prefix)), "")
        .validate(false)
        .allow_partial(true);
    for (theirs, ours) in names.module_patterns() {
        store = store.with_key_remapping(theirs, ours);
    }
    let result = model
        .load_from(&mut store)
        .map_err(|e| damaged(path, e.to_string()))?;
    if let Some(error) = result.errors.first() {
        return Err(damaged(path, error.to_string()));
    }
    // What the check found in the header but the module did not get.
    let applied: BTreeSet<&str> = result.applied.iter().map(String::as_str).collect();
    let problems: Vec<TensorProblem> = paths
        .difference(&applied)
        .map(|name| TensorProblem::Missing {
            name: (*name).to_owned(),
            expected: Vec::new(),
        })
        .collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(EncoderError::Tensors {
            path: path.to_path_buf(),
            problems,
        }),
    }
}
