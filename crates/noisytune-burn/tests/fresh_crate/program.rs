use burn::{module::Module, nn, tensor::Device};
#[derive(Module, Debug)]
struct Mine(nn::Linear, nn::Linear);
fn main() {
    let linear = |from, to| nn::LinearConfig::new(from, to).init(&Device::flex());
    let mine = Mine(linear(8, 4), linear(4, 2));
    let mut noise = noisytune_burn::NoisyTuneMapper::new(0.15);
    let _mine = mine.map(&mut noise);
    println!("{}", noise.report());
}
