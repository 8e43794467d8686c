//! From the options to the server.

use std::net::TcpListener;

use devices::{Backend, DeviceError, DeviceName, Server, ServerError, Transport};
use program::{Failure, print, token};

use crate::PROGRAM;
use crate::arguments::Arguments;

/// Opens the devices and serves them until Ctrl-C or SIGTERM. Prints what a client passes to `--device`.
pub(crate) fn serve(arguments: &Arguments) -> Result<(), Failure> {
    check(&arguments.devices)?;
    let token = arguments
        .token_file
        .as_deref()
        .map(token::read)
        .transpose()?;
    let is_reachable = arguments.iroh.is_some() || !arguments.listen.ip().is_loopback();
    if token.is_none() && is_reachable {
        let place = match &arguments.iroh {
            Some(_) => "Iroh".to_owned(),
            None => arguments.listen.to_string(),
        };
        return Err(Failure::usage(ServerError::NoToken(place)));
    }
    let opened: Result<Vec<_>, Failure> = arguments.devices.iter().map(open).collect();
    let server = Server::new(opened?, token.as_deref()).map_err(Failure::world)?;
    let (transport, place) = match &arguments.iroh {
        Some(key) => {
            let id = Server::iroh_id(key).map_err(Failure::world)?;
            let place = match arguments.iroh_port {
                Some(port) => format!("iroh:{id}@ADDRESS:{port}"),
                None => format!("iroh:{id}"),
            };
            let transport = Transport::Iroh {
                key: key.clone(),
                port: arguments.iroh_port,
            };
            (transport, place)
        }
        None => {
            let address = arguments.listen;
            let refused = |error| Failure::World(format!("listening on {address}: {error}"));
            let listener = TcpListener::bind(address).map_err(refused)?;
            // Port 0 is any that is free.
            let address = listener.local_addr().map_err(refused)?;
            (Transport::Websocket(listener), address.to_string())
        }
    };
    for (index, name) in arguments.devices.iter().enumerate() {
        let suffix = match index {
            0 => String::new(),
            index => format!("/{index}"),
        };
        print(&format!("serving {name} as remote:{place}{suffix}\n"))?;
    }
    server.serve(transport).map_err(Failure::world)
}

/// Refuses what Burn's server would not take.
fn check(names: &[DeviceName]) -> Result<(), Failure> {
    for (place, name) in names.iter().enumerate() {
        if name.backend == Backend::Remote {
            return Err(Failure::Usage(format!(
                "device {name}: expected one of this machine"
            )));
        }
        if names[..place].iter().any(|other| name.is_same(other)) {
            return Err(Failure::Usage(format!("device {name} is listed twice")));
        }
    }
    Ok(())
}

fn open(name: &DeviceName) -> Result<burn::tensor::Device, Failure> {
    devices::open(name, None).map_err(|error| match error {
        DeviceError::NotCompiled(ref name) => {
            let command = PROGRAM.command_with(&[name.backend.name()]);
            Failure::Usage(format!("{error}; to add it, run: {command}"))
        }
        other => Failure::world(other),
    })
}
