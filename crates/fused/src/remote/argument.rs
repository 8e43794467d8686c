//! What an operation takes besides tensors, as the numbers that a custom operation carries.

use burn::backend::ir::ScalarIr;
use burn::tensor::FloatDType;

use crate::adamw::AdamW;
use crate::key::{Dropout, DropoutKey};
use crate::packing::{Packed, Packing};

/// An argument as numbers and back.
pub(super) trait Argument: Sized {
    fn write(&self, numbers: &mut Vec<ScalarIr>);

    /// # Panics
    /// When the numbers are not those that [`write`](Self::write) writes.
    fn read(numbers: &mut Numbers<'_>) -> Self;
}

/// The numbers of a custom operation that are not read yet.
#[derive(Clone)]
pub(super) struct Numbers<'a>(std::slice::Iter<'a, ScalarIr>);

impl<'a> Numbers<'a> {
    pub(super) fn new(numbers: &'a [ScalarIr]) -> Self {
        Self(numbers.iter())
    }

    pub(super) fn read<T: Argument>(&mut self) -> T {
        T::read(self)
    }

    fn left(&self) -> usize {
        self.0.len()
    }

    fn next(&mut self) -> ScalarIr {
        *self.0.next().expect("an operation has all its numbers")
    }
}

impl Argument for f64 {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        numbers.push(ScalarIr::Float(*self));
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        match numbers.next() {
            ScalarIr::Float(number) => number,
            other => panic!("{other:?}: expected a float"),
        }
    }
}

impl Argument for u64 {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        numbers.push(ScalarIr::UInt(*self));
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        match numbers.next() {
            ScalarIr::UInt(number) => number,
            other => panic!("{other:?}: expected a whole number"),
        }
    }
}

/// Whole numbers smaller than 64 bits.
macro_rules! whole {
    ($($type:ty),*) => {$(
        impl Argument for $type {
            fn write(&self, numbers: &mut Vec<ScalarIr>) {
                (*self as u64).write(numbers);
            }

            fn read(numbers: &mut Numbers<'_>) -> Self {
                let number: u64 = numbers.read();
                <$type>::try_from(number).unwrap_or_else(|_| panic!("{number}: too large"))
            }
        }
    )*};
}
whole!(usize, u32, u16);

impl<T: Argument> Argument for Option<T> {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        u64::from(self.is_some()).write(numbers);
        if let Some(value) = self {
            value.write(numbers);
        }
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        let is_some: u64 = numbers.read();
        (is_some == 1).then(|| numbers.read())
    }
}

impl Argument for Dropout {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        let DropoutKey { seed, step, site } = self.key;
        self.threshold.write(numbers);
        seed.write(numbers);
        step.write(numbers);
        site.write(numbers);
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        Self {
            threshold: numbers.read(),
            key: DropoutKey {
                seed: numbers.read(),
                step: numbers.read(),
                site: numbers.read(),
            },
        }
    }
}

impl Argument for Packing {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        self.lengths().len().write(numbers);
        for length in self.lengths() {
            length.write(numbers);
        }
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        let count: usize = numbers.read();
        // Memory for them is set aside at once.
        assert!(count <= numbers.left(), "an operation has all its numbers");
        Self::new((0..count).map(|_| numbers.read::<usize>())).unwrap_or_else(|e| panic!("{e}"))
    }
}

impl Argument for Packed {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        self.queries.write(numbers);
        self.keys.write(numbers);
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        Self {
            queries: numbers.read(),
            keys: numbers.read(),
        }
    }
}

impl Argument for AdamW {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        let Self {
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            weight_decay,
            time,
            gradient_scale,
        } = self;
        for number in [learning_rate, beta_1, beta_2, epsilon, weight_decay] {
            number.write(numbers);
        }
        time.write(numbers);
        gradient_scale.write(numbers);
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        Self {
            learning_rate: numbers.read(),
            beta_1: numbers.read(),
            beta_2: numbers.read(),
            epsilon: numbers.read(),
            weight_decay: numbers.read(),
            time: numbers.read(),
            gradient_scale: numbers.read(),
        }
    }
}

/// Of Burn's types those that hold one float each.
const FLOATS: [FloatDType; 4] = [
    FloatDType::F64,
    FloatDType::F32,
    FloatDType::F16,
    FloatDType::BF16,
];

impl Argument for FloatDType {
    fn write(&self, numbers: &mut Vec<ScalarIr>) {
        let place = FLOATS.iter().position(|dtype| dtype == self);
        let place = place.unwrap_or_else(|| panic!("{self:?} crosses to no server"));
        place.write(numbers);
    }

    fn read(numbers: &mut Numbers<'_>) -> Self {
        let place: usize = numbers.read();
        *FLOATS
            .get(place)
            .unwrap_or_else(|| panic!("{place}: no float type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn crosses<T: Argument + std::fmt::Debug>(value: T) {
        let mut numbers = Vec::new();
        value.write(&mut numbers);
        let mut left = Numbers::new(&numbers);
        let read: T = left.read();
        assert_eq!(format!("{read:?}"), format!("{value:?}"));
        assert_eq!(left.0.len(), 0, "everything is read");
    }

    #[test]
    fn what_is_written_is_read() {
        let key = DropoutKey {
            seed: u64::MAX,
            step: 1 << 48 | 7,
            site: u32::MAX,
        };
        let packing = |lengths: &[usize]| Packing::new(lengths.iter().copied()).expect("few rows");
        crosses(f64::MIN_POSITIVE);
        crosses(Dropout::new(0.1, key).expect("a probability"));
        crosses(None::<Dropout>);
        crosses(Some(Packed {
            queries: packing(&[3, 0, 5]),
            keys: packing(&[1, 2, 9]),
        }));
        crosses(AdamW {
            learning_rate: 1e-4,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            time: u32::MAX,
            gradient_scale: 1.0 / 3.0,
        });
        FLOATS.map(crosses);
    }
}
