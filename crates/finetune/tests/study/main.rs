//! Pairs, records and summaries of a study on a tiny model.

mod jobs;
mod pairs;
mod records;
mod setup;
