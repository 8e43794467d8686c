//! Where lines of predictions go.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use encoders::HeadOutputs;
use files::{LineFile, WrittenLines};
use serde::{Deserialize, Serialize};

use crate::error::PredictError;
use crate::format::Format;
use crate::input::Text;
use crate::prediction::Prediction;
use crate::predictor::Predictor;

/// Longest part of a text in a message, in characters.
const EXCERPT: usize = 40;

/// A stream or a file of predictions, one line each.
pub struct Output {
    sink: Sink,
    format: Format,
    lines: Vec<u8>,
}

enum Sink {
    Stream {
        name: String,
        writer: Box<dyn Write>,
    },
    File(LineFile),
}

/// How the predictions of a file were made: a small JSON file beside it, so that no other model continues it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Made {
    /// SHA-256 of the weights and of what else decides on predictions.
    model: String,
    max_length: usize,
    format: String,
}

/// The lines that an earlier run has written.
pub(crate) struct Earlier {
    path: PathBuf,
    format: Format,
    lines: WrittenLines,
    /// The number of the last line read.
    line: usize,
    /// That line, as long as no text has it.
    pending: Option<Vec<u8>>,
}

impl Output {
    /// Writes to a stream, which messages call `name`.
    pub fn stream(name: impl Into<String>, writer: impl Write + 'static, format: Format) -> Self {
        Self {
            sink: Sink::Stream {
                name: name.into(),
                writer: Box::new(writer),
            },
            format,
            lines: Vec::new(),
        }
    }

    /// Opens a file that can be continued, creating it if need be: an incomplete last line is cut off, and
    /// [`run()`](crate::run()) predicts what is missing. Beside it, in `FILE.run.json`, is how it was made.
    ///
    /// A device or a pipe cannot be continued, and is a stream.
    ///
    /// # Errors
    /// [`PredictError::File`]; [`PredictError::TableFile`] for [`Format::Table`], whose lines cannot be read back;
    /// [`PredictError::NotOurs`] or [`PredictError::OtherRun`] if the file has bytes that were not written with this model and these
    /// settings.
    pub fn file(path: &Path, format: Format, predictor: &Predictor) -> Result<Self, PredictError> {
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            let name = path.display().to_string();
            let opened = fs::OpenOptions::new().write(true).open(path);
            return match opened {
                Ok(file) => Ok(Self::stream(name, file, format)),
                Err(source) => Err(PredictError::Write { name, source }),
            };
        }
        if format == Format::Table {
            let path = path.to_owned();
            return Err(PredictError::TableFile { path });
        }
        let made = Made {
            model: predictor.sha256()?,
            max_length: predictor.max_length(),
            format: format.name().to_owned(),
        };
        // Before it is opened, which would cut an incomplete last line off; once more when nobody else can write it.
        if fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0) {
            made.check(path)?;
        }
        let file = LineFile::open(path)?;
        match file.is_empty() {
            true => made.write(path)?,
            false => made.check(path)?,
        }
        Ok(Self {
            sink: Sink::File(file),
            format,
            lines: Vec::new(),
        })
    }

    /// The lines that are already there, to be compared with the first texts; the header is.
    pub(crate) fn earlier(&self) -> Result<Option<Earlier>, PredictError> {
        let Sink::File(file) = &self.sink else {
            return Ok(None);
        };
        let mut earlier = Earlier {
            path: file.path().to_owned(),
            format: self.format,
            lines: file.lines()?,
            line: 0,
            pending: None,
        };
        if let Some(header) = self.format.header()
            && let Some(line) = earlier.next_line()?
            && line != header.as_bytes()
        {
            return Err(earlier.other(excerpt(&line), format!("{header:?}")));
        }
        Ok(Some(earlier))
    }

    /// Bytes of an incomplete line that was cut off when the file was opened.
    pub(crate) fn torn_bytes(&self) -> u64 {
        match &self.sink {
            Sink::Stream { .. } => 0,
            Sink::File(file) => file.torn_bytes(),
        }
    }

    /// Writes the line before the first prediction.
    pub(crate) fn begin(&mut self) {
        let is_new = match &self.sink {
            Sink::Stream { .. } => true,
            Sink::File(file) => file.is_empty(),
        };
        if let Some(header) = self.format.header().filter(|_| is_new) {
            self.lines.extend_from_slice(header.as_bytes());
            self.lines.push(b'\n');
        }
    }

    /// Writes the predictions of some texts.
    pub(crate) fn write<'a>(
        &mut self,
        predictions: impl IntoIterator<Item = (&'a Text, &'a Prediction)>,
        outputs: &HeadOutputs,
    ) -> Result<(), PredictError> {
        for (text, prediction) in predictions {
            self.format
                .write(text, prediction, outputs, &mut self.lines);
        }
        let written = match &mut self.sink {
            Sink::File(file) => file.append(&self.lines).map_err(PredictError::from),
            Sink::Stream { name, writer } => {
                let written = writer.write_all(&self.lines).and_then(|()| writer.flush());
                written.map_err(|source| PredictError::Write {
                    name: name.clone(),
                    source,
                })
            }
        };
        self.lines.clear();
        written
    }

    /// Waits until everything is on disk.
    pub(crate) fn finish(self) -> Result<(), PredictError> {
        match self.sink {
            Sink::Stream { .. } => Ok(()),
            Sink::File(file) => Ok(file.sync()?),
        }
    }
}

