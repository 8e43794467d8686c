//! From a name to Burn's device.

use burn::tensor::Device;

use crate::backend::Backend;
use crate::error::DeviceError;
use crate::name::DeviceName;

/// Opens a device, without autodiff; `token` is what a remote device's server asks for.
///
/// # Errors
/// [`DeviceError::NotCompiled`] if this build lacks the backend, [`DeviceError::Number`] if the name has a number
/// and the backend takes none, [`DeviceError::Absent`] if the machine lacks the device, and
/// [`DeviceError::Unusable`] if its driver refuses, or if a server refuses or cannot be reached within 10 seconds.
pub fn open(name: &DeviceName, token: Option<&str>) -> Result<Device, DeviceError> {
    let _ = token; // Of no use without the feature `remote`.
    if name.backend == Backend::Remote && name.host.is_none() {
        return Err(DeviceError::Host(name.to_string()));
    }
    let may_be_numbered = name.backend.is_numbered() || name.backend == Backend::Remote;
    if name.index.is_some() && !may_be_numbered {
        return Err(DeviceError::Number {
            text: name.to_string(),
            accepted: "takes no number",
        });
    }
    match name.backend {
        #[cfg(feature = "flex")]
        Backend::Flex => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        Backend::Ndarray => Ok(ndarray()),
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => crate::wgpu::open(name).map(|(device, _)| device),
        #[cfg(feature = "cuda")]
        Backend::Cuda => numbered(name, burn::tensor::DeviceType::Cuda),
        #[cfg(feature = "rocm")]
        Backend::Rocm => numbered(name, burn::tensor::DeviceType::Rocm),
        #[cfg(feature = "cpu")]
        Backend::Cpu => Ok(Device::cpu()),
        #[cfg(feature = "remote")]
        Backend::Remote => crate::remote::open(name, token),
        #[allow(unreachable_patterns)]
        _ => Err(DeviceError::NotCompiled(name.clone())),
    }
}

/// Deprecated by Burn, but the caller asked for it by name.
#[cfg(feature = "ndarray")]
#[allow(deprecated)]
fn ndarray() -> Device {
    Device::ndarray()
}

/// Burn opens these at the first operation and panics if there is none, so count them first.
#[cfg(any(feature = "cuda", feature = "rocm"))]
fn numbered(name: &DeviceName, kind: burn::tensor::DeviceType) -> Result<Device, DeviceError> {
    let devices = Device::enumerate(kind);
    let device = devices.get(name.index.unwrap_or(0));
    device.cloned().ok_or(DeviceError::Absent {
        name: name.clone(),
        count: devices.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_not_compiled_in_is_refused_with_its_feature() {
        for backend in Backend::ALL {
            let name = match backend {
                Backend::Remote => "remote:127.0.0.1:1".parse().unwrap(),
                _ => DeviceName::first_of(backend),
            };
            if backend.is_compiled() {
                continue;
            }
            let expected = DeviceError::NotCompiled(name.clone());
            assert_eq!(open(&name, None).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_number_for_a_backend_without_numbers_is_refused() {
        let here = Backend::ALL.into_iter().filter(|b| *b != Backend::Remote);
        for backend in here.filter(|b| !b.is_numbered()) {
            let name = DeviceName {
                index: Some(1),
                ..DeviceName::first_of(backend)
            };
            let message = open(&name, None).unwrap_err().to_string();
            assert_eq!(message, format!("device `{name}`: takes no number"));
        }
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_preferred_device_opens() {
        let name = DeviceName::preferred();
        assert_eq!(name.backend, Backend::Flex);
        assert_eq!(open(&name, None).unwrap(), Device::flex());
    }
}
