//! Progress on standard error: lines, bars, and the time left.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressStyle};

/// Longest line, in characters: a message may quote a cell of megabytes.
const LONGEST: usize = 20_000;

/// Writes a line to standard error, in which nothing acts on the terminal ([`harmless::shown()`]): it may quote files and names
/// from outside. If standard error is closed or full, the program continues silently.
pub fn say(line: &impl Display) {
    let _ = writeln!(io::stderr(), "{}", one_line(&line.to_string()));
}

/// A message as one line for a terminal.
fn one_line(message: &str) -> String {
    harmless::shown(&harmless::shortened(message, LONGEST)).into_owned()
}

/// A bar's style, from a constant template of indicatif.
///
/// # Panics
/// If the template is not valid.
pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("a constant, valid template")
        .progress_chars("━╸─")
}

/// Estimates how long the remaining steps take, at the speed of the previous ones.
#[derive(Clone, Debug)]
pub struct TimeLeft {
    since: Instant,
    taken: usize,
    all: usize,
}

impl TimeLeft {
    /// Starts the clock, before so many steps.
    pub fn of(steps: usize) -> Self {
        Self {
            since: Instant::now(),
            taken: 0,
            all: steps,
        }
    }

    /// Counts a step as taken.
    pub fn step(&mut self) {
        self.taken += 1;
    }

    /// Counts some steps as not to be taken after all.
    pub fn skip(&mut self, steps: usize) {
        self.all = self.all.saturating_sub(steps);
    }

    /// The time left, in words; `None` before the first step and after the last.
    pub fn words(&self) -> Option<String> {
        let left = (1..self.all).contains(&self.taken).then(|| {
            let rest = (self.all - self.taken) as f64 / self.taken as f64;
            self.since.elapsed().mul_f64(rest)
        });
        left.map(|left| format!("{:#}", HumanDuration(left.max(Duration::from_secs(1)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_that_only_shows() {
        let message = "a\u{1b}[2Jb\nerror: forged\u{9b}1A\u{202e}\0";
        assert_eq!(
            one_line(message),
            "a\\u{1b}[2Jb\\nerror: forged\\u{9b}1A\\u{202e}\\u{0}"
        );
        let long = one_line(&"x".repeat(10_000_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }

    #[test]
    fn time_is_left_between_the_first_step_and_the_last() {
        let mut left = TimeLeft::of(3);
        assert_eq!(left.words(), None);
        left.step();
        assert_eq!(left.words().as_deref(), Some("1s"));
        left.skip(2);
        assert_eq!(left.words(), None, "no step is left");
    }
}