impl Made {
    /// Where it is, beside a file of predictions.
    fn path(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".run.json");
        PathBuf::from(path)
    }

    /// Writes it beside a file that has no line.
    fn write(&self, file: &Path) -> Result<(), PredictError> {
        let path = Self::path(file);
        files::remove_abandoned(path.parent().unwrap_or(Path::new("")))?;
        let text = serde_json::to_string(self).expect("it is plain data") + "\n";
        Ok(files::replace(&path, text.as_bytes())?)
    }

    /// Compares with what is beside a file.
    fn check(&self, file: &Path) -> Result<(), PredictError> {
        let path = Self::path(file);
        let bytes = fs::read(&path).ok();
        let earlier = bytes.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        let Some(earlier) = earlier else {
            return Err(PredictError::NotOurs {
                path: file.to_owned(),
                run: path,
            });
        };
        let lengths = [&earlier, self].map(|made| made.max_length.to_string());
        for (field, found, here) in [
            ("model", &earlier.model, &self.model),
            ("max_length", &lengths[0], &lengths[1]),
            ("format", &earlier.format, &self.format),
        ] {
            if found != here {
                return Err(PredictError::OtherRun {
                    path,
                    field,
                    found: found.clone(),
                    here: here.clone(),
                });
            }
        }
        Ok(())
    }
}

impl Earlier {
    /// Whether there is another line, which must be the prediction of this text; if it is not, the next text may have
    /// it.
    pub(crate) fn has(&mut self, text: &Text) -> Result<bool, PredictError> {
        let Some(line) = self.next_line()? else {
            return Ok(false);
        };
        let expected = self.format.as_read(text);
        let error = match self.format.read(&line) {
            Some(found) if found == expected => return Ok(true),
            Some(found) => self.other(shown(&found), shown(&expected)),
            None => self.other(excerpt(&line), "a prediction".to_owned()),
        };
        self.pending = Some(line);
        Err(error)
    }

    /// The input has ended: no line may be left.
    pub(crate) fn end(&mut self) -> Result<(), PredictError> {
        match self.next_line()? {
            None => Ok(()),
            Some(line) => Err(self.other(excerpt(&line), "no more lines".to_owned())),
        }
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, PredictError> {
        if let Some(line) = self.pending.take() {
            return Ok(Some(line));
        }
        let line = self.lines.next().transpose()?;
        self.line += usize::from(line.is_some());
        Ok(line)
    }

    fn other(&self, found: String, expected: String) -> PredictError {
        PredictError::OtherInput {
            path: self.path.clone(),
            line: self.line,
            found,
            expected,
        }
    }
}

fn excerpt(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    format!("{:?}", shortened(&text))
}

fn shown(text: &Text) -> String {
    let first = format!("the text {:?}", shortened(&text.text));
    match text.text_pair.as_deref() {
        None | Some("") => first,
        Some(second) => format!("{first} with {:?}", shortened(second)),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
