//! Sentences and words of running text.

use unicode_segmentation::UnicodeSegmentation;

/// The sentences of a document, trimmed, without empty ones.
///
/// Source: Unicode Standard Annex 29, sentence boundaries.
pub(crate) fn sentences(document: &str) -> impl Iterator<Item = &str> {
    document
        .split_sentence_bounds()
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
}

/// The words in lower case, separated by single spaces, and where each word starts.
///
/// Running text and text that is split at punctuation (`ca n't` for `can't`) give the same result.
pub(crate) fn normalised(text: &str) -> (String, Vec<usize>) {
    let text = text.to_lowercase().replace(" n't", "n't");
    let mut words = String::with_capacity(text.len());
    let mut starts = Vec::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !words.is_empty() {
            words.push(' ');
        }
        starts.push(words.len());
        words.push_str(word);
    }
    (words, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_full_stops_questions_and_exclamations() {
        let found: Vec<&str> = sentences("It is long. Is it 2.5 hours?  Yes!  ").collect();
        assert_eq!(found, ["It is long.", "Is it 2.5 hours?", "Yes!"]);
    }

    #[test]
    fn a_document_without_text_has_no_sentence() {
        assert_eq!(sentences(" \t ").count(), 0);
    }

    #[test]
    fn running_and_split_text_normalise_alike() {
        let words = "it s a film you can t ignore well shot";
        assert_eq!(
            normalised("It's a film you can't ignore: well-shot!").0,
            words
        );
        assert_eq!(
            normalised("it 's a film you ca n't ignore : well-shot !").0,
            words
        );
    }

    #[test]
    fn words_start_where_they_are_said_to() {
        let (words, starts) = normalised("Élan, vital");
        assert_eq!(starts, [0, 6]);
        assert_eq!(&words[starts[1]..], "vital");
    }
}
