//! Signals that ask to stop, Ctrl-C and SIGTERM, which SLURM and containers send: the first finishes the step, the second
//! ends the program.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Once};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What a shell adds to the number of the signal that ended a program.
const SHELL: u8 = 128;

/// The exit code of the signal that came, 0 before.
static CODE: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Catches the signals from here on, however often it is called. If that is impossible, they end the program at once as
/// usual; what is recorded stays.
pub fn catch() {
    static CAUGHT: Once = Once::new();
    // Registered twice, the handlers would take the first signal for the second.
    CAUGHT.call_once(|| {
        for (signal, code) in [(SIGINT, SHELL + 2), (SIGTERM, SHELL + 15)] {
            let _ = on(signal, code);
        }
    });
}

fn on(signal: i32, code: u8) -> io::Result<()> {
    static CAME: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    // Registered first, so that it sees the flag as the signal before has left it.
    flag::register_conditional_shutdown(signal, code.into(), Arc::clone(&CAME))?;
    flag::register(signal, Arc::clone(&CAME))?;
    flag::register_usize(signal, Arc::clone(&CODE), code.into())?;
    Ok(())
}

/// Whether a signal came.
pub fn asked() -> bool {
    CODE.load(Ordering::Relaxed) != 0
}

/// The exit code that a shell reports for a program ended by the signal that came, or by Ctrl-C if none did.
pub(crate) fn code() -> u8 {
    match CODE.load(Ordering::Relaxed) {
        0 => SHELL + 2,
        code => u8::try_from(code).unwrap_or(u8::MAX),
    }
}
