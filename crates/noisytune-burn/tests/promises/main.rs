//! What the crate promises, one test per promise.

mod adapters;
mod buffers;
mod burn_nn;
mod configuration;
mod containers;
mod distance;
mod exactness;
mod golden;
mod layouts;
mod leaf;
mod model;
mod properties;
mod report;
mod reproducible;
mod selection;
mod surveyed;
mod ties;
