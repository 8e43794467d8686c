//! Names of devices.

use std::fmt;
use std::net::SocketAddr;

use crate::backend::Backend;

/// One device: a backend and, if it can have several devices, a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceName {
    /// What computes.
    pub backend: Backend,
    /// Which of its devices, or of the server's, from 0; `None` is the first.
    pub index: Option<usize>,
    /// Where its server is, for a remote device and no other.
    pub host: Option<Host>,
}

/// Where a server of devices is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `HOST:PORT`, by websocket.
    Websocket(String),
    /// The id of an Iroh server, and the address and port to try first; without one, it is found by Iroh's public relays.
    Iroh {
        /// The server's public key, as it prints it.
        id: String,
        /// Where it listens.
        address: Option<SocketAddr>,
    },
}

impl DeviceName {
    /// The first backend that this build has, in the order of [`Backend::ALL`].
    pub fn preferred() -> Self {
        let mut here = Backend::ALL.into_iter().filter(|b| *b != Backend::Remote);
        Self::first_of(here.find(|b| b.is_compiled()).unwrap_or(Backend::Flex))
    }

    /// Whether it names the same device: without a number it is the first.
    pub fn is_same(&self, other: &Self) -> bool {
        let number = |name: &Self| name.index.unwrap_or(0);
        (self.backend, &self.host, number(self)) == (other.backend, &other.host, number(other))
    }

    /// The first device of a backend of this machine.
    pub const fn first_of(backend: Backend) -> Self {
        Self {
            backend,
            index: None,
            host: None,
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.backend.name())?;
        if let Some(host) = &self.host {
            write!(f, ":{host}")?;
        }
        match (self.index, &self.host) {
            (Some(index), Some(_)) => write!(f, "/{index}"),
            (Some(index), None) => write!(f, ":{index}"),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Websocket(address) => f.write_str(address),
            Self::Iroh { id, address: None } => write!(f, "iroh:{id}"),
            Self::Iroh {
                id,
                address: Some(address),
            } => write!(f, "iroh:{id}@{address}"),
        }
    }
}
