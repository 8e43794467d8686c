//! Resident memory and open files of a study of many runs, as SVG.

use std::fmt::Write;

use crate::soak::{Row, Soak};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
/// Room for the labels of the axes.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
/// Upper and lower edge of each panel.
const MEMORY: [f64; 2] = [44.0, 230.0];
const FILES: [f64; 2] = [274.0, 350.0];

/// Draws both over the steps, each from 0.
pub(crate) fn render(soak: &Soak) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#5A6470\" role=\"img\">\n\
         <title>Resident memory and open files over {} steps in {} runs</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n",
        soak.runs * soak.steps_per_run,
        soak.runs
    );
    let title = format!(
        "most resident memory in MiB; over the last three quarters {:+.3} MiB per 1,000 steps, at most {} are accepted",
        soak.growth_per_1000_steps.mib, soak.most_growth_per_1000_steps.mib
    );
    panel(&mut svg, soak, MEMORY, &title, &|row| row.2 as f64 / 1024.0);
    panel(&mut svg, soak, FILES, "fewest open files", &|row| {
        row.3 as f64
    });
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    let _ = writeln!(
        svg,
        "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">steps, of runs that are recorded</text>\n</svg>",
        HEIGHT - 12.0
    );
    svg
}

fn panel(
    svg: &mut String,
    soak: &Soak,
    [top, bottom]: [f64; 2],
    title: &str,
    of: &dyn Fn(&Row) -> f64,
) {
    let most = soak.rows.iter().map(of).fold(0.0, f64::max);
    let step = round_step(most);
    let end = step * (most / step).ceil().max(1.0);
    let steps = (soak.runs * soak.steps_per_run) as f64;
    let x = |steps_taken: f64| LEFT + (WIDTH - LEFT - RIGHT) * steps_taken / steps;
    let y = |value: f64| bottom - (bottom - top) * value / end;
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"#1F252C\">{title}</text>",
        top - 12.0
    );
    let mut tick = 0.0;
    while tick <= end {
        let at = y(tick);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#E6E9ED\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        );
        tick += step;
    }
    for quarter in 0..=4 {
        let taken = steps * f64::from(quarter) / 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{taken}</text>",
            x(taken),
            bottom + 16.0
        );
    }
    let points: Vec<String> = soak
        .rows
        .iter()
        .map(|row| {
            let taken = (row.0 * soak.steps_per_run) as f64;
            format!("{:.1},{:.1}", x(taken), y(of(row)))
        })
        .collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#006CAB\" stroke-width=\"2\"/>",
        points.join(" ")
    );
}

/// A step of 1, 2 or 5 times a power of ten that divides the axis into two to five parts.
fn round_step(most: f64) -> f64 {
    let power = 10f64.powf((most.max(1.0) / 5.0).log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let step = factors
        .into_iter()
        .find(|factor| most / (factor * power) <= 5.0);
    (step.unwrap_or(10.0) * power).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::Growth;

    #[test]
    fn an_axis_has_two_to_five_parts() {
        for (most, step) in [
            (3.0, 1.0),
            (11.0, 5.0),
            (48.0, 10.0),
            (180.0, 50.0),
            (999.0, 200.0),
        ] {
            assert_eq!(round_step(most), step, "{most}");
        }
    }

    #[test]
    fn every_row_is_a_point_and_flat_memory_a_level_line() {
        let growth = |all| Growth {
            mib: all,
            open_files: all,
            threads: all,
        };
        let rows = (0..=4).map(|runs| Row(runs, 0.0, 102_400, 9, 3)).collect();
        let soak = Soak {
            runs: 4,
            steps_per_run: 100,
            growth_per_1000_steps: growth(0.0),
            most_growth_per_1000_steps: growth(0.5),
            rows,
        };
        let svg = render(&soak);
        let memory = svg
            .lines()
            .find(|line| line.starts_with("<polyline"))
            .expect("a line");
        let points = memory.split('"').nth(1).expect("its points");
        let heights: Vec<&str> = points
            .split(' ')
            .filter_map(|p| p.split(',').nth(1))
            .collect();
        assert_eq!(heights, ["44.0"; 5], "{memory}");
    }
}
