//! What surrounds a figure's panels: the title in a file, the legend, the SVG element.

use super::canvas::{self, Area, FONT, HPos, SCALE, VPos, width_of};
use super::palette::Ink;
use super::{Drawing, Key, Layout, Mark};

const LEGEND_ROW: u32 = 22;
const LEGEND_TEXT: f64 = 12.5;
const TITLE: u32 = 34;
/// Room for the mark before a name.
const MARK: f64 = 24.0;

/// Draws title, legend and panels as an SVG element.
pub(crate) fn draw(drawing: &impl Drawing, layout: Layout, title: Option<&str>) -> String {
    let rows = rows_of(&drawing.legend(), layout);
    let title_height = if title.is_some() { TITLE } else { 0 };
    let legend_height = if rows.is_empty() {
        0
    } else {
        LEGEND_ROW * rows.len() as u32 + 6
    };
    let height = title_height + legend_height + drawing.height(layout);
    canvas::draw(layout.width(), height, |root| {
        if let Some(title) = title {
            let style = Ink::Text.text(16.0, HPos::Left, VPos::Top).bold();
            root.text(title, (8.0, 8.0), style);
        }
        let (_, body) = root.split_at_y(f64::from(title_height));
        let (legend, panels) = body.split_at_y(f64::from(legend_height));
        draw_legend(&legend, &rows);
        drawing.paint(&panels, layout);
    })
}

/// Replaces the attributes of a drawing's element, so that its size follows the page's, and puts `inner`
/// first in it. Removes attributes that say nothing.
pub(crate) fn reopen(svg: &str, attributes: &str, inner: &str) -> String {
    let (opening, body) = svg.split_once(">\n").unwrap_or((svg, ""));
    let view = opening
        .split_once("viewBox=\"")
        .map_or("", |(_, rest)| rest);
    let view = view.split_once('"').map_or("", |(view, _)| view);
    let sizes: Vec<u32> = view.split(' ').filter_map(|n| n.parse().ok()).collect();
    let [.., width, height] = sizes[..] else {
        unreachable!("plotters-svg writes four numbers")
    };
    let body = body
        .replace(" opacity=\"1\"", "")
        .replace(&format!(" font-family=\"{FONT}\""), "");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{view}\" width=\"{}\" height=\"{}\" font-family=\"{FONT}\"{attributes}>\n{inner}{body}",
        width / SCALE,
        height / SCALE,
    )
}

/// Breaks a legend into rows of (entry, left edge in pixels).
fn rows_of(legend: &[Key], layout: Layout) -> Vec<Vec<(Key, f64)>> {
    let mut rows: Vec<Vec<(Key, f64)>> = Vec::new();
    let mut left = f64::INFINITY;
    for key in legend {
        let width = MARK + width_of(&key.name, LEGEND_TEXT) + 10.0;
        if left + width > f64::from(layout.width()) {
            rows.push(Vec::new());
            left = 2.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((key.clone(), left));
        }
        left += width;
    }
    rows
}

fn draw_legend(area: &Area<'_>, rows: &[Vec<(Key, f64)>]) {
    for (row, keys) in rows.iter().enumerate() {
        let y = f64::from(LEGEND_ROW) * (row as f64 + 0.5);
        for (key, left) in keys {
            let (start, end) = (*left, left + 16.0);
            let middle = (f64::midpoint(start, end), y);
            match key.mark {
                Mark::Line => area.line(&[(start, y), (end, y)], key.ink.line(3.0)),
                Mark::Dot => area.circle(middle, 5.5, key.ink.filled()),
                Mark::Ring => area.circle(middle, 4.5, key.ink.line(2.0)),
            }
            let style = Ink::Text.text(LEGEND_TEXT, HPos::Left, VPos::Center);
            area.text(&key.name, (left + MARK, y), style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_breaks_where_a_phone_ends() {
        let key = |name| Key::new(name, Ink::Series(1), Mark::Line);
        let names = [
            "baseline",
            "noisytune",
            "gaussian-matched",
            "global-gaussian",
            "recadam",
        ];
        let legend = names.map(key);
        let (wide, narrow) = (
            rows_of(&legend, Layout::Wide),
            rows_of(&legend, Layout::Narrow),
        );
        assert_eq!(wide.len(), 1);
        assert_eq!(narrow.len(), 2);
        for (layout, rows) in [(Layout::Wide, wide), (Layout::Narrow, narrow)] {
            let shown: Vec<Key> = rows.iter().flatten().map(|(key, _)| key.clone()).collect();
            assert_eq!(shown, legend, "{layout:?}");
            for (key, left) in rows.iter().flatten() {
                let right = left + MARK + width_of(&key.name, LEGEND_TEXT);
                assert!(
                    right <= f64::from(layout.width()),
                    "{layout:?}: {}",
                    key.name
                );
            }
        }
        assert_eq!(rows_of(&[], Layout::Wide).len(), 0);
    }
}
