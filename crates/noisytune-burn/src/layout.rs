//! The order in which storage in host memory holds a tensor's elements.

use std::ops::Range;

use burn::tensor::Tensor;

use crate::values::is_flex;

/// Axes from the outermost to the innermost in storage; each may be any axis of the tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// Sizes of the tensor's axes.
    shape: Vec<usize>,
    /// The tensor's axes in the order of storage.
    axes: Vec<usize>,
    /// How far apart in storage neighbours along each of the tensor's axes are.
    strides: Vec<usize>,
}

impl Layout {
    /// The layout of a tensor whose storage holds its elements in another order than its own, or
    /// `None`, also for a view that leaves out elements of its storage or repeats them.
    pub(crate) fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if D < 2 || !is_flex(&tensor.device()) || is_contiguous(tensor) {
            return None;
        }
        let axes = permutations(D).into_iter().find(|axes| {
            let axes: [isize; D] = std::array::from_fn(|axis| axes[axis] as isize);
            is_contiguous(&tensor.clone().permute(axes))
        })?;
        Some(Self::new(tensor.dims().to_vec(), axes))
    }

    fn new(shape: Vec<usize>, axes: Vec<usize>) -> Self {
        let mut strides = vec![1; shape.len()];
        let mut stride = 1;
        for &axis in axes.iter().rev() {
            strides[axis] = stride;
            stride *= shape[axis];
        }
        Self {
            shape,
            axes,
            strides,
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Views a tensor in the order of its storage.
    pub(crate) fn in_storage_order<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<D> {
        tensor.permute(std::array::from_fn::<isize, D, _>(|place| {
            self.axes[place] as isize
        }))
    }

    /// Undoes [`in_storage_order`](Self::in_storage_order).
    pub(crate) fn in_own_order<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<D> {
        let mut inverse = [0isize; D];
        for (place, &axis) in self.axes.iter().enumerate() {
            inverse[axis] = place as isize;
        }
        tensor.permute(inverse)
    }

    /// Copies the elements `range` of the tensor, in its own order, out of its storage.
    pub(crate) fn gather<E: Copy>(&self, storage: &[E], range: Range<usize>, out: &mut Vec<E>) {
        out.clear();
        let last = self.shape.len() - 1;
        let mut index = range.start;
        while index < range.end {
            let (mut offset, mut rest) = (0, index);
            for axis in (0..self.shape.len()).rev() {
                offset += rest % self.shape[axis] * self.strides[axis];
                rest /= self.shape[axis];
            }
            let run = (self.shape[last] - index % self.shape[last]).min(range.end - index);
            let elements = storage[offset..].iter().step_by(self.strides[last]);
            out.extend(elements.take(run));
            index += run;
        }
    }

    /// Elements of storage per index of its outermost axis.
    pub(crate) fn row(&self) -> usize {
        self.strides[self.axes[0]]
    }

    /// Visits the elements of some rows of storage as runs that are neighbours in the tensor: for
    /// each (index of the first in the tensor, its offset in the rows, length), the elements are
    /// [`step`](Self::step) apart.
    pub(crate) fn for_each_run(
        &self,
        rows: Range<usize>,
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let (outermost, last) = (self.axes[0], self.shape.len() - 1);
        let within = |axis: usize| match axis {
            _ if axis == outermost => rows.clone(),
            _ => 0..self.shape[axis],
        };
        let run = within(last);
        let mut at: Vec<usize> = (0..last).map(|axis| within(axis).start).collect();
        loop {
            let leading = at.iter().chain([&run.start]);
            let (mut index, mut offset) = (0, 0);
            for (axis, &position) in leading.enumerate() {
                index = index * self.shape[axis] + position;
                offset += position * self.strides[axis];
            }
            visit(index, offset - rows.start * self.row(), run.len());
            // The next of the positions, counted up from the last axis.
            let Some(axis) = (0..last)
                .rev()
                .find(|&axis| at[axis] + 1 < within(axis).end)
            else {
                return;
            };
            at[axis] += 1;
            for (later, position) in at.iter_mut().enumerate().take(last).skip(axis + 1) {
                *position = within(later).start;
            }
        }
    }

    /// How far apart in storage the elements of a run are.
    pub(crate) fn step(&self) -> usize {
        self.strides[self.shape.len() - 1]
    }
}

/// Whether storage holds the elements in the tensor's order. Burn has no way to ask; flex says it in its
/// debugging output. Where nothing is said, Burn copies what is not contiguous, with the same result.
fn is_contiguous<const D: usize>(tensor: &Tensor<D>) -> bool {
    let storage = format!("{:?}", tensor.clone().into_dispatch());
    !storage.contains("contiguous: false")
}

/// All orders of `0..count`, the swap of the last two axes first.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let mut all: Vec<Vec<usize>> = shorter
        .iter()
        .flat_map(|order| {
            (0..count).map(|place| {
                let mut order = order.clone();
                order.insert(place, count - 1);
                order
            })
        })
        .collect();
    all.sort_by_key(|order| order.iter().enumerate().filter(|(a, b)| a != *b).count());
    all
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;

    fn counted<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        let count = shape.iter().product::<usize>() as i64;
        let counted = Tensor::<1, Int>::arange(0..count, &Device::flex()).float();
        counted.reshape(shape)
    }

    #[test]
    fn flex_tells_whether_storage_is_in_order() {
        // If this fails, flex's debugging output has changed, and parameters that are held as
        // transposed views come back in another layout.
        assert!(Layout::of(&counted([3, 4])).is_none());
        assert!(Layout::of(&counted([3, 4]).transpose()).is_some());
    }

    #[test]
    fn views_that_leave_out_or_repeat_elements_have_no_layout() {
        assert!(Layout::of(&counted([3, 4]).slice([0..3, 1..3])).is_none());
        assert!(Layout::of(&counted([1, 4]).expand([3, 4])).is_none());
    }

    #[test]
    fn every_order_of_four_axes_is_found_gathered_and_visited_once() {
        for order in permutations(4) {
            let axes: [isize; 4] = std::array::from_fn(|axis| order[axis] as isize);
            let view = counted([2, 3, 4, 5]).permute(axes);
            let expected: Vec<f32> = view.to_data().try_to_vec().unwrap();
            let Some(layout) = Layout::of(&view) else {
                assert_eq!(order, [0, 1, 2, 3]);
                continue;
            };
            let stored = layout.in_storage_order(view.clone());
            let storage: Vec<f32> = stored.to_data().try_to_vec().unwrap();
            let mut gathered = Vec::new();
            for range in [0..120, 0..1, 7..31, 119..120] {
                layout.gather(&storage, range.clone(), &mut gathered);
                assert_eq!(gathered, expected[range], "{order:?}");
            }
            let mut seen = vec![0.0; 120];
            for row in 0..120 / layout.row() {
                let rows = &storage[row * layout.row()..][..layout.row()];
                layout.for_each_run(row..row + 1, |index, offset, run| {
                    for k in 0..run {
                        seen[index + k] += rows[offset + k * layout.step()];
                    }
                });
            }
            assert_eq!(seen, expected, "{order:?}");
            assert_eq!(layout.in_own_order(stored).to_data(), view.to_data());
        }
    }
}
