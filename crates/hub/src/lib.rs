//! Downloads files of [Hugging Face hub](https://huggingface.co) repositories into the hub's usual
//! cache, which Python's `huggingface_hub` shares.
//!
//! A [`Repository`] is named `OWNER/NAME` or `OWNER/NAME@REVISION`. A branch is resolved to its commit
//! once and every file is taken from that commit, so that a [`Snapshot`] is never a mixture. Where a
//! whole commit is named, or [pinned](PINNED), files that are in the cache cost no request at all.
//!
//! The transfer is [`hf_hub`]'s: an interrupted download continues where it stopped. What arrives is
//! checked against the length and, for large files, the SHA-256 that the hub announces.
//!
//! ```no_run
//! use hub::{Hub, Kind, Repository};
//!
//! let bert = Repository::parse(Kind::Model, "google-bert/bert-base-uncased")?;
//! let snapshot = Hub::from_env()?.snapshot(&bert, &["config.json", "model.safetensors"], &mut ())?;
//! println!("{} is in {}", snapshot.commit, snapshot.folder.display());
//! # Ok::<(), hub::HubError>(())
//! ```

mod download;
mod error;
mod progress;
mod repository;

pub use download::{Hub, Snapshot};
pub use error::HubError;
pub use progress::Progress;
pub use repository::{Kind, PINNED, Repository};
