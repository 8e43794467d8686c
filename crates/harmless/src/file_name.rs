//! Names of folders.

use crate::acting::acts;

/// Longest name, in bytes: file systems take 255, and something may be added to it.
const LONGEST: usize = 200;

/// A name for a folder: with `_` for what [acts](crate::acts()), separates folders or means something to a shell or to Windows,
/// never empty, never `.` or `..`, and at most 200 bytes long. Other names stay as they are.
pub fn file_name(text: &str) -> String {
    let is_refused = |letter: char| acts(letter) || "/\\<>:\"|?*".contains(letter);
    let mut name = text.replace(is_refused, "_");
    if name.len() > LONGEST {
        name.truncate(name.floor_char_boundary(LONGEST));
    }
    match name.as_str() {
        "" | "." | ".." => "_".to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leaves_no_folder_and_does_nothing_on_a_terminal() {
        for (text, expected) in [
            ("..", "_"),
            (".", "_"),
            ("", "_"),
            ("../x", ".._x"),
            ("C:\\x", "C__x"),
            ("a\u{1b}[31m\n\u{202e}b\0", "a_[31m__b_"),
        ] {
            assert_eq!(file_name(text), expected);
        }
        assert_eq!(file_name(&"é".repeat(200)), "é".repeat(100));
    }

    #[test]
    fn ordinary_names_stay() {
        for name in [
            "reviews",
            "my reviews (2)",
            "...",
            ".hidden",
            "rezensionen-ä",
            "a.b",
        ] {
            assert_eq!(file_name(name), name);
        }
    }
}
