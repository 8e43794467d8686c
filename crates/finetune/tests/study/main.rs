//! Pairs, records and summaries of a study on a tiny model.

mod pairs;
mod records;
mod setup;
