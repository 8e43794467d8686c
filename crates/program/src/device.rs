//! `--device` and `--list-devices`.

use burn::tensor::Device;
use clap::Args;
use devices::{Backend, DeviceError, DeviceName};

use crate::command::Program;
use crate::failure::Failure;
use crate::output::print;

/// The options about devices, to be flattened into a program's arguments.
#[derive(Clone, Debug, Args)]
pub struct DeviceOptions {
    /// The device to compute on.
    // Its own help text: rustdoc would take the brackets for links.
    #[arg(
        long,
        help = "Where to compute: flex, ndarray, wgpu[:N], cuda[:N], rocm[:N] or cpu; each needs the cargo feature of its name",
        default_value_t = DeviceName::preferred(),
        value_name = "DEVICE"
    )]
    pub device: DeviceName,
    /// Only list the devices of this machine
    #[arg(long)]
    pub list_devices: bool,
}

impl DeviceOptions {
    /// Prints every backend, and the devices of those that are compiled in.
    ///
    /// # Errors
    /// Those of [`print()`].
    pub fn list() -> Result<(), Failure> {
        let lines = devices::list().into_iter().map(|line| format!("{line}\n"));
        print(&lines.collect::<String>())
    }

    /// Opens the device, without autodiff.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the command that adds the device, if this build lacks it; [`Failure::World`] if it
    /// cannot be opened.
    pub fn open(&self, program: &Program) -> Result<Device, Failure> {
        devices::open(self.device).map_err(|error| match error {
            DeviceError::NotCompiled(name) => {
                let command = program.command_with(&[name.backend.name()]);
                Failure::Usage(format!("{error}; to add it, run: {command}"))
            }
            other => Failure::world(other),
        })
    }
}

/// The features of the devices that this build has in addition to the default one.
pub(crate) fn features() -> impl Iterator<Item = &'static str> {
    let more = |backend: &Backend| *backend != Backend::Flex && backend.is_compiled();
    Backend::ALL.into_iter().filter(more).map(Backend::name)
}
