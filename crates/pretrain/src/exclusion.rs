//! Text that must not be trained on.

use std::collections::HashSet;
use std::path::Path;

use crate::corpus;
use crate::error::PretrainError;
use crate::text::normalised;

/// Number of shared words in a row that counts as a quotation.
const RUN: usize = 8;

/// Texts of a benchmark that must be kept out of the corpus.
///
/// A sentence is excluded if it has the same words as a text, or shares eight words in a row with one.
/// Case, punctuation and spacing are ignored.
#[derive(Clone, Debug, Default)]
pub struct Exclusion {
    texts: HashSet<String>,
    runs: HashSet<String>,
}

impl Exclusion {
    /// Reads files with one text per line; if a line has tabs, each field is a text.
    ///
    /// # Errors
    /// [`PretrainError::File`] or [`PretrainError::Encoding`].
    pub fn read(files: &[impl AsRef<Path>]) -> Result<Self, PretrainError> {
        let mut exclusion = Self::default();
        for file in files {
            let text = corpus::read_text(file.as_ref())?;
            for field in text.lines().flat_map(|line| line.split('\t')) {
                exclusion.add(field);
            }
        }
        Ok(exclusion)
    }

    fn add(&mut self, text: &str) {
        let (words, starts) = normalised(text);
        for run in runs(&words, &starts) {
            if !self.runs.contains(run) {
                self.runs.insert(run.to_owned());
            }
        }
        if !words.is_empty() {
            self.texts.insert(words);
        }
    }

    /// Whether the sentence is one of the texts or quotes one.
    pub fn contains(&self, sentence: &str) -> bool {
        let (words, starts) = normalised(sentence);
        self.texts.contains(&words) || runs(&words, &starts).any(|run| self.runs.contains(run))
    }

    /// Number of distinct texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether nothing is excluded.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// Every run of [`RUN`] words.
fn runs<'a>(words: &'a str, starts: &'a [usize]) -> impl Iterator<Item = &'a str> {
    starts.windows(RUN).enumerate().map(|(first, window)| {
        // Before the space that follows, or at the end.
        let end = starts.get(first + RUN).map_or(words.len(), |next| next - 1);
        &words[window[0]..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclusion() -> Exclusion {
        let mut exclusion = Exclusion::default();
        exclusion.add("a plain film");
        exclusion.add("one two three four five six seven eight nine ten .");
        exclusion
    }

    #[test]
    fn a_sentence_of_the_same_words_is_excluded_at_any_length() {
        assert!(exclusion().contains("A plain film!"));
        assert!(!exclusion().contains("A plain film it is."));
        assert!(!exclusion().contains("A film."));
        assert!(!exclusion().contains("..."));
    }

    #[test]
    fn a_run_of_eight_words_is_excluded_wherever_it_occurs() {
        assert!(
            exclusion()
                .contains("He said: three, four, five, six, seven, eight, nine, TEN of them.")
        );
        assert!(!exclusion().contains("He said four five six seven eight nine ten of them."));
        assert!(!exclusion().contains("two three four five six seven or eight nine ten"));
    }
}
