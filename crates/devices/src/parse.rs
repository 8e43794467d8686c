//! From text to the name of a device.

use std::str::FromStr;

use crate::backend::Backend;
use crate::error::DeviceError;
use crate::name::DeviceName;

impl FromStr for DeviceName {
    type Err = DeviceError;

    /// Reads `NAME` or `NAME:N`, whether or not this build can open it.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`] for an unknown name, [`DeviceError::Number`] for a number that does not parse or
    /// that the backend does not take.
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
        Ok(Self { backend, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_is_written() {
        for backend in Backend::ALL {
            let name = DeviceName {
                backend,
                index: backend.is_numbered().then_some(3),
            };
            assert_eq!(name.to_string().parse::<DeviceName>().unwrap(), name);
            let first = backend.name().parse::<DeviceName>().unwrap();
            assert_eq!((first.backend, first.index), (backend, None));
        }
    }

    #[test]
    fn a_wrong_name_or_number_is_one_line_with_what_is_accepted() {
        for (text, part) in [
            ("tpu", "flex, ndarray, wgpu[:N], cuda[:N], rocm[:N], cpu"),
            ("", "flex, ndarray"),
            ("flex:0", "takes no number"),
            ("wgpu:", "a number from 0"),
            ("cuda:-1", "a number from 0"),
            ("rocm:70000", "a number from 0"),
        ] {
            let message = text.parse::<DeviceName>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{text}`")), "{message}");
            assert!(message.contains(part), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
