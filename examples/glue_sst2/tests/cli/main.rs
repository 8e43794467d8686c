//! The program as a user meets it: exit codes, messages, files.

mod bad_input;
mod bench;
mod program;
mod runs;
mod sources;
