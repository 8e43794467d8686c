//! Loads a model that was saved with `--save-format burnpack`, through burn-store alone:
//! `cargo run --example burnpack -- out/glue_sst2/models/noisytune-seed0`

use burn::module::Module;
use burn::tensor::{DType, Device};
use burn_store::{BurnpackStore, FloatCastAdapter, ModuleSnapshot};
use encoders::{Classifier, Snapshot};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    let snapshot = Snapshot::open(&folder)?;
    let labels = snapshot.labels().len();
    let mut model = Classifier::blank(snapshot.config(), labels, &Device::flex());
    let store = BurnpackStore::from_file(format!("{folder}/model.bpk"));
    // In f32, also where --save-dtype was another type.
    model.load_from(&mut store.with_from_adapter(FloatCastAdapter::to(DType::F32)))?;
    println!("{} parameters, {labels} outputs", model.num_params());
    Ok(())
}
