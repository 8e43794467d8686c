//! Documents from text files.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::error::PretrainError;

/// What separates documents within a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Documents {
    /// Every line is a document.
    #[default]
    Lines,
    /// Documents are separated by blank lines; their own lines are joined.
    Paragraphs,
}

/// Distinct documents, without HTML line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    /// In the order of the files, each only once.
    pub documents: Vec<String>,
    /// How many documents repeated an earlier one, word for word.
    pub repeated: usize,
}

impl Corpus {
    /// Reads text files, gzipped text files (`.gz`), and all files in folders and subfolders, by name.
    ///
    /// # Errors
    /// [`PretrainError::File`], [`PretrainError::Encoding`], or [`PretrainError::TooLittle`] if there
    /// is no text at all.
    pub fn read(paths: &[impl AsRef<Path>], separated: Documents) -> Result<Self, PretrainError> {
        let mut corpus = Self {
            documents: Vec::new(),
            repeated: 0,
        };
        let mut known = HashSet::new();
        for path in paths {
            for file in files(path.as_ref())? {
                each_document(&read_text(&file)?, separated, |document| {
                    if known.contains(&document) {
                        corpus.repeated += 1;
                    } else {
                        known.insert(document.clone());
                        corpus.documents.push(document);
                    }
                });
            }
        }
        if corpus.documents.is_empty() {
            let names: Vec<String> = paths
                .iter()
                .map(|path| path.as_ref().display().to_string())
                .collect();
            return Err(PretrainError::TooLittle {
                what: "no text".to_owned(),
                place: names.join(", "),
                least: "1 document".to_owned(),
            });
        }
        Ok(corpus)
    }
}

/// The file itself, or all files in a folder, sorted and without hidden ones.
fn files(path: &Path) -> Result<Vec<PathBuf>, PretrainError> {
    let wrong = |e| PretrainError::file(path, e);
    if !std::fs::metadata(path).map_err(wrong)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut entries = std::fs::read_dir(path)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(wrong)?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        if !entry.file_name().is_some_and(hidden) {
            found.extend(files(&entry)?);
        }
    }
    Ok(found)
}

/// The text of a file, unpacked if its name ends in `.gz`.
pub(crate) fn read_text(path: &Path) -> Result<String, PretrainError> {
    let wrong = |e| PretrainError::file(path, e);
    // A pipe or a device may have no end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        let reason = "a pipe or a device, accepted is a file";
        return Err(wrong(std::io::Error::other(reason)));
    }
    let bytes = std::fs::read(path).map_err(wrong)?;
    let bytes = if path.extension().is_some_and(|extension| extension == "gz") {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut unpacked)
            .map_err(wrong)?;
        unpacked
    } else {
        bytes
    };
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        PretrainError::Encoding {
            path: path.to_path_buf(),
            line: valid.iter().filter(|&&byte| byte == b'\n').count() + 1,
        }
    })
}

/// Hands over the documents that are not empty, one at a time: a packed file may unfold to very many that are all the same.
fn each_document(text: &str, separated: Documents, mut hand_over: impl FnMut(String)) {
    let mut hand_over = |document: &str| {
        let document = without_breaks(document);
        if !document.is_empty() {
            hand_over(document);
        }
    };
    match separated {
        Documents::Lines => text.lines().for_each(hand_over),
        Documents::Paragraphs => {
            let mut paragraph = String::new();
            for line in text.lines().map(str::trim) {
                if line.is_empty() {
                    hand_over(&paragraph);
                    paragraph.clear();
                } else {
                    paragraph.push_str(line);
                    paragraph.push(' ');
                }
            }
            hand_over(&paragraph);
        }
    }
}

/// Removes HTML line breaks, which web reviews are full of, and repeated spaces.
fn without_breaks(text: &str) -> String {
    let text = text
        .replace("<br />", " ")
        .replace("<br/>", " ")
        .replace("<br>", " ");
    let mut document = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !document.is_empty() {
            document.push(' ');
        }
        document.push_str(word);
    }
    document
}
