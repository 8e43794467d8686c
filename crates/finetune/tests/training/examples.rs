//! The tiny checkpoint and examples made up for it.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use encoders::{Classifier, Snapshot};
use finetune::batch::{Batch, Filling};

use crate::reference::{batch, classes, tiny_snapshot};

const LENGTH: usize = 9;

pub(crate) fn model() -> Classifier {
    let snapshot = Snapshot::open(tiny_snapshot()).expect("the snapshot opens");
    let loaded = snapshot.finetuned_classifier(2, &Device::flex());
    loaded.expect("it loads").model
}

/// Multiplies the gradient that the head passes back to the body.
#[derive(Default)]
struct Louder {
    path: Vec<String>,
}

impl ModuleMapper for Louder {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.path[0] == "classifier" {
            true => param.map(|tensor| tensor * 300),
            false => param,
        }
    }
}

/// The tiny checkpoint, whose gradients overflow f16 at the first loss scale.
pub(crate) fn loud_model() -> Classifier {
    model().map(&mut Louder::default())
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
