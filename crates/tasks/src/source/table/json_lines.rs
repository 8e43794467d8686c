//! JSON lines: one object per line, whose keys name the columns.

use std::collections::HashSet;
use std::fmt;
use std::io::BufRead;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::number;
use super::text;
use super::value::{Fault, Value};
use crate::error::{TaskError, excerpt};

/// Reads the objects of a file one after the other. Blank lines are skipped.
pub(super) struct Objects<'a> {
    path: &'a Path,
    gzip: bool,
    reader: Box<dyn BufRead>,
    line: usize,
    bytes: Vec<u8>,
}

/// The value of a key; its memory serves row after row.
#[derive(Default)]
pub(super) struct Slot {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Default)]
enum Kind {
    #[default]
    Missing,
    Null,
    Text,
    Other(&'static str),
}

impl Slot {
    /// Returns the value.
    pub(super) fn value(&self) -> Value<'_> {
        match self.kind {
            Kind::Missing => Value::Other("missing"),
            Kind::Null => Value::Other("null"),
            Kind::Text => Value::Text(&self.text),
            Kind::Other(kind) => Value::Other(kind),
        }
    }
}

impl<'a> Objects<'a> {
    /// Opens a file.
    pub(super) fn open(path: &'a Path, gzip: bool) -> Result<Self, TaskError> {
        Ok(Self {
            path,
            gzip,
            reader: text::open(path, gzip)?,
            line: 0,
            bytes: Vec::new(),
        })
    }

    /// Reads the values that the next object has for `columns`, and returns its line; `None` at the end
    /// of the file.
    pub(super) fn next(
        &mut self,
        columns: &[&str],
        slots: &mut Vec<Slot>,
    ) -> Result<Option<usize>, TaskError> {
        if !self.next_line()? {
            return Ok(None);
        }
        slots.resize_with(columns.len(), Slot::default);
        for slot in slots.iter_mut() {
            slot.kind = Kind::Missing;
            slot.text.clear();
        }
        self.parse(Object { columns, slots })?;
        Ok(Some(self.line))
    }

    /// Reads the keys of the next `count` objects, each key once; `None` at the end of the file. A line that is no object
    /// goes to `fault`.
    pub(super) fn keys(
        &mut self,
        count: usize,
        fault: &mut Fault<'_>,
    ) -> Result<Option<Vec<String>>, TaskError> {
        let mut seen = HashSet::new();
        let mut all = None;
        for _ in 0..count {
            if !self.next_line()? {
                break;
            }
            let all = all.get_or_insert_with(Vec::new);
            match self.parse(Keys) {
                Err(error) => fault(error)?,
                Ok(keys) => all.extend(keys.into_iter().filter(|key| seen.insert(key.clone()))),
            }
        }
        Ok(all)
    }

    /// Goes to the next line that is not blank. Returns whether there is one.
    fn next_line(&mut self) -> Result<bool, TaskError> {
        loop {
            self.bytes.clear();
            let read = self.reader.read_until(b'\n', &mut self.bytes);
            if read.map_err(|error| text::unreadable(self.path, self.gzip, error))? == 0 {
                return Ok(false);
            }
            self.line += 1;
            if !self.bytes.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn parse<'b, T: DeserializeSeed<'b>>(&'b self, seed: T) -> Result<T::Value, TaskError> {
        let path = || self.path.to_owned();
        let line = self.line;
        // Without its line end, so that an object that is cut short ends on this line.
        let text = std::str::from_utf8(self.bytes.trim_ascii_end())
            .map_err(|_| TaskError::NotUtf8 { path: path(), line })?;
        let mut json = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(&mut json);
        value
            .and_then(|value| json.end().map(|()| value))
            .map_err(|error| {
                let message = error.to_string();
                let message = match message.split_once(" at line ") {
                    Some((message, _)) => message,
                    None => &message,
                };
                TaskError::Line {
                    path: path(),
                    line,
                    found: excerpt(&format!("byte {}: {message}", error.column()))
                        .replace(char::is_control, " "),
                    expected: "one JSON object per line".to_owned(),
                }
            })
    }
}

/// Takes the names of an object's keys.
struct Keys;

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            keys.push(key);
        }
        Ok(keys)
    }
}

/// Takes the values of some columns.
struct Object<'s> {
    columns: &'s [&'s str],
    slots: &'s mut [Slot],
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(at) = map.next_key_seed(Column(self.columns))? {
            let Some(at) = at else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let slot = &mut self.slots[at];
            if !matches!(slot.kind, Kind::Missing) {
                let column = self.columns[at];
                return Err(A::Error::custom(format_args!("two keys {column:?}")));
            }
            map.next_value_seed(slot)?;
        }
        Ok(())
    }
}

/// Takes a key and returns its position among these columns.
struct Column<'s>(&'s [&'s str]);

impl<'de> DeserializeSeed<'de> for Column<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Column<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|&column| column == key))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Slot {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl Slot {
    fn set<E>(&mut self, text: &str) -> Result<(), E> {
        self.kind = Kind::Text;
        self.text.push_str(text);
        Ok(())
    }
}

impl<'de> Visitor<'de> for &mut Slot {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.set(text)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.set(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.set(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.set(&number::float(number))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.set(if value { "True" } else { "False" })
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.kind = Kind::Null;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.kind = Kind::Other("a list");
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.kind = Kind::Other("an object");
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
