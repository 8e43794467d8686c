//! A finetuned classifier with its tokenizer.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use burn::tensor::Device;
use encoders::{
    Classifier, Dropouts, EncoderInput, Encoding, Encodings, HeadOutputs, Snapshot, Tokenizer,
};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::batches::Batching;
use crate::error::PredictError;
use crate::format;
use crate::prediction::Prediction;

/// Padded batches are as long as a multiple of this many tokens.
const MULTIPLE: usize = 8;

/// A text, and the second of a pair.
pub(crate) type Parts<'a> = (&'a str, Option<&'a str>);

/// How to predict.
///
/// | field | default | purpose |
/// |---|---|---|
/// | `max_length` | `model_max_length` of the tokenizer, else the model's positions | texts are cut at this many tokens |
/// | `batching` | packed | see [`Batching`]; predictions differ by rounding at most |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest sequence, in tokens.
    pub max_length: Option<usize>,
    /// How texts make a batch.
    pub batching: Batching,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_length: None,
            batching: Batching::Packed {
                tokens: Batching::TOKENS,
                texts: usize::MAX,
            },
        }
    }
}

/// A finetuned classifier with its tokenizer.
pub struct Predictor {
    model: Classifier,
    tokenizer: Tokenizer,
    outputs: HeadOutputs,
    snapshot: Snapshot,
    batching: Batching,
    device: Device,
    notes: Vec<String>,
    /// One thread each, for packed batches; none if there would be one alone.
    workers: Vec<ThreadPool>,
}

impl Predictor {
    /// Loads the encoder with the checkpoint's own head, and its tokenizer.
    ///
    /// Packed batches run one per thread of the current rayon pool.
    ///
    /// # Errors
    /// [`PredictError::Setting`] for a batch of nothing, [`PredictError::Encoder`] if the snapshot cannot be used or has no
    /// head.
    pub fn open(
        snapshot: &Snapshot,
        settings: &Settings,
        device: &Device,
    ) -> Result<Self, PredictError> {
        let (least, workers) = match settings.batching {
            Batching::Packed { tokens, texts } => (tokens.min(texts), rayon::current_num_threads()),
            Batching::Padded { texts } => (texts, 1),
        };
        if least == 0 {
            return Err(PredictError::Setting {
                name: "batch size",
                value: 0,
                accepted: "at least 1",
            });
        }
        // Without autodiff, nothing is kept for a backward pass.
        let device = device.clone().inner();
        let outputs = snapshot.head_outputs(&device)?;
        let max_length = match settings.max_length {
            Some(length) => length,
            None => snapshot.usual_max_length()?,
        };
        let tokenizer = snapshot.tokenizer(max_length)?;
        let loaded = snapshot.finetuned_classifier(outputs.width(), &device)?;
        let mut notes = loaded.notes;
        notes.extend(tokenizer.notes().iter().cloned());
        let workers = match workers {
            1 => Vec::new(),
            many => (0..many)
                .map_while(|_| ThreadPoolBuilder::new().num_threads(1).build().ok())
                .collect(),
        };
        Ok(Self {
            model: loaded.model,
            tokenizer,
            outputs,
            snapshot: snapshot.clone(),
            batching: settings.batching,
            device,
            notes,
            workers,
        })
    }

    /// What a user should know about weights and tokenizer, one line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What the outputs of the head mean.
    pub fn outputs(&self) -> &HeadOutputs {
        &self.outputs
    }

    /// The longest sequence, in tokens; longer texts are cut.
    pub fn max_length(&self) -> usize {
        self.tokenizer.max_length()
    }

    /// The label of a prediction; `None` for a number.
    pub fn label(&self, prediction: &Prediction) -> Option<&str> {
        format::label(prediction, &self.outputs)
    }

