//! `--device` and `--list-devices`.

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use devices::{Backend, DeviceError, DeviceName};

use crate::command::Program;
use crate::failure::Failure;
use crate::output::print;
use crate::{lost, token};

/// The options about devices, to be flattened into a program's arguments.
#[derive(Clone, Debug, Args)]
pub struct DeviceOptions {
    /// The device to compute on.
    // Its own help text: rustdoc would take the brackets for links.
    #[arg(
        long,
        help = "Where to compute: flex, ndarray, wgpu[:N], cuda[:N], rocm[:N], cpu or remote:HOST:PORT; each needs the cargo feature of its name",
        default_value_t = DeviceName::preferred(),
        value_name = "DEVICE"
    )]
    pub device: DeviceName,
    /// File with the token that a remote device's server asks for
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
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
        let mut opened = self.open_each(std::slice::from_ref(&self.device), program)?;
        Ok(opened.remove(0))
    }

    /// Opens these devices in place of [`device`](Self::device), in their order.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and [`Failure::Usage`] for a token that no device takes.
    pub fn open_each(
        &self,
        names: &[DeviceName],
        program: &Program,
    ) -> Result<Vec<Device>, Failure> {
        refuse_default_of_burn()?;
        let has_remote = names.iter().any(|name| name.backend == Backend::Remote);
        let token = match &self.token_file {
            Some(path) if has_remote => Some(token::read(path)?),
            Some(_) => {
                return Err(Failure::Usage(
                    "--token-file is for remote devices, of which there is none".to_owned(),
                ));
            }
            None => None,
        };
        if has_remote {
            lost::expect_remote_devices();
        }
        let open = |name: &DeviceName| {
            devices::open(name, token.as_deref()).map_err(|error| match error {
                DeviceError::NotCompiled(ref name) => {
                    let command = program.command_with(&[name.backend.name()]);
                    Failure::Usage(format!("{error}; to add it, run: {command}"))
                }
                other => Failure::world(other),
            })
        };
        names.iter().map(open).collect()
    }
}

/// Refuses a `BURN_DEVICE` at which Burn would panic. No device is opened by it here, but Burn asks for its default device in between,
/// such as when it reads an optimizer's record.
fn refuse_default_of_burn() -> Result<(), Failure> {
    let Ok(default) = std::env::var("BURN_DEVICE") else {
        return Ok(());
    };
    let built = Backend::ALL.into_iter().filter(|one| one.is_compiled());
    let mut names: Vec<&str> = built.map(Backend::name).collect();
    if Backend::Wgpu.is_compiled() {
        // As the feature `wgpu` is Burn's `vulkan`.
        names.push("vulkan");
    }
    if names.iter().any(|name| name.eq_ignore_ascii_case(&default)) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "BURN_DEVICE is `{default}`, expected it unset or one of {}; --device chooses the device",
        names.join(", ")
    )))
}

/// The features of the devices that this build has in addition to the default one.
pub(crate) fn features() -> impl Iterator<Item = &'static str> {
    let more = |backend: &Backend| *backend != Backend::Flex && backend.is_compiled();
    Backend::ALL.into_iter().filter(more).map(Backend::name)
}
