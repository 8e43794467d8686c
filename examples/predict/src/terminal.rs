//! Progress: a bar with the time left on a terminal, nothing otherwise.

use std::io::IsTerminal;
use std::ops::ControlFlow;

use indicatif::ProgressBar;
use predict::{Input, Observer};
use program::progress::{say, style};
use program::stop;

use crate::arguments::Arguments;

/// A bar on standard error.
pub(crate) struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    /// Draws a bar only where nothing else is written to the terminal. To know the time left it counts the rows first.
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let shows = !arguments.quiet
            && std::io::stderr().is_terminal()
            && (arguments.output.is_some() || !std::io::stdout().is_terminal());
        if !shows {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        // A pipe can be read once only.
        let rows = match arguments.reads_standard_input() || arguments.reads_a_pipe() {
            true => None,
            false => arguments.input().ok().map(Input::rows),
        };
        let bar = match rows {
            Some(rows) => ProgressBar::new(rows as u64)
                .with_style(style("{bar:30} {pos}/{len} texts, {per_sec}, {eta} left")),
            None => ProgressBar::new_spinner().with_style(style("{pos} texts, {per_sec}")),
        };
        Self { bar }
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Terminal {
    fn torn(&mut self, bytes: u64) {
        self.bar.suspend(|| {
            say(&format_args!(
                "the last line of the output, {bytes} byte{}, was half-written; removed",
                if bytes == 1 { "" } else { "s" }
            ));
        });
    }

    fn found(&mut self, texts: usize) {
        self.bar.inc(texts as u64);
        // Their speed says nothing about the rest.
        self.bar.reset_eta();
    }

    fn predicted(&mut self, texts: usize) -> ControlFlow<()> {
        self.bar.inc(texts as u64);
        match stop::asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
