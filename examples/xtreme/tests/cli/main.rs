//! The program as a user meets it: languages, files, messages.

mod languages;
mod program;
mod refusals;
