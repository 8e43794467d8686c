//! The file with the token of a server of devices.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::progress::say;

/// Shorter ones could be guessed.
const LEAST: usize = 16;
/// Longer ones are another file.
const MOST: u64 = 4096;

/// Reads a token, and warns if others on this machine can read it too.
///
/// # Errors
/// [`Failure::World`] if the file cannot be read or does not hold one line of 16 visible characters or more.
pub fn read(path: &Path) -> Result<String, Failure> {
    let place = path.display();
    let refused = |error: std::io::Error| Failure::World(format!("{place}: {error}"));
    let about = fs::metadata(path).map_err(refused)?;
    if about.len() > MOST {
        return Err(Failure::World(format!(
            "{place}: {} bytes, expected a token of one line",
            about.len()
        )));
    }
    let text = fs::read_to_string(path).map_err(refused)?;
    let token = text.trim_end_matches(['\n', '\r']);
    if token.len() < LEAST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // The token itself is in no message.
        return Err(Failure::World(format!(
            "{place}: expected a token, one line of at least {LEAST} visible ASCII characters; to make one: openssl rand -hex 32"
        )));
    }
    if is_readable_by_others(&about) {
        say(&format!(
            "warning: {place}: others can read this token; to keep it to yourself: chmod 600 {place}"
        ));
    }
    Ok(token.to_owned())
}

#[cfg(unix)]
fn is_readable_by_others(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o077 != 0
}

/// Elsewhere permissions are not a file's own.
#[cfg(not(unix))]
fn is_readable_by_others(_about: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_that_cannot_be_guessed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        let read = |text: &str| {
            fs::write(&path, text).expect("it is written");
            read(&path)
        };
        assert_eq!(
            read("0123456789abcdef\n").as_deref(),
            Ok("0123456789abcdef")
        );
        for text in [
            "",
            "\n",
            "short",
            "0123456789 abcdef",
            "0123456789abcdef\nmore\n",
        ] {
            let message = read(text).expect_err("it is refused").to_string();
            assert!(message.contains("expected a token, one line"), "{message}");
            assert!(
                text.len() < 5 || !message.contains(text.trim()),
                "{message}"
            );
        }
        let message = read(&"x".repeat(5000)).expect_err("it is refused");
        assert!(message.to_string().contains("5000 bytes"), "{message}");
        let absent = super::read(&folder.path().join("absent"));
        assert!(
            absent
                .expect_err("it is not there")
                .to_string()
                .contains("absent: ")
        );
    }
}
