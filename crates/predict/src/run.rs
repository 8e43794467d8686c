//! From an input to an output, a window of texts at a time.

use std::ops::ControlFlow;

use encoders::EncoderError;

use crate::error::PredictError;
use crate::input::{Input, Places, Row, Text};
use crate::output::{Earlier, Output};
use crate::predictor::{Parts, Predictor};

/// Most texts of a window.
const TEXTS: usize = 8192;
/// Bytes of text after which a window is full: long texts would otherwise make windows of hours.
const BYTES: usize = 1 << 19;

/// Watches a run. The methods do nothing by default.
pub trait Observer {
    /// This many bytes of an incomplete last line were cut off.
    fn torn(&mut self, bytes: u64) {
        let _ = bytes;
    }

    /// This many more texts have their predictions in the output from before.
    fn found(&mut self, texts: usize) {
        let _ = texts;
    }

    /// This many more texts are predicted. If it breaks, the run stops, and the texts of its window are not written.
    fn predicted(&mut self, texts: usize) -> ControlFlow<()> {
        let _ = texts;
        ControlFlow::Continue(())
    }
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Texts whose predictions were in the output from before.
    pub found: usize,
    /// Texts whose predictions were written.
    pub predicted: usize,
    /// Those of them that were longer than the maximum length, and were cut.
    pub cut: usize,
    /// Rows without a prediction, because they are broken.
    pub broken: usize,
    /// What is wrong with the first of them, and where.
    pub first_broken: Option<String>,
    /// Whether the observer asked to stop.
    pub is_stopped: bool,
}

/// Predicts all texts of an input, in order.
///
/// With `skips`, rows that cannot be read and texts that cannot be tokenized are counted; otherwise, the first of them
/// ends the run with an error, and the predictions of earlier windows stay.
///
/// # Errors
/// [`PredictError`], in particular [`PredictError::OtherInput`] if the output has predictions of other texts.
pub fn run(
    predictor: &Predictor,
    input: &mut Input,
    mut output: Output,
    skips: bool,
    observer: &mut dyn Observer,
) -> Result<Summary, PredictError> {
    if output.torn_bytes() > 0 {
        observer.torn(output.torn_bytes());
    }
    let earlier = output.earlier()?;
    output.begin();
    let mut run = Run {
        predictor,
        output,
        observer,
        places: input.places(),
        skips,
        earlier,
        window: Vec::new(),
        bytes: 0,
        summary: Summary::default(),
    };
    input.visit(&mut |row| run.take(row))?;
    run.end()
}

/// A run between two rows.
struct Run<'a> {
    predictor: &'a Predictor,
    output: Output,
    observer: &'a mut dyn Observer,
    places: Places,
    skips: bool,
    /// The lines of an earlier run that no text was compared with yet.
    earlier: Option<Earlier>,
    /// Texts to predict, with their numbers.
    window: Vec<(usize, Text)>,
    /// The bytes of these texts.
    bytes: usize,
    summary: Summary,
}

impl Run<'_> {
    fn take(&mut self, row: Row) -> Result<ControlFlow<()>, PredictError> {
        let (number, text) = match row {
            Row::Text(number, text) => (number, text),
            Row::Broken(error) => {
                self.broken(error)?;
                return Ok(ControlFlow::Continue(()));
            }
        };
        if let Some(earlier) = &mut self.earlier {
            match earlier.has(&text) {
                Ok(true) => {
                    self.summary.found += 1;
                    self.observer.found(1);
                    return Ok(ControlFlow::Continue(()));
                }
                Ok(false) => self.earlier = None,
                // A text that cannot be tokenized has no line.
                Err(other) => {
                    return match self.predictor.encode(&[text.parts()]) {
                        Err(source) if self.skips => {
                            self.broken(self.untokenized(number, source))?;
                            Ok(ControlFlow::Continue(()))
                        }
                        _ => Err(other),
                    };
                }
            }
        }
        self.bytes += text.len();
        self.window.push((number, text));
        match self.window.len() < TEXTS && self.bytes < BYTES {
            true => Ok(ControlFlow::Continue(())),
            false => self.predict(),
        }
    }

    /// Predicts the texts of the window and writes their lines.
    fn predict(&mut self) -> Result<ControlFlow<()>, PredictError> {
        let mut window = std::mem::take(&mut self.window);
        self.bytes = 0;
        let encodings = match self.predictor.encode(&parts(&window)) {
            Ok(encodings) => encodings,
            Err(_) => {
                // One by one, to find all that are broken at once.
                for (number, text) in std::mem::take(&mut window) {
                    match self.predictor.encode(&[text.parts()]) {
                        Ok(_) => window.push((number, text)),
                        Err(source) => self.broken(self.untokenized(number, source))?,
                    }
                }
                self.predictor.encode(&parts(&window))?
            }
        };
        let (observer, places) = (&mut *self.observer, &self.places);
        let name = |position: usize| places.of(window[position].0);
        let predictions =
            self.predictor
                .forward(&encodings, &parts(&window), &name, &mut |texts| {
                    observer.predicted(texts)
                })?;
        let Some(predictions) = predictions else {
            self.summary.is_stopped = true;
            return Ok(ControlFlow::Break(()));
        };
        let texts = window.iter().map(|(_, text)| text);
        self.output
            .write(texts.zip(&predictions), self.predictor.outputs())?;
        self.summary.predicted += predictions.len();
        self.summary.cut += predictions.iter().filter(|one| one.is_cut).count();
        Ok(ControlFlow::Continue(()))
    }

    /// Counts a broken row, or ends the run.
    fn broken(&mut self, error: PredictError) -> Result<(), PredictError> {
        if !self.skips {
            return Err(error);
        }
        self.summary.broken += 1;
        let first = &mut self.summary.first_broken;
        first.get_or_insert_with(|| error.to_string());
        Ok(())
    }

    fn untokenized(&self, number: usize, source: EncoderError) -> PredictError {
        PredictError::Text {
            place: self.places.of(number),
            source,
        }
    }

    fn end(mut self) -> Result<Summary, PredictError> {
        if self.summary.is_stopped || self.predict()?.is_break() {
            return Ok(self.summary);
        }
        if let Some(earlier) = &mut self.earlier {
            earlier.end()?;
        }
        self.output.finish()?;
        Ok(self.summary)
    }
}

fn parts(window: &[(usize, Text)]) -> Vec<Parts<'_>> {
    window.iter().map(|(_, text)| text.parts()).collect()
}
