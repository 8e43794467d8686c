use burn::{module::Module, nn, tensor::Device};
#[derive(Module, Debug)]
struct Mine {
    body: nn::Linear,
}
fn main() {
    let body = nn::LinearConfig::new(8, 4).init(&Device::flex());
    let mut noise = noisytune_burn::NoisyTuneMapper::new(0.15);
    println!("{}\n{}", Mine { body }.map(&mut noise), noise.report());
}
