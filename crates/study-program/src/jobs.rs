//! How many runs are trained at the same time.

use std::num::NonZeroUsize;

use devices::DeviceName;
use finetune::Session;
use program::Failure;

use crate::arguments::StudyArguments;

/// The value of `--jobs`, checked before anything is read.
pub(crate) fn asked(arguments: &StudyArguments) -> Result<Option<NonZeroUsize>, Failure> {
    let Some(jobs) = arguments.jobs else {
        return Ok(None);
    };
    let device = arguments.devices.device;
    if jobs > 1 && !device.backend.is_threaded() {
        return Err(Failure::Usage(format!(
            "jobs is {jobs}, accepted is 1 on {device}"
        )));
    }
    let refused = || Failure::Usage("jobs is 0, accepted is at least 1".to_owned());
    NonZeroUsize::new(jobs).ok_or_else(refused).map(Some)
}

/// The number asked for, or as many as suit the device and the study.
pub(crate) fn or_suited(
    asked: Option<NonZeroUsize>,
    device: DeviceName,
    session: &Session,
) -> NonZeroUsize {
    asked.unwrap_or_else(|| {
        if device.backend.is_threaded() {
            session.suited_jobs()
        } else {
            NonZeroUsize::MIN
        }
    })
}
