//! Why a device cannot be opened.

use crate::backend::Backend;
use crate::name::DeviceName;

/// Why a device cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is no backend of that name.
    #[error("device `{0}`: expected one of {names}", names = names())]
    Unknown(String),
    /// The part after the colon is wrong.
    #[error("device `{text}`: {accepted}")]
    Number {
        /// The name as given.
        text: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A remote device needs the address of its server.
    #[error(
        "device `{0}`: expected remote:HOST:PORT, remote:iroh:ID or remote:iroh:ID@IP:PORT, and /N for another device of the server than its first"
    )]
    Host(String),
    /// This build cannot open it.
    #[error("device `{0}`: this build lacks the feature `{feature}`", feature = .0.backend.name())]
    NotCompiled(DeviceName),
    /// The machine does not have that many.
    #[error("device `{name}`: {found}", found = found(.name, *.count))]
    Absent {
        /// The name as given.
        name: DeviceName,
        /// How many devices of this backend there are.
        count: usize,
    },
    /// The device exists but cannot be used.
    #[error("device `{name}`: {reason}")]
    Unusable {
        /// The name as given.
        name: DeviceName,
        /// What its driver or Burn says.
        reason: String,
    },
}

fn names() -> String {
    let names = Backend::ALL.map(|backend| {
        let number = match backend {
            Backend::Remote => ":HOST:PORT",
            numbered if numbered.is_numbered() => "[:N]",
            _ => "",
        };
        format!("{}{number}", backend.name())
    });
    names.join(", ")
}

fn found(name: &DeviceName, count: usize) -> String {
    let backend = name.backend.name();
    match count {
        0 => {
            let needed = match name.backend {
                Backend::Wgpu if cfg!(target_vendor = "apple") => "a GPU with Metal",
                Backend::Wgpu => "a GPU with a Vulkan driver, and the Vulkan loader (libvulkan)",
                Backend::Cuda => "an NVIDIA GPU with its driver",
                Backend::Rocm => "an AMD GPU with ROCm",
                Backend::Flex | Backend::Ndarray | Backend::Cpu => "a CPU",
                Backend::Remote => "a server",
            };
            format!("none found; it needs {needed}")
        }
        1 => format!("the only one is {backend}:0"),
        _ => format!("there are {backend}:0 to {backend}:{}", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_too_high_is_answered_with_the_numbers_there_are() {
        let error = |count| {
            let name = "wgpu:7".parse().unwrap();
            DeviceError::Absent { name, count }.to_string()
        };
        assert!(error(0).starts_with("device `wgpu:7`: none found; it needs a GPU"));
        assert_eq!(error(1), "device `wgpu:7`: the only one is wgpu:0");
        assert_eq!(error(3), "device `wgpu:7`: there are wgpu:0 to wgpu:2");
    }
}
