//! Figures as SVG: each is drawn twice, for a wide page and for a phone.
//!
//! Figures know numbers and names, not studies or records.

mod axes;
mod canvas;
mod curves;
mod data_size;
mod effects;
mod frame;
mod gain_by_cost;
mod movement;
mod paired;
mod palette;
mod sweep;

pub(crate) use curves::{Curves, Line};
pub(crate) use data_size::{DataSize, Size};
pub(crate) use effects::{Effect, Effects};
pub(crate) use gain_by_cost::{GainByCost, Priced};
pub(crate) use movement::{Movement, Part};
pub(crate) use paired::{Pair, Pairs};
pub(crate) use palette::declarations;
pub(crate) use sweep::Sweep;

use canvas::Area;
pub(crate) use palette::Ink;

/// Every figure that a report can have.
pub(crate) const NAMES: [&str; 13] = [
    "pairs",
    "arms",
    "training-loss",
    "dev-by-epoch",
    "lambda",
    "noise-kind",
    "data-size",
    "l1-change",
    "l1-norm",
    "companions",
    "gain-by-cost",
    "expected-best",
    "at-the-best",
];

/// A figure of the report.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Stem of the file's name, one of [`NAMES`].
    pub(crate) name: &'static str,
    /// What is shown.
    pub(crate) title: String,
    /// What it shows, for readers who cannot see it.
    pub(crate) description: String,
    /// How to read it.
    pub(crate) caption: String,
    wide: String,
    narrow: String,
    file: String,
}

/// The width that a figure is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Wide,
    Narrow,
}

/// Something to draw.
pub(crate) trait Drawing {
    /// The names of the colours.
    fn legend(&self) -> Vec<Key> {
        Vec::new()
    }
    /// In pixels, without legend and title.
    fn height(&self, layout: Layout) -> u32;
    /// Draws into an area of that height.
    fn paint(&self, area: &Area<'_>, layout: Layout);
}

/// An entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) ink: Ink,
    pub(crate) mark: Mark,
}

impl Key {
    pub(crate) fn new(name: &str, ink: Ink, mark: Mark) -> Self {
        let name = name.to_owned();
        Self { name, ink, mark }
    }
}

/// How an entry of a legend is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Line,
    Dot,
    Ring,
}

impl Layout {
    /// In pixels.
    pub(crate) fn width(self) -> u32 {
        match self {
            Self::Wide => 760,
            Self::Narrow => 350,
        }
    }

    fn is_wide(self) -> bool {
        self == Self::Wide
    }
}

impl Figure {
    pub(crate) fn new(
        name: &'static str,
        title: impl Into<String>,
        description: impl Into<String>,
        caption: impl Into<String>,
        drawing: &impl Drawing,
    ) -> Self {
        let title = title.into();
        Self {
            name,
            wide: frame::draw(drawing, Layout::Wide, None),
            narrow: frame::draw(drawing, Layout::Narrow, None),
            file: frame::draw(drawing, Layout::Wide, Some(&title)),
            description: description.into(),
            caption: caption.into(),
            title,
        }
    }

    /// For a page: both widths, coloured by the page's variables; its style shows one of them.
    pub(crate) fn inline(&self) -> String {
        let name = self.name;
        let one = |svg: &str, class: &str| {
            let attributes = format!(
                " class=\"{class}\" role=\"img\" aria-labelledby=\"{name}-{class}-title {name}-{class}-about\""
            );
            let about = format!(
                "<title id=\"{name}-{class}-title\">{}</title>\n<desc id=\"{name}-{class}-about\">{}</desc>\n",
                escape(&self.title),
                escape(&self.description),
            );
            frame::reopen(&palette::with_variables(svg), &attributes, &about)
        };
        one(&self.wide, "wide") + &one(&self.narrow, "narrow")
    }

    /// As a standalone file, on white.
    pub(crate) fn standalone(&self) -> String {
        let about = format!(
            "<title>{}</title>\n<desc>{}</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n",
            escape(&self.title),
            escape(&self.description),
        );
        frame::reopen(&self.file, " role=\"img\"", &about)
    }
}

fn escape(text: &str) -> String {
    let Ok(escaped) = askama::filters::escape(text, askama::filters::Html);
    escaped.to_string()
}

