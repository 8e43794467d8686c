//! Perturbs a small transformer, prints what was done, and measures how far it moved.

use burn::module::Module;
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;
use noisytune_burn::{NoisyTune, NoisyTuneConfig, PAPER_GROUPS, Selection, distances};

#[derive(Module, Debug)]
struct Classifier {
    encoder: TransformerEncoder,
    head: Linear,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::default().autodiff();
    let pretrained = Classifier {
        encoder: TransformerEncoderConfig::new(32, 64, 4, 2).init(&device),
        head: LinearConfig::new(32, 2).init(&device),
    };
    // The head is fresh; noise is for pretrained parameters.
    let config =
        NoisyTuneConfig::new(0.15).with_selection(Selection::everything().except(["head"]));
    let (model, report) = pretrained.clone().try_noisy_tune(&config)?;
    println!("{report}\n");
    for (name, group) in distances(&pretrained, &model)?.grouped(&PAPER_GROUPS)? {
        println!("{name:<6} L1 {:.3}", group.l1);
    }
    Ok(())
}
