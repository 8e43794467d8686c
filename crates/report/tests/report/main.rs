//! The report of made-up studies: what it says, and how a browser shows it.

mod baseline;
mod benchmark;
mod beside;
mod browser;
mod content;
mod edges;
mod files;
mod hostile;
mod languages;
mod sample;
