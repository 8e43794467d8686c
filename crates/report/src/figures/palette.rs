//! The colours of figures: light ones in a file, variables in a page that can switch them.

/// The colour of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Names and values.
    Text,
    /// Titles of axes, tick labels.
    Muted,
    /// Lines that readers compare with: no difference, the two axes.
    Axis,
    /// Lines at ticks.
    Grid,
    /// The background.
    Ground,
    /// An arm; 0 is the baseline. If there are more arms than colours, they start over after the baseline.
    Series(usize),
}

struct Colour {
    variable: &'static str,
    light: (u8, u8, u8),
    dark: &'static str,
}

const fn colour(variable: &'static str, light: (u8, u8, u8), dark: &'static str) -> Colour {
    Colour {
        variable,
        light,
        dark,
    }
}

/// The hues of Okabe and Ito, which readers with any common colour deficiency can tell apart, darkened
/// or lightened where a thin line would lack contrast.
const COLOURS: [Colour; 12] = [
    colour("--fig-text", (0x1F, 0x25, 0x2C), "#E4E8EC"),
    colour("--fig-muted", (0x5A, 0x64, 0x70), "#9DA8B4"),
    colour("--fig-axis", (0x98, 0xA2, 0xAE), "#66717D"),
    colour("--fig-grid", (0xE6, 0xE9, 0xED), "#2C333B"),
    colour("--fig-ground", (0xFF, 0xFF, 0xFF), "#161B21"),
    colour("--fig-0", (0x6A, 0x75, 0x82), "#A7B2BE"),
    colour("--fig-1", (0x00, 0x6C, 0xAB), "#58B4EC"),
    colour("--fig-2", (0xD0, 0x5A, 0x00), "#FF9350"),
    colour("--fig-3", (0x00, 0x87, 0x62), "#38C79A"),
    colour("--fig-4", (0xB0, 0x56, 0x8A), "#E495C3"),
    colour("--fig-5", (0xA8, 0x7A, 0x00), "#E3B53F"),
    colour("--fig-6", (0x3F, 0x4E, 0xA8), "#99A5FF"),
];

const FIRST_SERIES: usize = 5;

impl Ink {
    /// The colour on a light background.
    pub(crate) fn light(self) -> (u8, u8, u8) {
        COLOURS[self.index()].light
    }

    fn index(self) -> usize {
        let treatments = COLOURS.len() - FIRST_SERIES - 1;
        match self {
            Self::Text => 0,
            Self::Muted => 1,
            Self::Axis => 2,
            Self::Grid => 3,
            Self::Ground => 4,
            Self::Series(0) => FIRST_SERIES,
            Self::Series(n) => FIRST_SERIES + 1 + (n - 1) % treatments,
        }
    }
}

/// Replaces every colour of a drawing by its variable.
pub(crate) fn with_variables(svg: &str) -> String {
    COLOURS.iter().fold(svg.to_owned(), |svg, colour| {
        svg.replace(
            &format!("\"{}\"", hex(colour.light)),
            &format!("\"var({})\"", colour.variable),
        )
    })
}

/// The variables' values as CSS declarations, for a light background and for a dark one.
pub(crate) fn declarations() -> (String, String) {
    let list = |value: &dyn Fn(&Colour) -> String| {
        COLOURS
            .iter()
            .map(|colour| format!("{}:{};", colour.variable, value(colour)))
            .collect()
    };
    (
        list(&|colour| hex(colour.light)),
        list(&|colour| colour.dark.to_owned()),
    )
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_colours_are_the_same() {
        let light: BTreeSet<_> = COLOURS.iter().map(|c| c.light).collect();
        let dark: BTreeSet<_> = COLOURS.iter().map(|c| c.dark).collect();
        assert_eq!((light.len(), dark.len()), (COLOURS.len(), COLOURS.len()));
    }

    #[test]
    fn arms_beyond_the_palette_are_never_drawn_as_the_baseline() {
        for arm in 1..40 {
            assert_ne!(
                Ink::Series(arm).light(),
                Ink::Series(0).light(),
                "arm {arm}"
            );
        }
    }

    #[test]
    fn text_and_series_stand_out_from_both_backgrounds() {
        // WCAG 2.2: 4.5 for text, 3 for marks.
        let luminance = |(r, g, b): (u8, u8, u8)| {
            let linear = |c: u8| {
                let c = f64::from(c) / 255.0;
                if c <= 0.04045 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        let contrast = |a, b| {
            let (a, b): (f64, f64) = (luminance(a), luminance(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for colour in &COLOURS {
            let least = match colour.variable {
                "--fig-grid" | "--fig-axis" | "--fig-ground" => continue,
                "--fig-text" | "--fig-muted" => 4.5,
                _ => 3.0,
            };
            let byte = |at| u8::from_str_radix(&colour.dark[at..at + 2], 16).expect("a colour");
            let dark = (byte(1), byte(3), byte(5));
            let name = colour.variable;
            assert!(contrast(colour.light, (255, 255, 255)) >= least, "{name}");
            assert!(contrast(dark, (0x16, 0x1B, 0x21)) >= least, "{name}");
        }
    }
}
