//! Which devices there are.

use std::fmt;

use crate::backend::Backend;
use crate::name::DeviceName;

/// A line of a list of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What `--device` takes.
    pub name: DeviceName,
    /// What it is, or why it cannot be used.
    pub about: String,
    /// Whether [`open`](crate::open) gives it.
    pub is_usable: bool,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absent = if self.is_usable { "" } else { "not usable: " };
        write!(f, "{:<8} {absent}{}", self.name.to_string(), self.about)
    }
}

/// The devices of this machine and build, and one unusable line for each backend that has none. Of remote devices only their
/// server has a list.
///
/// Opens GPUs to find out what they are, which takes a moment.
pub fn list() -> Vec<Listed> {
    let here = Backend::ALL.into_iter().filter(|b| *b != Backend::Remote);
    here.flat_map(of).collect()
}

fn of(backend: Backend) -> Vec<Listed> {
    let count = count(backend);
    // If there are none, try the one that would be opened: its error says why.
    (0..count.max(1))
        .map(|index| {
            let name = DeviceName {
                index: (backend.is_numbered() && count > 0).then_some(index),
                ..DeviceName::first_of(backend)
            };
            match about(&name) {
                Ok(about) => Listed {
                    name,
                    about,
                    is_usable: true,
                },
                Err(error) => Listed {
                    name,
                    about: reason(&error),
                    is_usable: false,
                },
            }
        })
        .collect()
}

/// The message without the device, which the line already names.
fn reason(error: &crate::DeviceError) -> String {
    let message = error.to_string();
    match message.split_once("`: ") {
        Some((_, reason)) => reason.to_owned(),
        None => message,
    }
}

fn count(backend: Backend) -> usize {
    match backend {
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => crate::wgpu::count(),
        #[cfg(feature = "cuda")]
        Backend::Cuda => burn::tensor::Device::enumerate(burn::tensor::DeviceType::Cuda).len(),
        #[cfg(feature = "rocm")]
        Backend::Rocm => burn::tensor::Device::enumerate(burn::tensor::DeviceType::Rocm).len(),
        _ => usize::from(!backend.is_numbered() && backend.is_compiled()),
    }
}

fn about(name: &DeviceName) -> Result<String, crate::DeviceError> {
    match name.backend {
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => {
            let (_, about) = crate::wgpu::open(name)?;
            Ok(about.unwrap_or_else(|| name.backend.about().to_owned()))
        }
        #[cfg(any(feature = "cuda", feature = "rocm"))]
        Backend::Cuda | Backend::Rocm => {
            let identity = crate::open(name, None)?.identity();
            Ok(identity.map_or_else(|| name.backend.about().to_owned(), |it| it.name))
        }
        _ => crate::open(name, None).map(|_| name.backend.about().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_is_listed_and_what_is_usable_opens() {
        let list = list();
        for backend in Backend::ALL.into_iter().filter(|b| *b != Backend::Remote) {
            let lines: Vec<_> = list.iter().filter(|l| l.name.backend == backend).collect();
            assert!(!lines.is_empty(), "{backend:?}");
            for line in lines {
                assert_eq!(
                    line.is_usable,
                    crate::open(&line.name, None).is_ok(),
                    "{line:?}"
                );
                assert!(backend.is_compiled() || !line.is_usable, "{line:?}");
                assert!(!line.about.contains('\n'), "{line:?}");
            }
        }
    }
}
