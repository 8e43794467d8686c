//! GPUs through wgpu.

use burn::backend::wgpu::graphics::AutoGraphicsApi;
use burn::backend::wgpu::{RuntimeOptions, WgpuInitError, try_init_setup};
use burn::backend::{CubeDevice, DispatchDevice};
use burn::tensor::{Device, DeviceType};

use crate::error::DeviceError;
use crate::name::DeviceName;

/// One graphics API and no fallback: wgpu would fall back to OpenGL, whose software renderers crash in compute
/// shaders.
#[cfg(not(target_vendor = "apple"))]
const ADAPTERS: DeviceType = DeviceType::Vulkan;
/// Left to wgpu, which takes Metal on a Mac.
#[cfg(target_vendor = "apple")]
const ADAPTERS: DeviceType = DeviceType::Wgpu;

/// Adapters in Burn's order: discrete GPUs, integrated ones, virtual ones, software, others.
pub(crate) fn count() -> usize {
    Device::enumerate(ADAPTERS).len()
}

/// Opens an adapter and says what it is; `None` if it was opened before.
pub(crate) fn open(name: &DeviceName) -> Result<(Device, Option<String>), DeviceError> {
    let adapters = Device::enumerate(ADAPTERS);
    let device = adapters.get(name.index.unwrap_or(0));
    let device = device.cloned().ok_or(DeviceError::Absent {
        name: name.clone(),
        count: adapters.len(),
    })?;
    let unusable = |reason: String| DeviceError::Unusable {
        name: name.clone(),
        reason: reason.replace('\n', " "),
    };
    let DispatchDevice::Cube(CubeDevice::Wgpu(adapter)) = device.as_dispatch() else {
        return Err(unusable("not a device of wgpu".to_owned()));
    };
    // Open it now: at the first operation a refusal would be a panic.
    let opened = RuntimeOptions::try_default()
        .and_then(|options| try_init_setup::<AutoGraphicsApi>(adapter, options));
    match opened {
        Ok(setup) => {
            let info = setup.adapter.get_info();
            let about = format!("{} ({}, {:?})", info.name, info.backend, info.device_type);
            Ok((device, Some(about)))
        }
        Err(WgpuInitError::Registration { .. }) => Ok((device, None)),
        Err(refusal) => Err(unusable(refusal.to_string())),
    }
}
