//! Burn's devices by name: what a command line calls them, how each is opened, which are there.
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
//! None is on by default. A device of the table can be opened in builds with the feature of its name, which
//! enables Burn's backend and this project's operations for it.
//!
//! | name | what it is |
//! |---|---|
//! | `flex` | the CPU, pure Rust |
//! | `ndarray` | the CPU through ndarray, which Burn 0.22 deprecates in favour of flex |
//! | `wgpu[:N]` | a GPU through Vulkan, or Metal on a Mac |
//! | `cuda[:N]` | an NVIDIA GPU |
//! | `rocm[:N]` | an AMD GPU |
//! | `cpu` | the CPU through CubeCL and LLVM |

mod error;
mod list;
mod name;
mod open;
#[cfg(feature = "wgpu")]
mod wgpu;

pub use error::DeviceError;
pub use list::{Listed, list};
pub use name::{Backend, DeviceName};
pub use open::open;
