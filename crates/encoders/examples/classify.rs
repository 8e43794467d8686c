//! Classifies texts with a finetuned model:
//! `cargo run --example classify -- out/glue_sst2/models/noisytune-seed0 "a warm film" "dull"`

use burn::tensor::{Device, activation::softmax};
use encoders::{Dropouts, EncoderInput, Snapshot};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("expected a folder, then texts")?;
    let texts: Vec<String> = arguments.collect();

    let device = Device::flex();
    let snapshot = Snapshot::open(folder)?;
    let labels = snapshot.labels();
    let model = snapshot.finetuned_classifier(labels.len(), &device)?.model;
    let tokenizer = snapshot.tokenizer(snapshot.config().max_length())?;
    for text in &texts {
        let encodings = tokenizer.encode([(text.as_str(), None)])?;
        let input = EncoderInput::packed(&encodings, &device);
        let logits = model.forward(input, &mut Dropouts::off());
        let probabilities = softmax(logits, 1).into_data().try_to_vec::<f32>()?;
        let best = probabilities
            .iter()
            .zip(labels)
            .max_by(|a, b| a.0.total_cmp(b.0));
        let (probability, label) = best.ok_or("the model has no outputs")?;
        println!("{label}\t{probability:.4}\t{text}");
    }
    Ok(())
}
