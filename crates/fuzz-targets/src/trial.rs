//! One input given to a target, and what it did.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::ALLOCATOR;
use crate::folder::Folder;
use crate::targets::Target;

/// The longest time that a reader may take; no input is larger than a few hundred KB.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The longest message.
const LONGEST: usize = 8_192;

/// The last panic, which the hook of [`quiet`] writes down.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A target, its folder, and what it did with the inputs so far.
pub struct Trial {
    target: &'static Target,
    folder: Folder,
}

/// What an input did that it should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

/// What a reader made of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// How long it took.
    pub time: Duration,
    /// Whether anything was refused.
    pub is_refused: bool,
    /// A panic of a library that was caught in time, in its words.
    pub caught: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps panics from being printed; the last one is told by the trial.
pub fn quiet() {
    std::panic::set_hook(Box::new(|panic| {
        if let Ok(mut last) = PANIC.lock() {
            *last = Some(panic.to_string());
        }
    }));
}

/// The most bytes that the program has had at a time.
pub fn peak() -> usize {
    ALLOCATOR.max_allocated()
}

impl Trial {
    /// Lays out the target's folder.
    pub fn of(target: &'static Target) -> Self {
        let folder = Folder::new();
        (target.prepare)(&folder.inside());
        Self { target, folder }
    }

    /// Gives the target an input. Memory beyond [`Target::most`] ends the process, because an allocation that fails
    /// cannot be caught.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn run(&self, input: &[u8]) -> Result<Found, Fault> {
        if let Ok(mut last) = PANIC.lock() {
            *last = None;
        }
        let inside = self.folder.inside();
        let most = self.target.most(input.len());
        // Never refused: the limit is above what is allocated.
        let _ = ALLOCATOR.set_limit(ALLOCATOR.allocated().saturating_add(most));
        let started = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| (self.target.read)(&inside, input)));
        let time = started.elapsed();
        let _ = ALLOCATOR.set_limit(usize::MAX);
        let panic = PANIC.lock().ok().and_then(|mut last| last.take());
        let Ok(messages) = read else {
            return Err(Fault(panic.unwrap_or_else(|| "a panic".to_owned())));
        };
        for message in &messages {
            if let Some(wrong) = message.chars().find(|c| c.is_control()) {
                return Err(Fault(format!("a message with {wrong:?}: {message:?}")));
            }
            if message.len() > LONGEST {
                let start: String = message.chars().take(200).collect();
                return Err(Fault(format!(
                    "a message of {} bytes: {start}",
                    message.len()
                )));
            }
        }
        if let Some(changed) = self.folder.changed_outside() {
            return Err(Fault(changed));
        }
        if time > PATIENCE {
            return Err(Fault(format!("it took {:.1} s", time.as_secs_f64())));
        }
        Ok(Found {
            time,
            is_refused: !messages.is_empty(),
            caught: panic,
        })
    }
}
