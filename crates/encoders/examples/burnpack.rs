//! Loads a model that was saved with `--save-format burnpack`, through burn-store alone:
//! `cargo run -p encoders --example burnpack -- out/glue_sst2/models/noisytune-seed0`

use burn::{module::Module, tensor::Device};
use burn_store::{BurnpackStore, ModuleSnapshot};
use encoders::{Classifier, Snapshot};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    let snapshot = Snapshot::open(&folder)?;
    let labels = snapshot.labels().len();
    let mut model = Classifier::blank(snapshot.config(), labels, &Device::flex());
    model.load_from(&mut BurnpackStore::from_file(format!("{folder}/model.bpk")))?;
    println!("{} parameters, {labels} outputs", model.num_params());
    Ok(())
}
