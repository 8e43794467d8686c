//! Burn's devices by name.

use burn::tensor::Device;
use clap::ValueEnum;

/// The devices this build can open: each has a cargo feature of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceName {
    /// The CPU, pure Rust
    #[cfg(feature = "flex")]
    Flex,
    /// The CPU through ndarray, which Burn 0.22 deprecates in favour of flex
    #[cfg(feature = "ndarray")]
    Ndarray,
}

impl DeviceName {
    #[cfg(feature = "flex")]
    pub(crate) const DEFAULT: Self = Self::Flex;
    #[cfg(all(feature = "ndarray", not(feature = "flex")))]
    pub(crate) const DEFAULT: Self = Self::Ndarray;
}

/// Opens the device.
pub(crate) fn open(name: DeviceName) -> Device {
    match name {
        #[cfg(feature = "flex")]
        DeviceName::Flex => Device::flex(),
        #[cfg(feature = "ndarray")]
        DeviceName::Ndarray => Device::ndarray(),
    }
}

#[cfg(not(any(feature = "flex", feature = "ndarray")))]
compile_error!("pretrain_mlm needs a device: enable the feature `flex` (the default) or `ndarray`");