    /// The SHA-256 of the weights and of the files that decide on predictions beside them.
    ///
    /// # Errors
    /// [`PredictError::Encoder`] or [`PredictError::File`] if one cannot be read.
    pub fn sha256(&self) -> Result<String, PredictError> {
        let mut sums = format!("{}  weights\n", self.snapshot.weights_sha256()?);
        for file in self.snapshot.other_files() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            sums += &format!("{}  {name}\n", files::sha256_of_file(&file)?);
        }
        Ok(files::sha256_of(sums.as_bytes()))
    }

    /// Predicts texts and pairs, and returns the predictions in order.
    ///
    /// # Errors
    /// [`PredictError::Encoder`] if a text cannot be tokenized, [`PredictError::NotFinite`].
    pub fn predict(&self, texts: &[Parts<'_>]) -> Result<Vec<Prediction>, PredictError> {
        let encodings = self.encode(texts)?;
        let name = |position| format!("text {}", position + 1);
        let all = self.forward(&encodings, texts, &name, &mut |_| ControlFlow::Continue(()));
        Ok(all?.expect("nothing asked to stop"))
    }

    /// Tokenizes texts as in training.
    pub(crate) fn encode(&self, texts: &[Parts<'_>]) -> Result<Encodings, encoders::EncoderError> {
        self.tokenizer.encode_flat(texts.iter().copied())
    }

    /// Predicts tokenized texts, which messages call `name`; `each` gets the number of texts of every batch that is done.
    /// `None` if it broke.
    pub(crate) fn forward(
        &self,
        encodings: &Encodings,
        texts: &[Parts<'_>],
        name: &dyn Fn(usize) -> String,
        each: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Prediction>>, PredictError> {
        let batches = self.batching.of(encodings);
        let mut predictions: Vec<Option<Prediction>> = vec![None; encodings.len()];
        let mut place = |batch: &[usize], logits: Vec<f32>| {
            let width = self.outputs.width();
            for (&position, logits) in batch.iter().zip(logits.chunks_exact(width)) {
                if logits.iter().any(|logit| !logit.is_finite()) {
                    return Err(PredictError::NotFinite {
                        place: name(position),
                        logits: logits.to_vec(),
                    });
                }
                let is_number = self.outputs == HeadOutputs::Score;
                predictions[position] = Some(Prediction::new(logits.to_vec(), is_number));
            }
            Ok(each(batch.len()))
        };
        // With fewer batches than threads, all threads work on each.
        let flow = if self.workers.is_empty() || batches.len() < self.workers.len() {
            self.in_turn(encodings, &batches, &mut place)
        } else {
            self.side_by_side(encodings, &batches, &mut place)
        };
        if flow?.is_break() {
            return Ok(None);
        }
        let predictions = predictions.into_par_iter().enumerate();
        let predictions = predictions.map(|(at, prediction)| {
            let mut prediction = prediction.expect("every text is in a batch");
            // Only the longest can have been cut, and they are read to their ends.
            if encodings.length(at) == self.max_length() {
                prediction.is_cut = self.tokenizer.cuts(texts[at])?;
            }
            Ok(prediction)
        });
        predictions.collect::<Result<_, PredictError>>().map(Some)
    }

    fn in_turn(
        &self,
        encodings: &Encodings,
        batches: &[Vec<usize>],
        place: &mut Place<'_>,
    ) -> Result<ControlFlow<()>, PredictError> {
        for batch in batches {
            if place(batch, self.logits(encodings, batch))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Each thread takes the next batch when it has done one: no operation waits for the other threads.
    fn side_by_side(
        &self,
        encodings: &Encodings,
        batches: &[Vec<usize>],
        place: &mut Place<'_>,
    ) -> Result<ControlFlow<()>, PredictError> {
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for worker in &self.workers {
                let (sender, next, stop) = (sender.clone(), &next, &stop);
                scope.spawn(move || {
                    worker.install(|| {
                        while !stop.load(Ordering::Relaxed) {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            let Some(batch) = batches.get(number) else {
                                break;
                            };
                            if sender
                                .send((number, self.logits(encodings, batch)))
                                .is_err()
                            {
                                break;
                            }
                        }
                    });
                });
            }
            drop(sender);
            for (number, logits) in receiver {
                let flow = place(&batches[number], logits);
                if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                    stop.store(true, Ordering::Relaxed);
                    return flow;
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The outputs of the head for a batch, text by text.
    fn logits(&self, encodings: &Encodings, batch: &[usize]) -> Vec<f32> {
        let batch: Vec<Encoding> = batch.iter().map(|&i| encodings.get(i)).collect();
        let input = match self.batching {
            Batching::Packed { .. } => EncoderInput::packed(&batch, &self.device),
            Batching::Padded { .. } => {
                let longest = batch.iter().map(|encoding| encoding.ids.len()).max();
                let length = longest.unwrap_or(0).next_multiple_of(MULTIPLE);
                let pad = self.snapshot.config().pad_token_id();
                EncoderInput::padded(&batch, pad, length.min(self.max_length()), &self.device)
            }
        };
        let logits = self.model.forward(input, &mut Dropouts::off());
        let logits = logits.into_data().convert::<f32>();
        logits.iter::<f32>().collect()
    }
}

/// Is given the positions of a batch and its logits.
type Place<'p> = dyn FnMut(&[usize], Vec<f32>) -> Result<ControlFlow<()>, PredictError> + 'p;
