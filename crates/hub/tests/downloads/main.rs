//! Downloads from a hub on a local port.

mod cache;
mod models;
mod refusals;
#[path = "../server/mod.rs"]
mod server;
mod snapshots;
mod transfers;
mod world;
