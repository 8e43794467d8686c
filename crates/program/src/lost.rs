//! Devices that are lost while a program uses them.
//!
//! Burn reports most failures of a device where there is no caller to return an error to: it panics. A remote device whose
//! server ended is the world's fault and no bug, so the program says so in one line, without the text of a panic.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once, PoisonError};

use crate::failure::Failure;

/// How Burn says that a connection has ended.
const PHRASES: [&str; 4] = [
    "Remote response channel closed",
    "Failed to read tensor",
    "Failed to open a remote session",
    "Service call failed",
];

/// What was said when a remote device was lost.
static SAID: Mutex<Option<String>> = Mutex::new(None);

/// From here on, panics that say that a connection has ended print nothing.
pub(crate) fn expect_remote_devices() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |about| match said(about.payload()) {
            Some(text) if PHRASES.iter().any(|phrase| text.contains(phrase)) => {
                let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
                said.get_or_insert_with(|| text.to_owned());
            }
            _ => usual(about),
        }));
    });
}

/// Runs a program, and makes the loss of a remote device a failure.
pub(crate) fn unless_lost(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let panicked = match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => return result,
        Err(panicked) => panicked,
    };
    match SAID.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(_) => Err(Failure::World(
            "the remote device is lost: the connection to its server ended".to_owned(),
        )),
        None => panic::resume_unwind(panicked),
    }
}

fn said(payload: &dyn Any) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_a_failure_and_a_bug_stays_a_panic() {
        expect_remote_devices();
        let lost = unless_lost(|| panic!("Service call failed: CallError"));
        let failure = lost.expect_err("it is lost");
        assert_eq!(failure.code(), 1);
        assert!(
            failure
                .to_string()
                .contains("the connection to its server ended")
        );
        let bug = panic::catch_unwind(|| unless_lost(|| panic!("a bug")));
        assert!(bug.is_err());
        assert_eq!(unless_lost(|| Ok(())), Ok(()));
    }
}
