//! Tokenized texts, end to end in memory.

use super::Encoding;

/// Tokenized sentences and pairs, in order.
///
/// A vector for each would take more memory than its ids. Here an id takes 4 bytes, its token type 1, and a sentence or
/// pair 8 more; sentences alone, whose token types are all 0, have none in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encodings {
    ids: Vec<u32>,
    /// As long as `ids`, or empty if all are 0.
    type_ids: Vec<u8>,
    /// Where each ends in `ids`.
    ends: Vec<usize>,
}

impl Encodings {
    /// The number of sentences and pairs.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The number of tokens of one, special tokens included.
    ///
    /// # Panics
    /// If there are not as many; so do the other methods with an index.
    pub fn length(&self, index: usize) -> usize {
        self.range(index).len()
    }

    /// Copies one out.
    pub fn get(&self, index: usize) -> Encoding {
        let range = self.range(index);
        Encoding {
            type_ids: match self.type_ids.is_empty() {
                true => vec![0; range.len()],
                false => {
                    let type_ids = &self.type_ids[range.clone()];
                    type_ids.iter().map(|&kind| u32::from(kind)).collect()
                }
            },
            ids: self.ids[range].to_vec(),
        }
    }

    /// Copies the first `count`.
    pub fn first(&self, count: usize) -> Self {
        let tokens = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        Self {
            ids: self.ids[..tokens].to_vec(),
            type_ids: match self.type_ids.is_empty() {
                true => Vec::new(),
                false => self.type_ids[..tokens].to_vec(),
            },
            ends: self.ends[..count].to_vec(),
        }
    }

    /// Copies those that are `wanted`, which has a value for each.
    pub fn select(&self, wanted: &[bool]) -> Self {
        let mut selected = Self::default();
        for index in (0..self.len()).filter(|&index| wanted[index]) {
            let range = self.range(index);
            selected.ids.extend_from_slice(&self.ids[range.clone()]);
            if !self.type_ids.is_empty() {
                selected.type_ids.extend_from_slice(&self.type_ids[range]);
            }
            selected.ends.push(selected.ids.len());
        }
        selected
    }

    /// The number of tokens of all together.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// The bytes of memory that they hold.
    pub fn bytes(&self) -> usize {
        let Self {
            ids,
            type_ids,
            ends,
        } = self;
        ids.capacity() * size_of::<u32>()
            + type_ids.capacity()
            + ends.capacity() * size_of::<usize>()
    }

    /// Adds the encodings of other texts after these.
    pub(super) fn append(&mut self, others: &Self) {
        let before = self.ids.len();
        if !(self.type_ids.is_empty() && others.type_ids.is_empty()) {
            self.type_ids.resize(before, 0);
            self.type_ids.extend_from_slice(&others.type_ids);
            self.type_ids.resize(before + others.ids.len(), 0);
        }
        self.ids.extend_from_slice(&others.ids);
        self.ends.extend(others.ends.iter().map(|end| before + end));
    }

    /// Adds one, with a type below 256 for each id.
    pub(super) fn push(&mut self, ids: &[u32], type_ids: &[u32]) {
        if !self.type_ids.is_empty() || type_ids.iter().any(|kind| *kind != 0) {
            self.type_ids.resize(self.ids.len(), 0);
            let type_ids = type_ids.iter().map(|&kind| kind as u8);
            self.type_ids.extend(type_ids);
        }
        self.ids.extend_from_slice(ids);
        self.ends.push(self.ids.len());
    }

    /// Gives back the memory that growing has reserved.
    pub(super) fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.type_ids.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENTENCE: ([u32; 3], [u32; 3]) = ([101, 7, 102], [0, 0, 0]);
    const PAIR: ([u32; 5], [u32; 5]) = ([101, 7, 102, 8, 102], [0, 0, 0, 1, 1]);

    fn encodings(pairs: &[bool]) -> Encodings {
        let mut all = Encodings::default();
        for is_pair in pairs {
            match is_pair {
                true => all.push(&PAIR.0, &PAIR.1),
                false => all.push(&SENTENCE.0, &SENTENCE.1),
            }
        }
        all
    }

    fn check(encodings: &Encodings, pairs: &[bool]) {
        assert_eq!(encodings.len(), pairs.len());
        for (index, is_pair) in pairs.iter().enumerate() {
            let (ids, type_ids) = match is_pair {
                true => (PAIR.0.to_vec(), vec![0, 0, 0, 1, 1]),
                false => (SENTENCE.0.to_vec(), vec![0, 0, 0]),
            };
            assert_eq!(encodings.length(index), ids.len(), "{pairs:?} {index}");
            let expected = Encoding { ids, type_ids };
            assert_eq!(encodings.get(index), expected, "{pairs:?} {index}");
        }
    }

    #[test]
    fn each_comes_out_as_it_went_in() {
        for code in 0..16 {
            let pairs: Vec<bool> = (0..4).map(|bit| code >> bit & 1 == 1).collect();
            let all = encodings(&pairs);
            check(&all, &pairs);
            for count in 0..=4 {
                check(&all.first(count), &pairs[..count]);
                let (mut first, rest) = (all.first(count), encodings(&pairs[count..]));
                first.append(&rest);
                assert_eq!(first.tokens(), all.tokens());
                check(&first, &pairs);
            }
        }
    }

    #[test]
    fn sentences_alone_have_no_token_types_in_memory() {
        let mut sentences = encodings(&[false; 100]);
        sentences.shrink();
        assert_eq!(sentences.bytes(), 100 * (3 * 4 + 8));
        let mut pairs = encodings(&[true; 100]);
        pairs.shrink();
        assert_eq!(pairs.bytes(), 100 * (5 * 5 + 8));
    }
}
