//! Pairs, records and summaries of a study on a tiny model.

mod evaluation;
mod families;
mod heads;
mod jobs;
mod other_tasks;
mod pairs;
mod records;
mod saved;
mod setup;
