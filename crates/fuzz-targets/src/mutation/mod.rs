//! New inputs from those there are: changes that know the form of a file, and changes of bytes.

mod bytes;
mod json;
mod lines;
mod safetensors;

use faults::Draws;

/// What a target's input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON document.
    Json,
    /// Lines of text; those that are JSON are also changed as such.
    Lines,
    /// A length, a JSON document of so many bytes, and data.
    Safetensors,
    /// Anything else.
    Bytes,
}

/// The longest input that is made.
const LONGEST: usize = 1 << 18;

/// Changes an input once or several times; `others` are inputs to take parts from.
pub fn mutated(form: Form, input: &[u8], others: &[Vec<u8>], draws: &mut Draws) -> Vec<u8> {
    let mut changed = input.to_vec();
    // One change more often than many: most files should still be read beyond their first bytes.
    let changes = 1 << draws.below(4).saturating_sub(1);
    for _ in 0..changes {
        let other = match others.is_empty() {
            true => input,
            false => draws.one_of(others),
        };
        changed = once(form, &changed, other, draws);
        changed.truncate(LONGEST);
    }
    changed
}

fn once(form: Form, input: &[u8], other: &[u8], draws: &mut Draws) -> Vec<u8> {
    if draws.once_in(6) {
        return bytes::changed(input, other, draws);
    }
    let by_form = match form {
        Form::Json => json::changed(input, other, draws),
        Form::Lines => Some(lines::changed(input, other, draws)),
        Form::Safetensors => safetensors::changed(input, draws),
        Form::Bytes => None,
    };
    by_form.unwrap_or_else(|| bytes::changed(input, other, draws))
}
