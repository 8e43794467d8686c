//! Serving devices of this machine.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use burn::server::{
    IrohIdentity, IrohRelays, IrohTransport, RemoteServer, ServeError, TokenAuthorizer,
    WebSocketTransport,
};
use burn::tensor::Device;

/// Devices of one backend, served to whoever has the token.
///
/// A client's tensors belong to its connection, and are freed when that ends. Everybody with the token may compute anything
/// and fill the memory: it is a key to the machine's devices, not to a share of them.
pub struct Server {
    server: RemoteServer,
    has_token: bool,
}

/// How clients reach a [`Server`].
pub enum Transport {
    /// By websocket, unencrypted: for this machine, an SSH tunnel, or a network whose every machine is trusted.
    Websocket(TcpListener),
    /// By Iroh, encrypted: for every other network.
    Iroh {
        /// The file of the server's secret key, made at first use. Clients know the server by the public one.
        key: PathBuf,
        /// The UDP port for clients that know the server's address. Without one, Iroh's public relays tell them.
        port: Option<u16>,
    },
}

/// Why devices cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Strangers could use the devices.
    #[error(
        "serving on {0} without a token: expected a token, or a loopback address such as 127.0.0.1:3000"
    )]
    NoToken(String),
    /// The token is empty.
    #[error("the token is empty")]
    EmptyToken,
    /// The key of an Iroh server cannot be read or made.
    #[error("{}: {source}", .path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The listener is of no use.
    #[error("the listening socket: {0}")]
    Socket(#[source] io::Error),
    /// Burn's server cannot serve.
    #[error(transparent)]
    Burn(ServeError),
}

impl Server {
    /// Prepares to serve devices, which must share a backend. A client names one by its place in the list.
    ///
    /// # Errors
    /// [`ServerError::EmptyToken`].
    pub fn new(devices: Vec<Device>, token: Option<&str>) -> Result<Self, ServerError> {
        let first = devices.first().cloned();
        let mut server = RemoteServer::new(devices);
        if let Some(token) = token {
            let authorizer = TokenAuthorizer::new(token).map_err(|_| ServerError::EmptyToken)?;
            server = server.with_authorizer(authorizer);
        }
        if let Some(device) = first {
            server = fused::with_operations(server, &device);
        }
        Ok(Self {
            server,
            has_token: token.is_some(),
        })
    }

    /// Serves until Ctrl-C or SIGTERM, and logs what it does on standard output, as `RUST_LOG` says.
    ///
    /// # Errors
    /// [`ServerError::NoToken`] if a machine other than this one could reach the server without a token, [`ServerError::Key`],
    /// [`ServerError::Burn`].
    pub fn serve(&self, transport: Transport) -> Result<(), ServerError> {
        match transport {
            Transport::Websocket(listener) => {
                let address = listener.local_addr().map_err(ServerError::Socket)?;
                if !self.has_token && !address.ip().is_loopback() {
                    return Err(ServerError::NoToken(address.to_string()));
                }
                self.server
                    .serve(WebSocketTransport::from_listener(listener))
            }
            Transport::Iroh { key, port } => {
                if !self.has_token {
                    return Err(ServerError::NoToken("Iroh".to_owned()));
                }
                let transport = IrohTransport::new(identity(&key)?);
                self.server.serve(match port {
                    Some(port) => transport.with_relays(IrohRelays::Disabled).with_port(port),
                    None => transport,
                })
            }
        }
        .map_err(ServerError::Burn)
    }

    /// The public key of an Iroh server, by which clients know it; made with its secret one at first use.
    ///
    /// # Errors
    /// [`ServerError::Key`].
    pub fn iroh_id(key: &Path) -> Result<String, ServerError> {
        Ok(identity(key)?.id().to_string())
    }
}

fn identity(path: &Path) -> Result<IrohIdentity, ServerError> {
    IrohIdentity::load_or_create(path).map_err(|source| ServerError::Key {
        path: path.to_owned(),
        source,
    })
}
