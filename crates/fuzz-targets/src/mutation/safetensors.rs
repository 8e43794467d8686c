//! Changes of a safetensors file: its header as JSON, mostly with the length that it then has.

use serde_json::Value;

use super::json;
use faults::Draws;

pub(super) fn changed(input: &[u8], draws: &mut Draws) -> Option<Vec<u8>> {
    let (length, rest) = input.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    let mut header: Value = serde_json::from_slice(header).ok()?;
    let other = header.clone();
    json::change(&mut header, &other, draws);
    let header = header.to_string().into_bytes();
    let mut data = data.to_vec();
    if draws.once_in(8) {
        data.resize(draws.below(2 * data.len() + 1), 0xff);
    }
    let length = match draws.once_in(12) {
        true => draws.number() >> draws.below(64),
        false => header.len() as u64,
    };
    Some([&length.to_le_bytes()[..], &header, &data].concat())
}
