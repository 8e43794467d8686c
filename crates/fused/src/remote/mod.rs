//! The operations on a device that a server hosts: custom operations, which run there as they would here.
//!
//! A tensor of Burn's `Remote` is a name of a tensor on the server. An operation of this crate crosses as one
//! message that names it, its tensors and its numbers (`client`); the server checks the shapes again, because its kernels
//! work on raw memory, and runs its own backend's operation (`server`). So a remote flex has the kernels of a local one.

mod argument;
mod client;
mod operation;
mod server;

pub use server::with_operations;