#[cfg(test)]
mod marks {
    //! Finds what a drawing contains.

    /// The elements of a kind with all of these attributes or colours.
    pub(super) fn count(svg: &str, tag: &str, having: &[&str]) -> usize {
        let is_asked =
            |line: &&str| line.starts_with(tag) && having.iter().all(|h| line.contains(h));
        svg.lines().filter(is_asked).count()
    }

    /// The points of every line of a width in pixels and a colour, in drawing units.
    pub(super) fn lines(svg: &str, width: u32, colour: &str) -> Vec<Vec<(f64, f64)>> {
        let point = |pair: &str| {
            let (x, y) = pair.split_once(',').expect("two numbers");
            (x.parse().expect("a number"), y.parse().expect("a number"))
        };
        svg.lines()
            .filter(|line| line.starts_with("<polyline") && line.contains(colour))
            .filter(|line| line.contains(&format!(" stroke-width=\"{}\"", 4 * width)))
            .map(|line| {
                let points = line.split(" points=\"").nth(1).expect("its points");
                let points = points.split('"').next().expect("their end");
                points.split_whitespace().map(point).collect()
            })
            .collect()
    }

    /// The centres of the filled circles of a radius in pixels and a colour, in drawing units.
    pub(super) fn centres(svg: &str, radius: u32, colour: &str) -> Vec<(f64, f64)> {
        let attribute = |line: &str, name: &str| -> f64 {
            let rest = line
                .split(&format!(" {name}=\""))
                .nth(1)
                .expect("an attribute");
            rest.split('"')
                .next()
                .expect("its value")
                .parse()
                .expect("a number")
        };
        svg.lines()
            .filter(|line| line.starts_with("<circle"))
            .filter(|line| line.contains(&format!(" r=\"{}\"", 4 * radius)))
            .filter(|line| line.contains(&format!("fill=\"{colour}\"")))
            .map(|line| (attribute(line, "cx"), attribute(line, "cy")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(label: &str) -> Figure {
        let effect = |mean| Effect {
            label: label.to_owned(),
            ink: Ink::Series(1),
            values: vec![mean],
            mean,
            interval: Some([mean - 1.0, mean + 1.0]),
        };
        let drawing = Effects {
            effects: vec![effect(0.1), effect(0.2)],
            title: label.to_owned(),
        };
        Figure::new("name", label, label, "", &drawing)
    }

    #[test]
    fn a_page_colours_figures_by_its_variables_and_a_file_by_itself() {
        let figure = figure("a");
        let inline = figure.inline();
        assert!(!inline.contains("\"#"), "a colour is left");
        assert!(inline.contains("\"var(--fig-1)\""));
        let file = figure.standalone();
        assert!(!file.contains("var(") && file.contains("\"#006CAB\""));
        let variables = declarations();
        for name in inline.split("var(").skip(1) {
            let name = name.split(')').next().expect("a name");
            for list in [&variables.0, &variables.1] {
                assert_eq!(list.matches(&format!("{name}:#")).count(), 1, "{name}");
            }
        }
    }

    #[test]
    fn a_figure_has_a_name_for_readers_who_cannot_see_it() {
        let inline = figure("what").inline();
        assert_eq!(inline.matches("role=\"img\"").count(), 2);
        for class in ["wide", "narrow"] {
            for part in ["title", "about"] {
                let id = format!("name-{class}-{part}");
                assert_eq!(inline.matches(&format!("id=\"{id}\">what</")).count(), 1);
            }
        }
        assert!(
            figure("what")
                .standalone()
                .contains("<title>what</title>\n<desc>what</desc>")
        );
    }

    #[test]
    fn names_are_escaped_in_figures() {
        let figure = figure("<b> & \"c\"");
        for svg in [figure.inline(), figure.standalone()] {
            assert!(!svg.contains("<b>") && !svg.contains(" & "), "{svg}");
        }
    }

    #[test]
    fn the_title_is_drawn_in_the_file_only() {
        let figure = figure("what");
        let drawn = |svg: &str| svg.matches("font-weight=\"bold\"").count();
        assert_eq!(
            (drawn(&figure.inline()), drawn(&figure.standalone())),
            (0, 1)
        );
    }
}
