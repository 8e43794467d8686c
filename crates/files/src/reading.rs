//! Reading whole files, also those of strangers.

use std::io::{Error, ErrorKind};
use std::path::{Component, Path};

use harmless::{shortened, shown};

use crate::error::FileError;

/// Reads a file. A pipe or a device, from which there may be no end, is refused.
///
/// # Errors
/// [`FileError::Io`].
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    refuse_pipes(path)?;
    std::fs::read(path).map_err(|e| FileError::io(path, e))
}

/// Reads a file of UTF-8 text, as [`read`] does.
///
/// # Errors
/// [`FileError::Io`].
pub fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read(path)?).map_err(|_| {
        let error = Error::new(
            ErrorKind::InvalidData,
            "bytes that are not UTF-8, accepted is UTF-8 text",
        );
        FileError::io(path, error)
    })
}

/// The error for what is there and neither a file nor a folder: opening it would wait for another process.
pub(crate) fn refuse_pipes(path: &Path) -> Result<(), FileError> {
    let metadata = std::fs::metadata(path).map_err(|e| FileError::io(path, e))?;
    match metadata.is_file() || metadata.is_dir() {
        true => Ok(()),
        false => {
            let error = Error::other("a pipe or a device, accepted is a file");
            Err(FileError::io(path, error))
        }
    }
}

/// Whether a path that a file names stays in the folder that it is joined to: it is relative and never goes up.
pub fn stays_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    let are_names = parts.all(|part| matches!(part, Component::Normal(_)));
    !path.is_empty() && are_names && !path.contains('\0')
}

/// A text of a file as a part of a one-line message: what would end the line or control the terminal is [`shown()`], and a long
/// text is cut.
pub fn one_line(text: &str) -> String {
    const LONGEST: usize = 2_000;
    // Once more, because what is shown may be longer.
    let text = shortened(text, LONGEST);
    shortened(&shown(&text), LONGEST).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside_unless_it_goes_up_or_starts_anew() {
        for path in ["a", "predictions/a.tsv", "a..b", "..a/b", "a/./b", "a/"] {
            assert!(stays_inside(path), "{path}");
        }
        for path in ["", "..", "../a", "a/../b", "a/..", "/", "/a", "./a", "a\0b"] {
            assert!(!stays_inside(path), "{path}");
        }
    }

    #[test]
    fn a_text_in_a_message_ends_no_line_and_is_cut() {
        assert_eq!(
            one_line("a\nb\u{1b}[2J\u{202e}c\u{2028}d é"),
            "a\\nb\\u{1b}[2J\\u{202e}c\\u{2028}d é"
        );
        let long = one_line(&"é".repeat(3_000));
        assert_eq!(long.chars().count(), 2_001);
        assert!(long.ends_with('…'));
        let escaped = one_line(&"\u{1b}".repeat(3_000));
        assert_eq!(escaped.chars().count(), 2_001);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused_and_not_read_to_its_end() {
        let error = read(Path::new("/dev/zero")).expect_err("it has no end");
        let expected = "/dev/zero: a pipe or a device, accepted is a file";
        assert_eq!(error.to_string(), expected);
    }
}
