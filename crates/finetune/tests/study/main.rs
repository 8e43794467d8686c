//! Pairs, records and summaries of a study on a tiny model.

mod baseline;
mod checkpoints;
mod devices;
mod evaluation;
mod families;
mod heads;
mod jobs;
mod other_tasks;
mod pairs;
mod plans;
mod records;
mod saved;
mod setup;
mod shards;
mod stops;
mod vary;
