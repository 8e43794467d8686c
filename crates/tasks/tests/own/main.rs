//! Tasks from files of one's own.

mod folder;
mod formats;
