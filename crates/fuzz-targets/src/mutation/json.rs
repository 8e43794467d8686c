//! Changes of a JSON document: other values, other keys, missing and repeated parts.

use serde_json::{Map, Number, Value, json};

use faults::Draws;

pub(super) fn changed(input: &[u8], other: &[u8], draws: &mut Draws) -> Option<Vec<u8>> {
    let mut document: Value = serde_json::from_slice(input).ok()?;
    let other: Value = serde_json::from_slice(other).unwrap_or_default();
    change(&mut document, &other, draws);
    serde_json::to_vec(&document).ok()
}

/// Changes one place of a document.
pub(super) fn change(document: &mut Value, other: &Value, draws: &mut Draws) {
    let places = count(document);
    let place = draws.below(places);
    let part = part(other, draws.below(count(other))).clone();
    let Some(value) = nth(document, &mut place.clone()) else {
        return;
    };
    match draws.below(8) {
        0..=2 => *value = odd(draws),
        3 => *value = part,
        4 => remove(value, draws),
        5 => rename(value, draws),
        6 => repeat(value, draws),
        _ => nudge(value, draws),
    }
}

/// How many values a document has, those inside others too.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// The value at a place in the order of [`count`].
fn nth<'v>(value: &'v mut Value, place: &mut usize) -> Option<&'v mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => return None,
    };
    for value in inner {
        let size = count(value);
        if *place < size {
            return nth(value, place);
        }
        *place -= size;
    }
    None
}

fn part(value: &Value, place: usize) -> &Value {
    let mut left = place;
    let mut here = value;
    'down: while left > 0 {
        left -= 1;
        let inner: Vec<&Value> = match here {
            Value::Array(items) => items.iter().collect(),
            Value::Object(fields) => fields.values().collect(),
            _ => return here,
        };
        for value in inner {
            let size = count(value);
            if left < size {
                here = value;
                continue 'down;
            }
            left -= size;
        }
        return here;
    }
    here
}

/// A value that a reader may not expect.
fn odd(draws: &mut Draws) -> Value {
    match draws.below(22) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(1),
        4 => json!(-1),
        5 => json!(1_u64 << draws.below(64)),
        6 => json!((1_u64 << draws.below(63)) + 1),
        7 => json!(u64::MAX),
        8 => json!(i64::MIN),
        9 => json!(1e308),
        10 => json!(0.5),
        11 => json!(1e-320),
        12 => json!(""),
        13 => json!("../outside.json"),
        14 => json!("/etc/passwd"),
        15 => json!("a\nb\u{1b}[2J\u{0}\u{202e}\t"),
        16 => json!("x".repeat(1 << draws.below(13))),
        17 => json!([]),
        18 => json!({}),
        19 => json!(draws.below(1000)),
        20 => {
            let mut nested = json!(0);
            for _ in 0..draws.below(140) {
                nested = json!([nested]);
            }
            nested
        }
        _ => json!({ "type": "Sequence", "normalizers": [], "a\nb": null }),
    }
}

fn remove(value: &mut Value, draws: &mut Draws) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.remove(draws.below(items.len()));
        }
        Value::Object(fields) => {
            if let Some(key) = key(fields, draws) {
                fields.remove(&key);
            }
        }
        other => *other = Value::Null,
    }
}

fn rename(value: &mut Value, draws: &mut Draws) {
    match value {
        Value::Object(fields) => {
            let Some(key) = key(fields, draws) else {
                return;
            };
            let moved = fields.get(&key).cloned().unwrap_or_default();
            let new = match odd(draws) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            if draws.once_in(2) {
                fields.remove(&key);
            }
            fields.insert(new, moved);
        }
        Value::String(text) => *text = text.chars().rev().collect(),
        other => *other = json!(other.to_string()),
    }
}

fn repeat(value: &mut Value, draws: &mut Draws) {
    let times = 1 << draws.below(8);
    match value {
        Value::Array(items) if items.len() < 1_000 => {
            let again: Vec<Value> = items
                .iter()
                .cycle()
                .take(items.len() * times)
                .cloned()
                .collect();
            *items = again;
        }
        Value::Object(fields) if fields.len() < 1_000 => {
            let more: Vec<(String, Value)> = fields
                .iter()
                .map(|(key, value)| (format!("{key}{times}"), value.clone()))
                .collect();
            fields.extend(more);
        }
        Value::String(text) if text.len() < 1_000 => *text = text.repeat(times),
        other => *other = json!([other.clone(), other.clone()]),
    }
}

/// Changes a value a little.
fn nudge(value: &mut Value, draws: &mut Draws) {
    let more = draws.once_in(2);
    match value {
        Value::Bool(is) => *is = !*is,
        Value::Number(number) => *number = nudged(number, more),
        Value::String(text) => match more {
            true => text.push(char::from(draws.number() as u8)),
            false => {
                text.pop();
            }
        },
        Value::Array(items) => items.reverse(),
        other => *other = odd(draws),
    }
}

fn nudged(number: &Number, more: bool) -> Number {
    match (number.as_u64(), number.as_f64()) {
        (Some(whole), _) => match more {
            true => whole.wrapping_mul(2).into(),
            false => whole.wrapping_sub(1).into(),
        },
        (None, float) => {
            let float = float.unwrap_or(0.0) * if more { 1e30 } else { -1e-30 };
            Number::from_f64(float).unwrap_or_else(|| 0.into())
        }
    }
}

fn key(fields: &Map<String, Value>, draws: &mut Draws) -> Option<String> {
    fields.keys().nth(draws.below(fields.len())).cloned()
}
