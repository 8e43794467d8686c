use core::fmt;

use burn::tensor::DType;
use serde::{Deserialize, Serialize};

use crate::{NoiseKind, NoiseScale};

/// What was done to each float tensor of a module, in the order of the traversal.
///
/// Serializes with serde, and prints as an aligned table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoiseReport {
    /// Noise intensity λ.
    pub lambda: f64,
    /// Seed of the noise.
    #[serde(default)]
    pub seed: u64,
    /// Distribution of the noise.
    #[serde(default)]
    pub kind: NoiseKind,
    /// What the noise was proportional to.
    #[serde(default)]
    pub scale: NoiseScale,
    /// The pooled standard deviation, when `scale` is [`NoiseScale::Global`].
    #[serde(default)]
    pub global_std: Option<f64>,
    /// Names, presets and groups of the selection that no tensor matched.
    #[serde(default)]
    pub unmatched: Vec<String>,
    /// One entry per float tensor reached.
    #[serde(default)]
    pub entries: Vec<ParamReport>,
}

/// What was done to one float tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParamReport {
    /// Path in the module, joined by dots, such as `encoder.layers.0.query.weight`.
    pub path: String,
    /// Sizes of the dimensions.
    #[serde(default)]
    pub shape: Vec<usize>,
    /// Stored type; `None` of a parameter that was left out and is not initialised yet.
    #[serde(default)]
    pub dtype: Option<DType>,
    /// Number of elements.
    #[serde(default)]
    pub elements: usize,
    /// Path of the first parameter with the same id and values, when this one is tied to it.
    #[serde(default)]
    pub tied_to: Option<String>,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened to one float tensor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It received noise; with λ = 0, noise of size zero.
    #[non_exhaustive]
    Perturbed {
        /// Unbiased standard deviation of its elements before, or `None` for a single element.
        #[serde(default)]
        std: Option<f64>,
        /// Root mean square of the change, after rounding to the stored type.
        noise_rms: f64,
    },
    /// It is unchanged, bit for bit.
    Skipped(SkipReason),
}

/// Why a tensor received no noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// The selection leaves it out.
    NotSelected,
    /// It is a buffer, such as the running mean of batch normalization, and not a parameter.
    Buffer,
    /// It is a frozen parameter or a buffer, which a bare mapper cannot tell apart. A survey can, as in
    /// [`try_noisy_tune`](crate::NoisyTune::try_noisy_tune).
    PossibleBuffer,
    /// It is a factor of a reparameterization such as LoRA: fresh, and not pretrained.
    Adapter,
    /// It does not require gradients, and frozen parameters are left out.
    Frozen,
    /// It is stored quantized: noise below the quantization step would be lost or would need
    /// another scale. Perturb the float weights and quantize them afterwards.
    Quantized,
    /// It has no elements.
    Empty,
    /// It has one element, whose unbiased standard deviation is not defined.
    SingleElement,
    /// All its elements are equal, so the noise is zero.
    Constant,
    /// An element is NaN or infinite, or their spread exceeds the range of f64.
    NonFinite,
    /// The noise would make an element infinite in its stored type.
    Overflow,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotSelected => "not selected",
            Self::Buffer => "buffer",
            Self::PossibleBuffer => "frozen or a buffer",
            Self::Adapter => "adapter",
            Self::Frozen => "frozen",
            Self::Quantized => "quantized",
            Self::Empty => "empty",
            Self::SingleElement => "single element",
            Self::Constant => "constant",
            Self::NonFinite => "not finite",
            Self::Overflow => "overflow",
        })
    }
}

impl NoiseReport {
    /// The entries that received noise.
    pub fn perturbed(&self) -> impl Iterator<Item = &ParamReport> {
        self.entries.iter().filter(|entry| entry.is_perturbed())
    }

    /// The entries left as they were, with the reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&ParamReport, SkipReason)> {
        self.entries.iter().filter_map(|entry| match entry.outcome {
            Outcome::Perturbed { .. } => None,
            Outcome::Skipped(reason) => Some((entry, reason)),
        })
    }

    /// The entry at a path.
    pub fn get(&self, path: &str) -> Option<&ParamReport> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// Number of elements that received noise; tied parameters count once per place.
    pub fn perturbed_elements(&self) -> usize {
        self.perturbed().map(|entry| entry.elements).sum()
    }

    /// How often each reason to skip occurred.
    pub(crate) fn reasons(&self) -> Vec<(SkipReason, usize)> {
        let mut counts = std::collections::BTreeMap::<SkipReason, usize>::new();
        for (_, reason) in self.skipped() {
            *counts.entry(reason).or_default() += 1;
        }
        counts.into_iter().collect()
    }
}

impl ParamReport {
    /// Whether it received noise.
    pub fn is_perturbed(&self) -> bool {
        matches!(self.outcome, Outcome::Perturbed { .. })
    }
}

const HEADER: [&str; 6] = [
    "parameter",
    "shape",
    "dtype",
    "elements",
    "std",
    "noise rms",
];

impl fmt::Display for NoiseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![HEADER.map(String::from)];
        rows.extend(self.entries.iter().map(ParamReport::row));
        let mut widths = [0; HEADER.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for [path, shape, dtype, elements, std, rms] in &rows {
            let [w0, w1, w2, w3, w4, _] = widths;
            // Names are aligned left, quantities right; nothing follows the last column.
            writeln!(
                f,
                "{path:<w0$}  {shape:<w1$}  {dtype:<w2$}  {elements:>w3$}  {std:>w4$}  {rms}"
            )?;
        }
        write!(
            f,
            "{} of {} tensors perturbed, {} elements, lambda {}, seed {}",
            self.perturbed().count(),
            self.entries.len(),
            self.perturbed_elements(),
            self.lambda,
            self.seed,
        )?;
        if !self.unmatched.is_empty() {
            let unmatched = self.unmatched.join(", ");
            write!(
                f,
                "\nparts of the selection match no parameter: {unmatched}"
            )?;
        }
        Ok(())
    }
}

impl ParamReport {
    fn row(&self) -> [String; HEADER.len()] {
        let (std, mut last) = match self.outcome {
            Outcome::Perturbed { std, noise_rms } => (
                std.map_or_else(|| "-".to_string(), |std| format!("{std:.6e}")),
                format!("{noise_rms:.6e}"),
            ),
            Outcome::Skipped(reason) => ("-".to_string(), format!("skipped: {reason}")),
        };
        if let Some(first) = &self.tied_to {
            last.push_str(&format!(" (tied to {first})"));
        }
        [
            self.path.clone(),
            format!("{:?}", self.shape),
            self.dtype
                .map_or_else(|| "-".to_string(), |dtype| format!("{dtype:?}")),
            self.elements.to_string(),
            std,
            last,
        ]
    }
}
