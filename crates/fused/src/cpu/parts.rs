//! Parts laid side by side, row by row.

use std::mem::MaybeUninit;

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use rayon::prelude::*;

use super::elementwise::CHUNK;
use super::rows;
use super::storage::{self, Unwritten};
use crate::parts::{JoinBackend, PartsBackend, plain};
use crate::together::TensorList;

impl PartsBackend for Flex {
    fn joined(tensors: TensorList<Self>) -> FlexTensor {
        let places = tensors.0.len();
        Self::side_by_side(tensors.0.into_iter().enumerate().collect(), places)
    }
}

impl JoinBackend for Flex {
    fn side_by_side(parts: Vec<(usize, FlexTensor)>, places: usize) -> FlexTensor {
        if !storage::is_single(&parts.iter().map(|(_, part)| part).collect::<Vec<_>>()) {
            return plain::<Self>(parts, places);
        }
        let parts = parts.into_iter();
        let parts: Vec<(usize, FlexTensor)> = parts
            .map(|(number, part)| (number, storage::contiguous(part)))
            .collect();
        let (_, like) = parts.first().expect("a whole has the gradient of a part");
        let width = rows::width(like.layout().shape());
        let mut out = Unwritten::new(rows::with_width(like.layout().shape(), places * width));
        let mut sources = vec![None; places];
        for (number, part) in &parts {
            sources[*number] = Some(storage::elements(part));
        }
        let rows = (CHUNK / (places * width).max(1)).max(1);
        out.slots()
            .par_chunks_mut(rows * (places * width).max(1))
            .enumerate()
            .for_each(|(chunk, out)| {
                for (index, out) in out.chunks_exact_mut(width.max(1)).enumerate() {
                    let (row, place) = (chunk * rows + index / places, index % places);
                    match sources[place] {
                        None => out.fill(MaybeUninit::new(0.0)),
                        Some(part) => {
                            out.write_copy_of_slice(&part[row * width..][..width]);
                        }
                    }
                }
            });
        // SAFETY: the chunks cover the output, and every piece of a row is written.
        unsafe { out.finish() }
    }
}
