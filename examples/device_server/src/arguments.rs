//! The options.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use devices::DeviceName;

/// Serves devices of this machine to programs that train on them from elsewhere.
#[derive(Clone, Debug, Parser)]
#[command(name = "device_server", version, max_term_width = 100)]
#[cfg_attr(not(feature = "remote"), allow(dead_code))] // Nothing is served then.
pub(crate) struct Arguments {
    /// The devices to serve, all of one kind; a client takes the first, or the one after its slash: remote:HOST:PORT/1
    #[arg(
        long,
        alias = "device",
        value_delimiter = ',',
        default_value = "flex",
        value_name = "DEVICE,..."
    )]
    pub(crate) devices: Vec<DeviceName>,
    /// Address and port to listen on, by websocket, which is not encrypted: without a token only on this machine
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "IP:PORT")]
    pub(crate) listen: SocketAddr,
    /// Serve by Iroh instead, which is encrypted; the server's secret key is in this file, made at first use
    #[arg(long, conflicts_with = "listen", value_name = "KEY-FILE")]
    pub(crate) iroh: Option<PathBuf>,
    /// UDP port for clients that name the server's address; without one they find it by Iroh's public relays
    #[arg(long, requires = "iroh", value_name = "PORT")]
    pub(crate) iroh_port: Option<u16>,
    /// File with the token that clients have to have: one line, such as from `openssl rand -hex 32`
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Only list the devices of this machine
    #[arg(long)]
    pub(crate) list_devices: bool,
}
