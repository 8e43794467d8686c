//! Tasks from files of one's own.

mod bad_input;
mod columns;
mod facts;
mod folder;
mod formats;
mod golden;
mod held_out;
mod labels;
mod noise;
mod parquet;
mod speed;
