//! From text to the name of a device.

use std::str::FromStr;

use crate::backend::Backend;
use crate::error::DeviceError;
use crate::name::{DeviceName, Host};

impl FromStr for DeviceName {
    type Err = DeviceError;

    /// Reads `NAME`, `NAME:N` or one of a remote device, whether or not this build can open it: `remote:HOST:PORT`,
    /// `remote:iroh:ID` or `remote:iroh:ID@IP:PORT`, each with `/N` for another device of the server than its first.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`] for an unknown name, [`DeviceError::Number`] for a number that does not parse or
    /// that the backend does not take, [`DeviceError::Host`] for a remote device without a server's address.
    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let backend = Backend::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| DeviceError::Unknown(text.to_owned()))?;
        let wrong = |accepted| DeviceError::Number {
            text: text.to_owned(),
            accepted,
        };
        if backend == Backend::Remote {
            return remote(number.unwrap_or_default())
                .ok_or_else(|| DeviceError::Host(text.to_owned()));
        }
        let index = match number {
            None => None,
            Some(_) if !backend.is_numbered() => return Err(wrong("takes no number")),
            Some(number) => Some(
                number
                    .parse::<u16>()
                    .map_err(|_| wrong("expected a number from 0 to 65535 after the colon"))?
                    .into(),
            ),
        };
        Ok(Self {
            index,
            ..Self::first_of(backend)
        })
    }
}

/// Reads what follows `remote:`.
fn remote(text: &str) -> Option<DeviceName> {
    let (host, index) = match text.split_once('/') {
        Some((host, index)) => (host, Some(index.parse::<u16>().ok()?.into())),
        None => (text, None),
    };
    let host = match host.strip_prefix("iroh:") {
        Some(server) => {
            let (id, address) = match server.split_once('@') {
                Some((id, address)) => (id, Some(address.parse().ok()?)),
                None => (server, None),
            };
            let is_key = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_key.then(|| Host::Iroh {
                id: id.to_ascii_lowercase(),
                address,
            })?
        }
        None => {
            let (name, port) = host.rsplit_once(':')?;
            let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
            // An IPv6 address has colons of its own, and so is in brackets.
            let is_bracketed = name.starts_with('[') && name.ends_with(']');
            let is_name = !name.is_empty()
                && !name
                    .contains(|c: char| c.is_whitespace() || c.is_control() || "@?#".contains(c))
                && (is_bracketed || !name.contains([':', '[', ']']));
            (is_port && is_name).then(|| Host::Websocket(host.to_owned()))?
        }
    };
    Some(DeviceName {
        backend: Backend::Remote,
        index,
        host: Some(host),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        let here = Backend::ALL.into_iter().filter(|b| *b != Backend::Remote);
        for backend in here {
            let name = DeviceName {
                index: backend.is_numbered().then_some(3),
                ..DeviceName::first_of(backend)
            };
            assert_eq!(name.to_string().parse::<DeviceName>().unwrap(), name);
            let first = backend.name().parse::<DeviceName>().unwrap();
            assert_eq!((first.backend, first.index), (backend, None));
        }
    }

    #[test]
    fn a_wrong_name_or_number_is_one_line_with_what_is_accepted() {
        for (text, part) in [
            (
                "tpu",
                "flex, ndarray, wgpu[:N], cuda[:N], rocm[:N], cpu, remote:HOST:PORT",
            ),
            ("", "flex, ndarray"),
            ("flex:0", "takes no number"),
            ("wgpu:", "a number from 0"),
            ("cuda:-1", "a number from 0"),
            ("rocm:70000", "a number from 0"),
            ("remote", "HOST:PORT"),
            ("remote:gpu", "HOST:PORT"),
            ("remote:gpu:0", "HOST:PORT"),
            ("remote:gpu:70000", "HOST:PORT"),
            ("remote::3000", "HOST:PORT"),
            ("remote:::1:3000", "HOST:PORT"),
            ("remote:a b:3000", "HOST:PORT"),
            ("remote:user@gpu:3000", "HOST:PORT"),
            ("remote:gpu:3000/x", "HOST:PORT"),
            ("remote:iroh:abc", "HOST:PORT"),
        ] {
            let message = text.parse::<DeviceName>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{text}`")), "{message}");
            assert!(message.contains(part), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn a_remote_device_is_read_as_it_is_written() {
        let id = "0123456789abcdef".repeat(4);
        for (text, index) in [
            ("remote:gpu:3000".to_owned(), None),
            ("remote:10.0.0.7:3000/1".to_owned(), Some(1)),
            ("remote:[::1]:3000".to_owned(), None),
            (format!("remote:iroh:{id}"), None),
            (format!("remote:iroh:{id}@[::1]:4433/2"), Some(2)),
        ] {
            let name: DeviceName = text.parse().unwrap();
            assert_eq!((name.backend, name.index), (Backend::Remote, index));
            assert_eq!(name.to_string(), text);
        }
    }
}
