//! Random numbers by seed: moments at which processes are killed, and changes of files.

/// SplitMix64: a stream of numbers for each seed.
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    /// Starts the stream of a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// The next number as a share, from 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `end`, or 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            _ => (self.number() % end as u64) as usize,
        }
    }

    /// True once in so many draws.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of some.
    ///
    /// # Panics
    /// If there is none.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Draws;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // The first of Vigna's splitmix64.c from the state 1234567.
        let mut draws = Draws::of(1_234_567);
        let first = [draws.number(), draws.number(), draws.number()];
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(first, expected);
        let share = Draws::of(1_234_567).share();
        assert!((share - 6_457_827_717_110_365_317.0 / 2f64.powi(64)).abs() < 1e-15);
    }
}
