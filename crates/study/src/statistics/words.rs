//! Numbers as they appear in sentences.

/// A number with its sign; what rounds to 0 has none.
pub fn signed(number: f64, decimals: usize) -> String {
    let text = format!("{number:+.decimals$}");
    match text.trim_matches(['-', '+', '0', '.']) {
        "" => format!("{:.decimals$}", 0.0),
        _ => text,
    }
}

/// A p-value as `p = 0.031`, or `p < 0.001` if it is small.
pub fn p_equals(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {p:.3}")
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    joined(names, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either(names: &[&str]) -> String {
    joined(names, "or")
}

fn joined(names: &[&str], word: &str) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [others @ .., last] => format!("{} {word} {last}", others.join(", ")),
    }
}

/// A difference of scores in points.
pub(crate) fn points(difference: f64) -> String {
    signed(100.0 * difference, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_rounds_to_zero_has_no_sign() {
        let texts = [0.00234, -0.0011, 0.0, -0.00001].map(points);
        assert_eq!(texts, ["+0.23", "-0.11", "0.00", "0.00"]);
        assert_eq!([signed(10.0, 0), signed(-0.4, 0)], ["+10", "0"]);
    }

    #[test]
    fn small_p_values_are_bounded() {
        assert_eq!(
            [0.0004, 0.001, 0.25].map(p_equals),
            ["p < 0.001", "p = 0.001", "p = 0.250"]
        );
    }
}
