//! Names of devices.

use std::fmt;
use std::str::FromStr;

use crate::error::DeviceError;

/// What computes; each has a cargo feature of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// The CPU, pure Rust.
    Flex,
    /// The CPU through ndarray, deprecated by Burn.
    Ndarray,
    /// A GPU through Vulkan or Metal.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An AMD GPU.
    Rocm,
    /// The CPU through CubeCL.
    Cpu,
}

impl Backend {
    /// In the order in which a default is chosen and lists are printed.
    pub const ALL: [Self; 6] = [
        Self::Flex,
        Self::Ndarray,
        Self::Wgpu,
        Self::Cuda,
        Self::Rocm,
        Self::Cpu,
    ];

    /// As on the command line; also the cargo feature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Cpu => "cpu",
        }
    }

    /// What it is, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Flex => "the CPU, pure Rust",
            Self::Ndarray => {
                "the CPU through ndarray, which Burn 0.22 deprecates in favour of flex"
            }
            Self::Wgpu => "a GPU through Vulkan, or Metal on a Mac",
            Self::Cuda => "an NVIDIA GPU",
            Self::Rocm => "an AMD GPU",
            Self::Cpu => "the CPU through CubeCL and LLVM",
        }
    }

    /// Whether this build has the feature.
    pub const fn is_compiled(self) -> bool {
        match self {
            Self::Flex => cfg!(feature = "flex"),
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Cpu => cfg!(feature = "cpu"),
        }
    }

    /// Whether it computes on the threads of the program, in the pool of rayon that they belong to.
    pub const fn is_threaded(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray)
    }

    /// Whether a machine may have several, told apart by a number.
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::Wgpu | Self::Cuda | Self::Rocm)
    }
}

/// One device: a backend and, where it may have several, a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceName {
    /// What computes.
    pub backend: Backend,
    /// Which of its devices, from 0; `None` is the first.
    pub index: Option<usize>,
}

impl DeviceName {
    /// The first backend that this build has, flex before all others.
    pub fn preferred() -> Self {
        let compiled = Backend::ALL.into_iter().find(|b| b.is_compiled());
        Self {
            backend: compiled.unwrap_or(Backend::Flex),
            index: None,
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.backend.name())?;
        match self.index {
            Some(index) => write!(f, ":{index}"),
            None => Ok(()),
        }
    }
}

impl FromStr for DeviceName {
    type Err = DeviceError;

    /// Reads `NAME` or `NAME:N`, whether or not this build can open it.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`] for another name, [`DeviceError::Number`] for a number that is none or that
    /// the backend does not take.
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
    fn every_name_reads_as_it_is_written() {
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
