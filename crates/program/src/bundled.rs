//! Checks the files that come with the repository against their recorded hashes.

use std::fs;
use std::path::Path;

use files::sha256_of_file;

/// The file beside them with the output of `sha256sum`.
const MANIFEST: &str = "SHA256SUMS";

/// Compares every file in a folder's manifest with its hash. The text of an error is one line.
pub(crate) fn verify(folder: &Path, option: &str) -> Result<(), String> {
    if !folder.is_dir() {
        return Err(format!(
            "{}: {option} bundled is not there; expected a whole checkout of the repository, or {option} with a folder",
            folder.display()
        ));
    }
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    for (index, line) in text.lines().enumerate() {
        let (expected, name) = line.split_once("  ").ok_or_else(|| {
            let place = format!("{}:{}", path.display(), index + 1);
            format!("{place}: {line:?}; expected a SHA-256, two spaces and a file name")
        })?;
        let file = folder.join(name);
        let found = sha256_of_file(&file).map_err(|error| error.to_string())?;
        if found != expected {
            return Err(format!(
                "{}: sha256 {found}; expected {expected}, by {MANIFEST} beside it",
                file.display()
            ));
        }
    }
    match text.is_empty() {
        true => Err(format!(
            "{}: no hashes; expected one per file",
            path.display()
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A file's bytes, and what `sha256sum` prints for them.
    const FINE: (&str, &str) = (
        "fine\n",
        "8ecc5f94c57b05d6c5e0ee316bee4875427e1845bbeef3ead59df29c72aab36e  fine.txt\n",
    );

    fn folder(file: &str, manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("fine.txt"), file).expect("a file");
        fs::write(folder.path().join(MANIFEST), manifest).expect("a file");
        folder
    }

    fn refusal(folder: &Path) -> String {
        let error = verify(folder, "--model").expect_err("something is wrong");
        assert!(!error.contains('\n'), "{error}");
        error
    }

    #[test]
    fn files_that_are_as_written_down_pass() {
        let folder = folder(FINE.0, FINE.1);
        verify(folder.path(), "--model").expect("it is unchanged");
        let crlf = FINE.1.replace('\n', "\r\n");
        fs::write(folder.path().join(MANIFEST), crlf).expect("a file");
        verify(folder.path(), "--model")
            .expect("a checkout may change the manifest's line endings");
    }

    #[test]
    fn a_changed_file_is_named_with_both_hashes() {
        let folder = folder("Fine\n", FINE.1);
        let error = refusal(folder.path());
        assert!(
            error.starts_with(&folder.path().join("fine.txt").display().to_string()),
            "{error}"
        );
        assert!(error.contains(&FINE.1[..64]), "{error}");
        assert!(error.contains(": sha256 74ee36ca"), "{error}");
    }

    #[test]
    fn a_missing_file_a_missing_manifest_and_a_broken_one_are_named() {
        let folder = folder(FINE.0, FINE.1);
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::remove_file(path("fine.txt")).expect("a file");
        assert!(refusal(folder.path()).starts_with(&path("fine.txt")));
        fs::write(path(MANIFEST), "").expect("a file");
        assert!(refusal(folder.path()).ends_with("SHA256SUMS: no hashes; expected one per file"));
        fs::write(path(MANIFEST), "abc fine.txt\n").expect("a file");
        assert!(refusal(folder.path()).contains("SHA256SUMS:1: \"abc fine.txt\"; expected"));
        fs::remove_file(path(MANIFEST)).expect("a file");
        assert!(refusal(folder.path()).starts_with(&path(MANIFEST)));
    }

    #[test]
    fn without_the_folder_it_says_what_to_pass() {
        let error = refusal(Path::new("/nowhere"));
        assert!(
            error.starts_with("/nowhere: --model bundled is not there"),
            "{error}"
        );
        assert!(error.ends_with("or --model with a folder"), "{error}");
    }

    /// A manifest lists every file but those that describe the others.
    #[test]
    fn every_manifest_of_the_repository_is_true_and_complete() {
        let repository = crate::source::repository();
        let rooms = ["examples/glue_sst2/assets", "datasets"].map(|room| repository.join(room));
        let folders: Vec<PathBuf> = rooms
            .iter()
            .filter_map(|room| fs::read_dir(room).ok())
            .flatten()
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_dir())
            .collect();
        assert!(folders.iter().any(|folder| folder.ends_with("film-notes")));
        for folder in folders {
            verify(&folder, "--model").expect("a true manifest");
            let text = fs::read_to_string(folder.join(MANIFEST)).expect("a manifest");
            for entry in fs::read_dir(&folder).expect("a folder") {
                let name = entry.expect("an entry").file_name();
                let name = name.to_str().expect("a plain name");
                let is_about = name == MANIFEST
                    || name.starts_with('.')
                    || name.ends_with(".md")
                    || name.ends_with(".py");
                let is_listed = text.lines().any(|line| line[64..].trim_start() == name);
                assert!(is_about || is_listed, "{}: {name}", folder.display());
            }
        }
    }
}
