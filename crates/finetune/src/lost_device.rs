//! Devices that fail while a run is on them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use burn::tensor::Device;

use crate::error::FinetuneError;
use crate::setup::Setup;

/// Does the work of a run; if it panics and one of the run's devices no longer answers, that is the error.
///
/// Burn reports what a device cannot do any more where there is no caller to return an error to. Whatever the run holds is
/// dropped.
pub(crate) fn unless_lost<T>(
    setup: &Setup,
    work: impl FnOnce() -> Result<T, FinetuneError>,
) -> Result<T, FinetuneError> {
    let panicked = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => return done,
        Err(panicked) => panicked,
    };
    let mut devices = std::iter::once(&setup.device).chain(&setup.replicas);
    match devices.find_map(failure_of) {
        Some(reason) => Err(FinetuneError::Lost {
            device: setup.device_name.clone(),
            reason,
        }),
        None => resume_unwind(panicked),
    }
}

/// What a device says that does not answer.
fn failure_of(device: &Device) -> Option<String> {
    let answer = catch_unwind(AssertUnwindSafe(|| device.sync()));
    let reason = match answer {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(panicked) => text_of(&*panicked).to_owned(),
    };
    Some(cause_of(&reason).to_owned())
}

/// The line with the cause: Burn writes a heading before it, and perhaps a backtrace after it.
fn cause_of(reason: &str) -> &str {
    let mut lines = reason.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let cause = lines.skip_while(|line| *line != "Caused by:").nth(1);
    cause.unwrap_or(first)
}

fn text_of(panicked: &dyn Any) -> &str {
    let text = panicked.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panicked.downcast_ref::<&str>().copied());
    text.unwrap_or("it does not answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_burn_says_the_cause_is_kept() {
        let reason = "An error happened during execution\nCaused by:\n  the cause\n   0: frame";
        assert_eq!(cause_of(reason), "the cause");
        assert_eq!(cause_of("it is gone\n   0: frame"), "it is gone");
        assert_eq!(cause_of(""), "");
    }
}
