//! Faults at calls all over a program's run, and what it may do about each.

use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use crate::{Call, EIO, Fault, Plan};

/// A fault at one of the calls of an undisturbed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The fault, and where it happens.
    pub plan: Plan,
    /// The call that it hits.
    pub call: Call,
}

impl Trial {
    /// Every kind of fault at one of `every` calls, and at all writes to the file named `growing`, whatever else is left
    /// out.
    ///
    /// # Panics
    /// If the calls lack a kind that a fault should hit.
    pub fn all(calls: &[Call], every: usize, growing: &str) -> Vec<Self> {
        for kind in ["open", "write", "sync", "rename", "make", "remove", "lock"] {
            assert!(calls.iter().any(|call| call.kind == kind), "{kind}");
        }
        let faults = [Fault::Error(EIO), Fault::Short, Fault::Torn, Fault::Kill];
        let mut trials = Vec::new();
        for (number, fault) in faults.into_iter().enumerate() {
            // Each fault has calls of its own, so that together they are at four times as many places.
            let first = number * every / faults.len();
            for (index, call) in calls.iter().enumerate() {
                let is_write = call.kind == "write";
                let is_growing = is_write && call.path.ends_with(growing);
                if (index % every == first || is_growing) && (is_write || fault != Fault::Short) {
                    trials.push(Self {
                        plan: Plan::once(index + 1, fault),
                        call: call.clone(),
                    });
                }
            }
        }
        trials
    }

    /// Where it is, in words.
    pub fn place(&self) -> String {
        let Self { plan, call } = self;
        let (fault, at) = (plan.fault, plan.at);
        format!(
            "{fault:?} at call {at}, {} {}",
            call.kind,
            call.path.display()
        )
    }

    /// Whether the call may fail without an error: removing what is no longer needed, and locking a file that is being written,
    /// which some file systems cannot.
    fn is_harmless(&self) -> bool {
        let name = self.call.path.file_name().unwrap_or_default();
        let is_being_written = name.to_string_lossy().starts_with(".writing-");
        self.call.kind == "remove" || (self.call.kind == "lock" && is_being_written)
    }

    /// Checks how the program ended, and returns whether it was with an error.
    ///
    /// # Panics
    /// If it ended in any other way than killed by the fault, successfully where the fault does no harm, or with exit code 1
    /// and one line of error that begins with `beginning`.
    pub fn check(&self, output: &Output, beginning: &str) -> bool {
        let place = self.place();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("panicked"), "{place}: {error}");
        match self.plan.fault {
            Fault::Torn | Fault::Kill => assert_eq!(output.status.signal(), Some(9), "{place}"),
            Fault::Short => assert!(output.status.success(), "{place}: {error}"),
            _ if output.status.success() => assert!(self.is_harmless(), "{place}: {error}"),
            _ => {
                assert_eq!(output.status.code(), Some(1), "{place}: {error}");
                let last = error.lines().last().unwrap_or_default();
                assert!(last.starts_with(beginning), "{place}: {error}");
                let errors = error.lines().filter(|line| line.starts_with("error"));
                assert_eq!(errors.count(), 1, "{place}: {error}");
                return true;
            }
        }
        false
    }
}
