//! How many runs are trained at the same time.

use std::num::NonZeroUsize;

use finetune::Session;
use program::Failure;

use crate::arguments::StudyArguments;
use crate::training_devices::TrainingDevices;

/// The value of `--jobs`, checked before anything is read.
pub(crate) fn asked(
    arguments: &StudyArguments,
    training_devices: &TrainingDevices,
) -> Result<Option<NonZeroUsize>, Failure> {
    let Some(jobs) = arguments.jobs else {
        return Ok(None);
    };
    if jobs > 1 && !training_devices.is_threaded() {
        return Err(Failure::Usage(format!(
            "jobs is {jobs}, accepted is 1 on {}",
            training_devices.name()
        )));
    }
    let refused = || Failure::Usage("jobs is 0, accepted is at least 1".to_owned());
    NonZeroUsize::new(jobs).ok_or_else(refused).map(Some)
}

/// The number asked for, or as many as suit the devices and the study.
pub(crate) fn or_suited(
    asked: Option<NonZeroUsize>,
    training_devices: &TrainingDevices,
    session: &Session,
) -> NonZeroUsize {
    asked.unwrap_or_else(|| {
        if training_devices.is_threaded() {
            session.suited_jobs()
        } else {
            NonZeroUsize::new(training_devices.jobs()).unwrap_or(NonZeroUsize::MIN)
        }
    })
}
