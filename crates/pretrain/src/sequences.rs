//! Sentences packed into sequences.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::draws::{Purpose, generator};
use crate::error::PretrainError;
use crate::exclusion::Exclusion;
use crate::text::sentences;
use crate::vocabulary::Vocabulary;

/// A sequence with fewer tokens has too little context.
const LEAST_TOKENS: usize = 4;
/// Documents tokenized at a time, which bounds the memory for encodings.
const TOGETHER: usize = 2_000;

/// Token ids of many sequences, without `[CLS]` and `[SEP]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    ids: Vec<u32>,
    ends: Vec<usize>,
}

/// What was made of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSummary {
    /// Distinct documents read, including held-out ones.
    pub documents: usize,
    /// Documents left out because they had been read before.
    pub repeated_documents: usize,
    /// Documents held out.
    pub held_out_documents: usize,
    /// Sentences before exclusion.
    pub sentences: usize,
    /// Sentences left out because they are among the excluded texts or quote them.
    pub excluded_sentences: usize,
    /// Distinct texts that sentences were compared with.
    pub excluded_texts: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// Sequences to train on.
    pub sequences: usize,
    /// Tokens in them, without special ones.
    pub tokens: usize,
    /// Sequences held out.
    pub held_out_sequences: usize,
    /// SHA-256 of the vocabulary and both kinds of sequences.
    pub sha256: String,
}

/// How sentences are packed into sequences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    /// The most tokens in a sequence, without special ones.
    pub(crate) longest: usize,
    /// Share of sequences that end after one sentence.
    pub(crate) short: f64,
    pub(crate) seed: u64,
}

impl Sequences {
    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The tokens of one sequence.
    ///
    /// # Panics
    /// If `position` is not below [`Sequences::len`].
    pub fn get(&self, position: usize) -> &[u32] {
        let start = position
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        &self.ids[start..self.ends[position]]
    }

    /// Tokens of all sequences.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Tokens of each sequence.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        (0..self.len())
            .map(|position| self.get(position).len())
            .collect()
    }

    /// Adds a sequence, unless it is too short.
    fn push(&mut self, ids: &[u32]) {
        if ids.len() >= LEAST_TOKENS {
            self.ids.extend_from_slice(ids);
            self.ends.push(self.ids.len());
        }
    }

    pub(crate) fn hash_into(&self, hash: &mut Sha256) {
        hash.update((self.len() as u64).to_le_bytes());
        for end in &self.ends {
            hash.update((*end as u64).to_le_bytes());
        }
        for id in &self.ids {
            hash.update(id.to_le_bytes());
        }
    }

    /// Tokenizes documents, given as sentences, and packs each on its own.
    ///
    /// Whole sentences are put together as long as they fit; a sentence that is too long by itself is
    /// cut. A sequence never spans documents.
    pub(crate) fn pack(
        documents: &[Vec<&str>],
        vocabulary: &Vocabulary,
        packing: Packing,
    ) -> Result<Self, PretrainError> {
        let mut packed = Self::default();
        for (chunk, documents) in documents.chunks(TOGETHER).enumerate() {
            let mut encoded = vocabulary.encode(documents.concat())?.into_iter();
            for (within, document) in documents.iter().enumerate() {
                let sentences: Vec<Vec<u32>> = encoded.by_ref().take(document.len()).collect();
                packed.pack_document(&sentences, (chunk * TOGETHER + within) as u64, packing);
            }
        }
        Ok(packed)
    }

    fn pack_document(&mut self, sentences: &[Vec<u32>], document: u64, packing: Packing) {
        let mut rng = generator(packing.seed, Purpose::Packing, 0, document);
        let mut open: Vec<u32> = Vec::with_capacity(packing.longest);
        for sentence in sentences {
            if open.len() + sentence.len() > packing.longest {
                self.push(&open);
                open.clear();
            }
            let is_first = open.is_empty();
            let mut pieces = sentence.chunks(packing.longest).peekable();
            while let Some(piece) = pieces.next() {
                open.extend_from_slice(piece);
                if pieces.peek().is_some() {
                    self.push(&open);
                    open.clear();
                }
            }
            if is_first && rng.random_bool(packing.short) {
                self.push(&open);
                open.clear();
            }
        }
        self.push(&open);
    }
}

/// The sentences of each document that may be used, and how many there were before.
pub(crate) fn usable<'a>(
    documents: impl IntoIterator<Item = &'a str>,
    exclusion: &Exclusion,
) -> (Vec<Vec<&'a str>>, usize) {
    let mut before = 0;
    let kept = documents
        .into_iter()
        .map(|document| {
            sentences(document)
                .inspect(|_| before += 1)
                .filter(|sentence| exclusion.is_empty() || !exclusion.contains(sentence))
                .collect()
        })
        .collect();
    (kept, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKING: Packing = Packing {
        longest: 10,
        short: 0.0,
        seed: 1,
    };

    fn sentence(start: u32, length: u32) -> Vec<u32> {
        (start..start + length).collect()
    }

    fn packed(sentences: &[Vec<u32>], packing: Packing) -> Vec<Vec<u32>> {
        let mut sequences = Sequences::default();
        sequences.pack_document(sentences, 0, packing);
        (0..sequences.len())
            .map(|i| sequences.get(i).to_vec())
            .collect()
    }

    #[test]
    fn whole_sentences_share_a_sequence_while_they_fit() {
        let sentences = [sentence(0, 4), sentence(10, 6), sentence(20, 5)];
        let expected = [[sentence(0, 4), sentence(10, 6)].concat(), sentence(20, 5)];
        assert_eq!(packed(&sentences, PACKING), expected);
    }

    #[test]
    fn a_sentence_that_is_too_long_is_cut_and_its_end_goes_on() {
        let sentences = [sentence(0, 4), sentence(10, 25), sentence(50, 5)];
        let expected = [
            sentence(0, 4),
            sentence(10, 10),
            sentence(20, 10),
            [sentence(30, 5), sentence(50, 5)].concat(),
        ];
        assert_eq!(packed(&sentences, PACKING), expected);
    }

    #[test]
    fn sequences_that_are_too_short_are_left_out() {
        assert_eq!(packed(&[sentence(0, 3)], PACKING), Vec::<Vec<u32>>::new());
        assert_eq!(packed(&[], PACKING), Vec::<Vec<u32>>::new());
    }

    #[test]
    fn a_share_of_the_sequences_ends_after_one_sentence() {
        let sentences: Vec<Vec<u32>> = (0..4_000).map(|_| sentence(0, 5)).collect();
        let alone = |short| {
            let packing = Packing { short, ..PACKING };
            let sequences = packed(&sentences, packing);
            sequences.iter().filter(|ids| ids.len() == 5).count() as f64 / sequences.len() as f64
        };
        assert_eq!(alone(0.0), 0.0);
        assert_eq!(alone(1.0), 1.0);
        // Four standard deviations of 2,222 or more draws.
        let share = alone(0.2);
        assert!(
            (share - 0.2).abs() < 4.0 * (0.2 * 0.8 / 2_222_f64).sqrt(),
            "{share}"
        );
    }
}
