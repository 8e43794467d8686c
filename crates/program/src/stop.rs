//! Ctrl-C: the first press finishes the step, the second ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code that a shell reports for a program ended by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Catches Ctrl-C from here on. If that is impossible, Ctrl-C ends the program at once as usual; what is
/// recorded stays.
pub fn catch() {
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    });
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
