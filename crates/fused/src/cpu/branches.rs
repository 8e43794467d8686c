//! Sums of several tensors: every term is added while a chunk of the sum is in cache.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use rayon::prelude::*;

use super::elementwise::{Add, CHUNK, MapPairs};
use super::{simd, storage};
use crate::branches::{BranchesBackend, SumBackend, plain};

impl BranchesBackend for Flex {}

impl SumBackend for Flex {
    fn sum_in_order(terms: Vec<FlexTensor>) -> FlexTensor {
        let is_single = storage::is_single(&terms.iter().collect::<Vec<_>>());
        if terms.len() < 2 || !is_single {
            return plain::<Self>(terms);
        }
        let mut terms = terms.into_iter().map(storage::contiguous);
        let mut sum = terms.next().expect("there are two or more");
        let others: Vec<FlexTensor> = terms.collect();
        let others: Vec<&[f32]> = others.iter().map(storage::elements).collect();
        storage::elements_mut(&mut sum)
            .par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(chunk, x)| {
                for other in &others {
                    let y = &other[chunk * CHUNK..][..x.len()];
                    let function = Add;
                    simd::dispatch(MapPairs { function, x, y });
                }
            });
        sum
    }
}
