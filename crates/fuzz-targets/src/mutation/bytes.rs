//! Changes of bytes.

use faults::Draws;

/// Numbers at which lengths and offsets go wrong.
const NUMBERS: [u64; 14] = [
    0,
    1,
    7,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

pub(super) fn changed(input: &[u8], other: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let at = draws.below(bytes.len().max(1));
    match draws.below(9) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << draws.below(8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = draws.number() as u8;
            }
        }
        2 => {
            // A number of 1, 2, 4 or 8 bytes, with either end first.
            let number = *draws.one_of(&NUMBERS);
            let width = 1 << draws.below(4);
            let little = number.to_le_bytes();
            let mut number = little[..width].to_vec();
            if draws.once_in(2) {
                number.reverse();
            }
            overwrite(&mut bytes, at, &number);
        }
        3 => {
            // A number of 7 bits per byte.
            let length = 1 + draws.below(10);
            let mut number = vec![0xff; length];
            number[length - 1] = draws.number() as u8 & 0x7f;
            overwrite(&mut bytes, at, &number);
        }
        4 => bytes.truncate(at),
        5 => {
            let end = (at + 1 + draws.below(16)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        6 => {
            // A part of itself again, here or elsewhere.
            let end = (at + 1 + draws.below(64)).min(bytes.len());
            let part = bytes[at.min(end)..end].to_vec();
            let to = draws.below(bytes.len() + 1);
            for _ in 0..1 + draws.below(8) {
                bytes.splice(to..to, part.iter().copied());
            }
        }
        7 => {
            // The rest of another.
            bytes.truncate(at);
            bytes.extend_from_slice(&other[draws.below(other.len() + 1)..]);
        }
        _ => {
            let more: Vec<u8> = (0..1 + draws.below(16))
                .map(|_| draws.number() as u8)
                .collect();
            bytes.splice(at.min(bytes.len())..at.min(bytes.len()), more);
        }
    }
    bytes
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(with) {
        *byte = *new;
    }
}
