//! Changes of lines of text.

use serde_json::Value;

use super::{bytes, json};
use faults::Draws;

/// What a reader of text may stumble over.
const ODD: [&[u8]; 20] = [
    b"",
    b"\t",
    b",",
    b"\"",
    b"\"\"",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xe2\x80\xa8",
    b"\0",
    b"-1",
    b"1e999",
    b"nan",
    b"99999999999999999999999999999999999999999",
    b"../outside.json",
    b"\x1b[2J",
    b"\xe2\x80\xae",
    b"null",
];

pub(super) fn changed(input: &[u8], other: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = split(input);
    let others = split(other);
    let at = draws.below(lines.len());
    match draws.below(10) {
        0 => lines[at] = draws.one_of(&others).clone(),
        1 => lines.insert(at, draws.one_of(&others).clone()),
        2 => {
            lines.remove(at);
        }
        3 => {
            let line = lines[at].clone();
            let times = 1 << draws.below(9);
            for _ in 0..times {
                lines.insert(at, line.clone());
            }
        }
        4 => {
            let to = draws.below(lines.len());
            lines.swap(at, to);
        }
        5 | 6 => {
            let odd = *draws.one_of(&ODD);
            let line = &mut lines[at];
            let within = draws.below(line.len() + 1);
            line.splice(within..within, odd.iter().copied());
        }
        7 => {
            let line = &lines[at];
            let other = draws.one_of(&others).clone();
            lines[at] = bytes::changed(line, &other, draws);
        }
        _ => {
            let line: Result<Value, _> = serde_json::from_slice(&lines[at]);
            match line {
                Ok(mut line) => {
                    let other = draws.one_of(&others).clone();
                    let other = serde_json::from_slice(&other).unwrap_or_default();
                    json::change(&mut line, &other, draws);
                    lines[at] = line.to_string().into_bytes();
                }
                Err(_) => {
                    // Columns in another order, or some of them again.
                    let line = lines[at].clone();
                    let mut parts: Vec<&[u8]> = line.split(|b| b",\t".contains(b)).collect();
                    let from = draws.below(parts.len());
                    parts.push(parts[from]);
                    let to = draws.below(parts.len());
                    parts.swap(from, to);
                    let between = if line.contains(&b'\t') { b"\t" } else { b"," };
                    lines[at] = parts.join(&between[..]);
                }
            }
        }
    }
    lines.join(&b'\n')
}

fn split(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}
