//! The tiny checkpoint and examples made up for it.

use burn::tensor::Device;
use encoders::{Classifier, Snapshot};
use finetune::batch::{Batch, Filling};

use crate::reference::{batch, classes, tiny_snapshot};

const LENGTH: usize = 9;

pub(crate) fn model() -> Classifier {
    let snapshot = Snapshot::open(tiny_snapshot()).expect("the snapshot opens");
    let loaded = snapshot.finetuned_classifier(2, &Device::flex());
    loaded.expect("it loads").model
}

/// Examples of different lengths, all padded to the same length: a batch of some is a part of the batch of all.
pub(crate) fn examples(which: std::ops::Range<usize>, filling: Filling, device: &Device) -> Batch {
    let (mut ids, mut types, mut mask, mut labels) = (vec![], vec![], vec![], vec![]);
    for example in which.clone() {
        for column in 0..LENGTH {
            let is_token = column + example % 4 < LENGTH;
            ids.push(if is_token {
                (5 + 31 * example + 7 * column) % 233
            } else {
                0
            } as i64);
            types.push(0);
            mask.push(i64::from(is_token));
        }
        labels.push((example % 2) as i64);
    }
    let shape = [which.len(), LENGTH];
    batch(
        shape,
        ids,
        types,
        &mask,
        classes(labels, device),
        filling,
        device,
    )
}
