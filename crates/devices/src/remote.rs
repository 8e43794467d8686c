//! Devices that a server hosts.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use burn::remote::{ConnectError, EndpointId, IrohHost, IrohRelays, RemoteHost};
use burn::tensor::Device;

use crate::error::DeviceError;
use crate::name::{DeviceName, Host};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long each of its addresses may take to accept a connection. Shorter, so that the message can name the reason.
const PATIENCE_PER_ADDRESS: Duration = Duration::from_secs(4);

/// Opens a session with the server.
pub(crate) fn open(name: &DeviceName, token: Option<&str>) -> Result<Device, DeviceError> {
    let unusable = |reason: String| DeviceError::Unusable {
        name: name.clone(),
        reason: reason.replace('\n', " "),
    };
    let Some(host) = name.host.clone() else {
        return Err(DeviceError::Host(name.to_string()));
    };
    let (index, token) = (name.index.unwrap_or(0), token.map(str::to_owned));
    let (tell, told) = mpsc::channel();
    // Burn waits for an answer as long as the connection stands, and a name may take long to resolve.
    thread::spawn(move || tell.send(connect(&host, index, token)));
    match told.recv_timeout(PATIENCE) {
        Ok(connected) => connected.map_err(unusable),
        Err(_) => Err(unusable(format!(
            "no answer within {} seconds",
            PATIENCE.as_secs()
        ))),
    }
}

fn connect(host: &Host, index: usize, token: Option<String>) -> Result<Device, String> {
    let has_token = token.is_some();
    let host = match host {
        Host::Websocket(address) => {
            // Burn itself would try for 16 seconds.
            reach(address).map_err(|error| format!("no server there: {error}"))?;
            RemoteHost::websocket(&format!("ws://{address}"))
        }
        Host::Iroh { id, address } => {
            let id: EndpointId = id.parse().map_err(|e| format!("not an Iroh id: {e}"))?;
            let server = IrohHost::new(id);
            RemoteHost::iroh(match address {
                Some(address) => server
                    .with_relays(IrohRelays::Disabled)
                    .with_address(*address),
                None => server,
            })
        }
    };
    let host = match token {
        Some(token) => host.with_credential(token),
        None => host,
    };
    let device = Device::remote_options(&host).device_index(index).init();
    device.map_err(|error| match error {
        ConnectError::Unauthorized if has_token => "its server refuses the token".to_owned(),
        ConnectError::Unauthorized => "its server asks for a token".to_owned(),
        ConnectError::NoSuchDevice { device_count } => {
            format!("its server has /0 to /{}", device_count.saturating_sub(1))
        }
        other => other.to_string(),
    })
}

/// Whether something accepts connections there.
fn reach(address: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE_PER_ADDRESS) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}
