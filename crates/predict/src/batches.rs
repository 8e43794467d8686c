//! Which texts go through the model together.

use encoders::Encodings;

/// How texts make a batch. The texts of a batch are of about the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// End to end, without padding, up to this many tokens and this many texts: for CPUs. Each thread has batches of its
    /// own.
    Packed {
        /// Most tokens, unless a single text has more.
        tokens: usize,
        /// Most texts.
        texts: usize,
    },
    /// Up to this many texts, padded to the longest and then to a multiple of 8 tokens, so that a GPU's kernels meet few
    /// different shapes.
    Padded {
        /// Most texts.
        texts: usize,
    },
}

impl Batching {
    /// Tokens of a packed batch: enough rows for the matrix products, and few enough for the caches.
    pub const TOKENS: usize = 1024;
    /// Texts of a padded batch.
    pub const TEXTS: usize = 64;

    /// The positions of each batch, the longest texts first.
    pub(crate) fn of(self, encodings: &Encodings) -> Vec<Vec<usize>> {
        let mut by_length: Vec<usize> = (0..encodings.len()).collect();
        by_length.sort_by_key(|&i| std::cmp::Reverse(encodings.length(i)));
        let (most_tokens, most_texts) = match self {
            Self::Packed { tokens, texts } => (tokens, texts),
            Self::Padded { texts } => (usize::MAX, texts),
        };
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut tokens = 0;
        for position in by_length {
            let length = encodings.length(position);
            match batches.last_mut() {
                Some(batch) if batch.len() < most_texts && tokens + length <= most_tokens => {
                    batch.push(position);
                    tokens += length;
                }
                _ => {
                    batches.push(vec![position]);
                    tokens = length;
                }
            }
        }
        batches
    }
}
