//! Numbers as the report writes them: scores in per cent, differences in points.

use std::time::{Duration, UNIX_EPOCH};

use study::statistics;

/// Written in place of a missing number.
pub(crate) const NONE: &str = "–";

/// A score from 0 to 1 in per cent, without the `%`.
pub(crate) fn percent(score: f64) -> String {
    minus(format!("{:.2}", 100.0 * score))
}

/// A difference of scores in points, with its sign.
pub(crate) fn points(difference: f64) -> String {
    signed(100.0 * difference, 2)
}

/// A number with its sign; what rounds to 0 has none.
pub(crate) fn signed(number: f64, decimals: usize) -> String {
    minus(statistics::signed(number, decimals))
}

/// An interval of differences in points.
pub(crate) fn interval(interval: Option<[f64; 2]>) -> String {
    interval.map_or(NONE.to_owned(), |[low, high]| {
        format!("{} to {}", points(low), points(high))
    })
}

/// A p-value.
pub(crate) fn p_value(p: Option<f64>) -> String {
    or_none(p, |p| {
        let text = statistics::p_equals(p);
        text.trim_start_matches(['p', ' ', '=']).to_owned()
    })
}

/// A number, or [`NONE`].
pub(crate) fn or_none(number: Option<f64>, format: impl Fn(f64) -> String) -> String {
    number.map_or(NONE.to_owned(), format)
}

/// Groups digits by three.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in hours, minutes and seconds.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.max(0.0).round()).unwrap_or_default();
    humantime::format_duration(whole).to_string()
}

/// A point in time as date and time, UTC.
pub(crate) fn date(unix: u64) -> String {
    let Some(time) = UNIX_EPOCH.checked_add(Duration::from_secs(unix)) else {
        return NONE.to_owned();
    };
    // humantime ends at the year 9999.
    if time > UNIX_EPOCH + Duration::from_secs(253_402_300_799) {
        return NONE.to_owned();
    }
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

/// `one run`, `2 runs`.
pub(crate) fn count(number: usize, one: &str, several: &str) -> String {
    match number {
        1 => format!("one {one}"),
        _ => format!("{} {several}", thousands(number)),
    }
}

/// Starts with a capital letter (unless it starts with a symbol), has minus signs, and ends with a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_ascii_uppercase().to_string());
    let rest = letters.as_str().replace(" -", " −");
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), rest)
}

fn minus(text: String) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_zero_has_none() {
        let texts = [0.00234, -0.0011, 0.0, -0.00001].map(points);
        assert_eq!(texts, ["+0.23", "−0.11", "0.00", "0.00"]);
    }

    #[test]
    fn small_p_values_are_bounded_and_absent_ones_are_a_dash() {
        let texts = [Some(0.0004), Some(0.0312), None].map(p_value);
        assert_eq!(texts, ["< 0.001", "0.031", "–"]);
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0, 872, 1_024, 67_349, 1_000_000].map(thousands);
        assert_eq!(texts, ["0", "872", "1,024", "67,349", "1,000,000"]);
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(duration(3725.4), "1h 2m 5s");
        assert_eq!(date(1_795_480_510), "2026-11-24 00:35:10 UTC");
        assert_eq!(date(u64::MAX), "–");
    }

    #[test]
    fn sentences_start_with_a_capital_and_end_with_a_full_stop() {
        assert_eq!(sentence("no evidence"), "No evidence.");
        assert_eq!(sentence("λ helps."), "λ helps.");
        assert_eq!(sentence("by -0.1 of a-b"), "By −0.1 of a-b.");
        assert_eq!(sentence(""), ".");
    }
}
