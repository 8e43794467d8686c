//! SentencePiece's table of characters that are replaced, `precompiled_charsmap`.

/// Checks a table before spm_precompiled reads it, which takes memory for as many units as it announces and later follows
/// its offsets without looking whether they lead out of it.
///
/// A table is base64 of: the length of the trie in bytes, the trie's units of 32 bits, and the texts that it points into.
///
/// Source: `DoubleArray::common_prefix_search` and `Precompiled::transform` of spm_precompiled 0.1.
///
/// Returns the length of the longest text, in bytes.
pub(super) fn check(table: &str) -> Result<usize, String> {
    let wrong = |reason: String| format!("precompiled_charsmap {reason}");
    let bytes = decoded(table).ok_or_else(|| wrong("is not base64".to_owned()))?;
    let (length, rest) = bytes
        .split_first_chunk::<4>()
        .ok_or_else(|| wrong(format!("has {} bytes, accepted are 4 or more", bytes.len())))?;
    let length = u32::from_le_bytes(*length) as usize / 4 * 4;
    let (trie, texts) = rest.split_at_checked(length).ok_or_else(|| {
        wrong(format!(
            "announces {length} bytes of a trie, there are {}",
            rest.len()
        ))
    })?;
    let texts =
        std::str::from_utf8(texts).map_err(|_| wrong("has texts that are not UTF-8".to_owned()))?;
    let (units, _) = trie.as_chunks::<4>();
    let units: Vec<usize> = units
        .iter()
        .map(|unit| u32::from_le_bytes(*unit) as usize)
        .collect();
    match walk(&units, texts) {
        None => Ok(texts.split('\0').map(str::len).max().unwrap_or(0)),
        Some(unit) => Err(wrong(format!("leads out of itself from unit {unit}"))),
    }
}

/// The unit from which a look-up would leave the trie or the texts, if there is one.
fn walk(units: &[usize], texts: &str) -> Option<usize> {
    let mut is_known = vec![false; units.len()];
    let mut waiting = vec![0];
    while let Some(node) = waiting.pop() {
        let Some(&unit) = units.get(node) else {
            return Some(node);
        };
        let offset = (unit >> 10) << ((unit & 1 << 9) >> 6);
        let base = node ^ offset;
        // Any byte may come next.
        if (base | 0xff) >= units.len() {
            return Some(node);
        }
        let is_leaf = unit >> 8 & 1 == 1;
        let text = units[base] & 0x7fff_ffff;
        if node != 0 && is_leaf && !texts.is_char_boundary(text) {
            return Some(node);
        }
        for byte in 1..=0xff {
            let next = base ^ byte;
            if units[next] & (1 << 31 | 0xff) == byte
                && !std::mem::replace(&mut is_known[next], true)
            {
                waiting.push(next);
            }
        }
    }
    None
}

/// What base64 with padding stands for.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| -> Option<u32> {
        Some(u32::from(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    let text = text.as_bytes();
    let (groups, rest) = text.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for (index, group) in groups.iter().enumerate() {
        let padding = match group {
            [_, _, b'=', b'='] => 2,
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        if padding > 0 && index + 1 < groups.len() {
            return None;
        }
        let mut bits = 0;
        for &byte in &group[..4 - padding] {
            bits = bits << 6 | digit(byte)?;
        }
        bits <<= 6 * padding;
        let three = bits.to_be_bytes();
        let (kept, cut) = three[1..].split_at(3 - padding);
        if cut.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Base64 of a table.
    fn encoded(units: &[u32], announced: u32, texts: &[u8]) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut bytes = announced.to_le_bytes().to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend_from_slice(texts);
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let mut three = [0; 3];
            three[..group.len()].copy_from_slice(group);
            let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            for place in 0..4 {
                match place <= group.len() {
                    true => text.push(DIGITS[(bits >> (18 - 6 * place) & 63) as usize] as char),
                    false => text.push('='),
                }
            }
        }
        text
    }

    /// A trie that replaces `a` by the text at `value`: the root leads to unit 0x61, whose value is in unit 1.
    fn trie(value: u32) -> Vec<u32> {
        let mut units = vec![0; 256];
        units[0x61] = 0x61 | 1 << 8 | 0x60 << 10;
        units[1] = value;
        units
    }

    #[test]
    fn base64_is_read_back_and_nothing_else_is() {
        for length in 0..7 {
            let text = encoded(&[], 0x0403_0201, &vec![0xfb; length]);
            let mut expected = vec![1, 2, 3, 4];
            expected.extend(vec![0xfb; length]);
            assert_eq!(decoded(&text), Some(expected));
        }
        for text in [
            "A", "AAA", "AA=A", "AA==AAAA", "AB==", "AA-_", "AAAA\n", "====",
        ] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn a_whole_table_is_accepted() {
        assert_eq!(check(&encoded(&trie(2), 1024, b"x\0yz\0")), Ok(2));
    }

    #[test]
    fn a_table_that_would_be_left_is_refused() {
        let refused = |units: &[u32], announced| {
            check(&encoded(units, announced, b"x\0yz\0")).expect_err("it leads out")
        };
        let out =
            |unit: usize| format!("precompiled_charsmap leads out of itself from unit {unit}");
        // A text beyond the last, and in the middle of a character.
        assert_eq!(refused(&trie(6), 1024), out(0x61));
        let inside = check(&encoded(&trie(1), 1024, "é".as_bytes()));
        assert_eq!(inside, Err(out(0x61)));
        // No unit at all, too few of them, and an offset beyond the last.
        assert_eq!(refused(&[], 0), out(0));
        assert_eq!(refused(&[0; 255], 1020), out(0));
        let mut far = trie(2);
        far[0x61] = 0x61 | 0x400 << 10;
        assert_eq!(refused(&far, 1024), out(0x61));
        assert_eq!(
            refused(&trie(2), u32::MAX),
            "precompiled_charsmap announces 4294967292 bytes of a trie, there are 1029"
        );
        assert_eq!(
            check("AAA"),
            Err("precompiled_charsmap is not base64".to_owned())
        );
    }
}
