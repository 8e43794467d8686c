//! Downloads files from [Hugging Face hub](https://huggingface.co) repositories into the hub's usual
//! cache, which is shared with Python's `huggingface_hub`.
//!
//! A [`Repository`] is named `OWNER/NAME` or `OWNER/NAME@REVISION`. A branch is resolved to its commit
//! once and every file is taken from that commit, so that a [`Snapshot`] never mixes commits. If a
//! full commit hash is given, or [pinned](PINNED), files in the cache need no request at all.
//!
//! [`hf_hub`] asks the hub for commits; files are transferred here, and an interrupted download continues where it stopped.
//! Names that the hub answers with may not lead out of the cache, and a token is sent to the hub alone. Each downloaded file is checked against the length that the hub announces. Files in the hub's large storage, such
//! as weights and Parquet files, are also checked against their SHA-256; for small files, such as
//! `config.json`, the hub announces none. Files already in the cache are not checked again.
//!
//! ```no_run
//! use hub::{Hub, Kind, Repository};
//!
//! let bert = Repository::parse(Kind::Model, "google-bert/bert-base-uncased")?;
//! let snapshot = Hub::from_env()?.model(&bert, &mut ())?;
//! println!("{} is in {}", snapshot.commit, snapshot.folder.display());
//! # Ok::<(), hub::HubError>(())
//! ```

mod checkout;
mod download;
mod error;
mod failure;
mod kind;
mod model;
mod progress;
mod repository;
mod transfer;

pub use download::{Hub, Snapshot};
pub use error::HubError;
pub use kind::Kind;
pub use progress::Progress;
pub use repository::{PINNED, Repository};
