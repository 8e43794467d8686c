//! Files that are whole or not there.
//!
//! | function or type | what it is for |
//! |---|---|
//! | [`replace`] | a file whose reader, or a crash, meets the old content or the new |
//! | [`JsonLines`] | a file that grows by one JSON object per line, locked, its torn end repaired |
//! | [`sha256_of`], [`sha256_of_file`] | what identifies a file |
//!
//! What is written has the permissions of any new file.

mod digest;
mod error;
mod json_lines;
mod replace;

pub use digest::{hex, sha256_of, sha256_of_file};
pub use error::FileError;
pub use json_lines::JsonLines;
pub use replace::replace;
