//! Marks in pixels on parts of an SVG drawing.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use plotters_backend::text_anchor::Pos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontFamily, FontStyle, FontTransform,
};
use plotters_svg::SVGBackend;

pub(crate) use plotters_backend::text_anchor::{HPos, VPos};

use super::palette::Ink;

/// Drawing units per pixel: plotters draws at whole units.
pub(crate) const SCALE: u32 = 4;

/// For standalone files; a page sets its own.
pub(crate) const FONT: &str = "Helvetica, Arial, sans-serif";

/// A place, from the upper left corner of the area.
pub(crate) type Point = (f64, f64);

/// A rectangle of a drawing, measured in pixels.
#[derive(Clone)]
pub(crate) struct Area<'a> {
    canvas: Rc<RefCell<SVGBackend<'a>>>,
    left: f64,
    top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// How a mark is drawn: along its outline, or filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    ink: Ink,
    opacity: f64,
    /// `None` for filled.
    width: Option<f64>,
}

/// How a text is set, and its anchor.
#[derive(Clone, Copy)]
pub(crate) struct Type {
    ink: Ink,
    size: f64,
    anchor: (HPos, VPos),
    is_bold: bool,
}

/// Draws an SVG of this many pixels.
pub(crate) fn draw(width: u32, height: u32, paint: impl FnOnce(&Area<'_>)) -> String {
    let mut svg = String::new();
    let backend = SVGBackend::with_string(&mut svg, (SCALE * width, SCALE * height));
    paint(&Area {
        canvas: Rc::new(RefCell::new(backend)),
        left: 0.0,
        top: 0.0,
        width: f64::from(width),
        height: f64::from(height),
    });
    svg
}

/// The most a text is wide, in pixels: the font is unknown, so a wide one is assumed.
pub(crate) fn width_of(words: &str, size: f64) -> f64 {
    0.58 * size * words.chars().count() as f64
}

impl<'a> Area<'a> {
    /// The part to the left of `x`, and the rest.
    pub(crate) fn split_at_x(&self, x: f64) -> (Self, Self) {
        (
            self.part(0.0, 0.0, x, self.height),
            self.part(x, 0.0, self.width - x, self.height),
        )
    }

    /// The part above `y`, and the rest.
    pub(crate) fn split_at_y(&self, y: f64) -> (Self, Self) {
        (
            self.part(0.0, 0.0, self.width, y),
            self.part(0.0, y, self.width, self.height - y),
        )
    }

    /// Two parts of equal height, one below the other, with a gap between them.
    pub(crate) fn halves(&self, gap: f64) -> (Self, Self) {
        let (upper, rest) = self.split_at_y((self.height - gap) / 2.0);
        (upper, rest.split_at_y(gap).1)
    }

    /// Parts of equal size, row by row.
    pub(crate) fn grid(&self, rows: usize, columns: usize) -> Vec<Self> {
        let (width, height) = (self.width / columns as f64, self.height / rows as f64);
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        places
            .map(|(row, column)| {
                self.part(column as f64 * width, row as f64 * height, width, height)
            })
            .collect()
    }

    fn part(&self, left: f64, top: f64, width: f64, height: f64) -> Self {
        Self {
            canvas: Rc::clone(&self.canvas),
            left: self.left + left,
            top: self.top + top,
            width,
            height,
        }
    }

    /// Draws a line from point to point.
    pub(crate) fn line(&self, points: &[Point], pen: Pen) {
        let path: Vec<BackendCoord> = points.iter().map(|point| self.place(*point)).collect();
        done(self.canvas.borrow_mut().draw_path(path, &pen));
    }

    /// Draws a circle.
    pub(crate) fn circle(&self, centre: Point, radius: f64, pen: Pen) {
        let (centre, radius) = (self.place(centre), units(radius).unsigned_abs());
        let is_filled = pen.width.is_none();
        done(
            self.canvas
                .borrow_mut()
                .draw_circle(centre, radius, &pen, is_filled),
        );
    }

    /// Draws a rectangle between its upper left and its lower right corner.
    pub(crate) fn rectangle(&self, from: Point, to: Point, pen: Pen) {
        let (from, to) = (self.place(from), self.place(to));
        let is_filled = pen.width.is_none();
        done(
            self.canvas
                .borrow_mut()
                .draw_rect(from, to, &pen, is_filled),
        );
    }

    /// Sets a text, which cannot act on its surroundings; plotters escapes markup.
    pub(crate) fn text(&self, words: &str, point: Point, style: Type) {
        let (words, point) = (harmless::shown(words), self.place(point));
        done(self.canvas.borrow_mut().draw_text(&words, &style, point));
    }

    fn place(&self, (x, y): Point) -> BackendCoord {
        (units(self.left + x), units(self.top + y))
    }
}

impl Ink {
    /// An outline this many pixels wide.
    pub(crate) fn line(self, width: f64) -> Pen {
        Pen {
            ink: self,
            opacity: 1.0,
            width: Some(width),
        }
    }

    /// Fills the shape.
    pub(crate) fn filled(self) -> Pen {
        Pen {
            ink: self,
            opacity: 1.0,
            width: None,
        }
    }

    /// A text this many pixels high.
    pub(crate) fn text(self, size: f64, horizontal: HPos, vertical: VPos) -> Type {
        Type {
            ink: self,
            size,
            anchor: (horizontal, vertical),
            is_bold: false,
        }
    }
}

impl Pen {
    /// Lets the background show through.
    pub(crate) fn faint(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

impl Type {
    pub(crate) fn bold(self) -> Self {
        Self {
            is_bold: true,
            ..self
        }
    }
}

impl BackendStyle for Pen {
    fn color(&self) -> BackendColor {
        BackendColor {
            alpha: self.opacity,
            rgb: self.ink.light(),
        }
    }

    fn stroke_width(&self) -> u32 {
        self.width.map_or(0, |width| units(width).unsigned_abs())
    }
}

impl BackendTextStyle for Type {
    type FontError = Infallible;

    fn color(&self) -> BackendColor {
        BackendColor {
            alpha: 1.0,
            rgb: self.ink.light(),
        }
    }

    fn size(&self) -> f64 {
        // plotters-svg divides the size by 1.24.
        self.size * f64::from(SCALE) * 1.24
    }

    fn transform(&self) -> FontTransform {
        FontTransform::None
    }

    fn style(&self) -> FontStyle {
        match self.is_bold {
            true => FontStyle::Bold,
            false => FontStyle::Normal,
        }
    }

    fn anchor(&self) -> Pos {
        Pos::new(self.anchor.0, self.anchor.1)
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name(FONT)
    }

    // The next two are for backends that draw letters as pixels.
    fn layout_box(&self, words: &str) -> Result<((i32, i32), (i32, i32)), Infallible> {
        Ok((
            (0, 0),
            (units(width_of(words, self.size)), units(self.size)),
        ))
    }

    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        _: &str,
        _: BackendCoord,
        _: F,
    ) -> Result<Result<(), E>, Infallible> {
        Ok(Ok(()))
    }
}

fn units(pixels: f64) -> i32 {
    (pixels * f64::from(SCALE)).round() as i32
}

fn done(drawn: Result<(), DrawingErrorKind<std::io::Error>>) {
    drawn.expect("a string takes every mark");
}
