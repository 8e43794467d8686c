//! Repositories and their revisions.

use std::fmt;

use crate::error::HubError;
use crate::kind::Kind;

/// The commits that are used if no revision is given, so that a result can be reproduced whatever
/// becomes of the repository's main branch. Every other repository is taken from `main`.
///
/// Both models have `config.json`, `tokenizer.json` and `model.safetensors` at these commits. Older
/// repositories often have only a pickle (`pytorch_model.bin`), which is never read.
pub const PINNED: &[(Kind, &str, &str)] = &[
    (
        Kind::Model,
        "google-bert/bert-base-uncased",
        "86b5e0934494bd15c9632b12f734a8a67f723594",
    ),
    (
        Kind::Model,
        "sentence-transformers/all-MiniLM-L6-v2",
        "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    ),
    (
        Kind::Dataset,
        "nyu-mll/glue",
        "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
    ),
];

/// A repository of the hub at a revision: a branch, a tag or a commit. It is displayed as
/// `OWNER/NAME@REVISION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    kind: Kind,
    name: String,
    revision: String,
}

impl Repository {
    /// Reads `OWNER/NAME` or `OWNER/NAME@REVISION`. The default revision is the [pinned](PINNED)
    /// commit, or else `main`.
    ///
    /// # Errors
    /// [`HubError::Name`].
    ///
    /// # Examples
    /// ```
    /// use hub::{Kind, Repository};
    ///
    /// let bert = Repository::parse(Kind::Model, "google-bert/bert-base-uncased@main")?;
    /// assert_eq!(bert.to_string(), "google-bert/bert-base-uncased@main");
    /// # Ok::<(), hub::HubError>(())
    /// ```
    pub fn parse(kind: Kind, text: &str) -> Result<Self, HubError> {
        let refused = || HubError::Name {
            text: text.chars().take(100).collect(),
        };
        let (name, revision) = match text.split_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (text, None),
        };
        let (owner, rest) = name.split_once('/').ok_or_else(refused)?;
        let revision_parts = || revision.into_iter().flat_map(|text| text.split('/'));
        if ![owner, rest]
            .into_iter()
            .chain(revision_parts())
            .all(is_part)
        {
            return Err(refused());
        }
        let pinned = PINNED
            .iter()
            .find(|(of, pinned, _)| (*of, *pinned) == (kind, name))
            .map(|(.., commit)| *commit);
        Ok(Self {
            kind,
            name: name.to_owned(),
            revision: revision.or(pinned).unwrap_or("main").to_owned(),
        })
    }

    /// Whether it is a model or a dataset.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `OWNER/NAME`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The branch, tag or commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The revision, if it is a full commit hash, which always means the same files.
    pub(crate) fn commit(&self) -> Option<&str> {
        Some(self.revision.as_str()).filter(|revision| is_commit(revision))
    }

    /// The same repository as [`hf_hub`] names it, at another revision.
    pub(crate) fn at(&self, revision: &str) -> hf_hub::Repo {
        let kind = match self.kind {
            Kind::Model => hf_hub::RepoType::Model,
            Kind::Dataset => hf_hub::RepoType::Dataset,
        };
        hf_hub::Repo::with_revision(self.name.clone(), kind, revision.to_owned())
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.revision)
    }
}

/// Whether it is a full commit hash.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether it is a path inside a repository.
pub(crate) fn is_path(text: &str) -> bool {
    text.split('/').all(is_part)
}

/// Whether it can be part of a name, revision or path. Parts end up in paths and addresses, so `..` and the
/// like are refused.
pub(crate) fn is_part(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && !text.starts_with('.') && !text.contains("..") && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        match Repository::parse(Kind::Model, text) {
            Ok(repository) => repository.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn without_a_revision_it_is_the_pinned_commit_or_main() {
        assert_eq!(parse("a/b-1.0"), "a/b-1.0@main");
        assert_eq!(parse("a/b@refs/pr/3"), "a/b@refs/pr/3");
        for &(kind, name, commit) in PINNED {
            let pinned = Repository::parse(kind, name).unwrap();
            assert_eq!(pinned.commit(), Some(commit), "{name}");
            let main = Repository::parse(kind, &format!("{name}@main")).unwrap();
            assert_eq!((main.revision(), main.commit()), ("main", None), "{name}");
        }
        // A dataset with a model's name is another repository.
        let dataset = Repository::parse(Kind::Dataset, "google-bert/bert-base-uncased").unwrap();
        assert_eq!(dataset.revision(), "main");
    }

    #[test]
    fn only_a_full_hash_is_a_commit() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        let commit = |revision: &str| {
            let text = format!("a/b@{revision}");
            Repository::parse(Kind::Model, &text)
                .unwrap()
                .commit()
                .is_some()
        };
        assert!(commit(hash));
        assert!(!commit(&hash[1..]) && !commit("main") && !commit(&hash.replace('0', "g")));
    }

    #[test]
    fn text_that_is_not_a_name_is_refused() {
        for text in [
            "",
            "bert",
            "a/",
            "/b",
            "a/b/c",
            "a/b@",
            "../b",
            "a/..",
            "a/b@..",
            "a/b@x/../y",
            "a b/c",
            "a/b@m n",
            "a/b@@main",
            "https://huggingface.co/a/b",
            "a/b?x",
            "a/b@/etc",
        ] {
            let expected = format!(
                "{text:?} is not a hub repository, expected OWNER/NAME or OWNER/NAME@REVISION"
            );
            assert_eq!(parse(text), format!("error: {expected}"));
        }
    }
}
