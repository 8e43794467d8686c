//! Burn's devices by name: what a command line calls them, how to open each, and which there are.
//!
//! ```
//! use devices::{Backend, DeviceName};
//!
//! let name: DeviceName = "wgpu:1".parse()?;
//! assert_eq!((name.backend, name.index), (Backend::Wgpu, Some(1)));
//! assert_eq!(name.to_string(), "wgpu:1");
//! # Ok::<(), devices::DeviceError>(())
//! ```
//!
//! # Features
//!
//! None is on by default. To open a device of this table, build with the feature of its name, which enables
//! Burn's backend and this project's operations for it.
//!
//! | name | what it is |
//! |---|---|
//! | `flex` | the CPU, pure Rust |
//! | `ndarray` | the CPU through ndarray, which Burn 0.22 deprecates in favour of flex |
//! | `wgpu[:N]` | a GPU through Vulkan, or Metal on a Mac |
//! | `cuda[:N]` | an NVIDIA GPU |
//! | `rocm[:N]` | an AMD GPU |
//! | `cpu` | the CPU through CubeCL and LLVM |
//! | `remote:HOST:PORT` | a device that a server hosts (a `Server` of this crate), on this machine or another |

mod backend;
mod error;
mod list;
mod name;
mod open;
mod parse;
#[cfg(feature = "remote")]
mod remote;
#[cfg(feature = "remote")]
mod server;
#[cfg(feature = "wgpu")]
mod wgpu;

pub use backend::Backend;
pub use error::DeviceError;
pub use list::{Listed, list};
pub use name::{DeviceName, Host};
pub use open::open;
#[cfg(feature = "remote")]
pub use server::{Server, ServerError, Transport};
