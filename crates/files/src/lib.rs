//! Files and folders that are either complete or absent.
//!
//! | function or type | purpose |
//! |---|---|
//! | [`replace`], [`update`] | replaces a file as a whole: a reader, or a crash, finds the old content or the new |
//! | [`remove_abandoned`] | removes what processes have left that died while they did so |
//! | [`create_new`] | makes a file once, whichever of several processes comes first |
//! | [`NewFolder`], [`remove_folder`] | the same for a folder with all its files |
//! | [`JsonLines`] | a file that grows by one JSON object per line, locked, its torn end repaired |
//! | [`LineFile`] | the same for lines of any kind, none of which it holds in memory |
//! | [`sha256_of`], [`sha256_of_file`] | identify a file by its bytes |
//! | [`read`], [`read_text`], [`stays_inside`], [`one_line`] | what strangers' files may not do: never end, name other folders, write more than a line |
//!
//! Files and folders are written with the permissions of any new file.

mod digest;
mod error;
mod folder;
mod json_lines;
mod line_file;
mod lock;
mod reading;
mod replace;
mod sync;

pub use digest::{hex, sha256_of, sha256_of_file};
pub use error::FileError;
pub use folder::{NewFolder, remove_folder, remove_unfinished};
pub use json_lines::JsonLines;
pub use line_file::{LineFile, WrittenLines};
pub use lock::refuse_in_use;
pub use reading::{one_line, read, read_text, stays_inside};
pub use replace::{create_new, remove_abandoned, replace, update};
