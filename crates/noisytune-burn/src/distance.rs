use std::collections::{HashMap, HashSet, VecDeque};

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamGroupError, ParamId};
use burn::tensor::{DType, Tensor, TensorData, bf16, f16};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::element::Element;
use crate::moments::BLOCK;
use crate::survey::buffers_of;
use crate::{NoisyTuneError, Side};

/// The groups of the paper's Figure 4, as (name, pattern): attention projections, the other
/// matrices with their biases, and everything. The patterns fit the names of Hugging Face's BERT
/// and of Burn's own transformer encoder.
pub const PAPER_GROUPS: [(&str, &str); 5] = [
    ("query", r"(^|[._])query[._]"),
    ("key", r"(^|[._])key[._]"),
    ("value", r"(^|[._])value[._]"),
    (
        "dense",
        r"(^|\.)(dense|output|linear_inner|linear_outer)\.(weight|bias)$",
    ),
    ("all", ""),
];

/// How far apart two modules are, parameter by parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DistanceReport {
    /// One entry per float parameter, in the order of the traversal. Tied ones, which share id and values,
    /// occur once.
    pub entries: Vec<ParamDistance>,
}

/// How far a parameter of the second module is from the same parameter of the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParamDistance {
    /// Path in the module, joined by dots.
    pub path: String,
    /// Number of elements.
    pub elements: usize,
    /// Sum of the absolute differences.
    pub l1: f64,
    /// Sum of the squared differences.
    pub squared_l2: f64,
    /// Sum of the squares in the first module.
    pub squared_norm: f64,
    /// Sums of the absolute values: the L1 norms in the first module and in the second.
    pub l1_norms: [f64; 2],
}

/// How far apart a group of parameters is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupDistance {
    /// Number of parameters.
    pub parameters: usize,
    /// Number of elements.
    pub elements: usize,
    /// Sum of the absolute differences: the L1 norm of the change.
    pub l1: f64,
    /// L2 norm of the change over the L2 norm of the first module's parameters; `None` when the
    /// latter is 0.
    pub relative_l2: Option<f64>,
    /// How much larger the L1 norm is in the second module, as a share of that in the first, as in the paper's
    /// Figure 4; negative if it is smaller, `None` when the first is 0.
    pub l1_norm_change: Option<f64>,
}

/// Measures what changed from `first` to `second`, for example through finetuning.
///
/// Parameters are matched by path and read in f64, quantized ones after dequantization. Buffers, such as
/// the statistics of batch normalization, are no parameters and do not count. The elements of both modules
/// are copied to the host, one parameter at a time.
///
/// A reparameterization such as LoRA adds parameters: its factors have paths of their own, and are
/// compared separately from the base. So a pretrained module and the same with LoRA do not match; to
/// compare what they compute with, merge the factors into the base with
/// [`materialize`](burn::module::Module::materialize) first.
///
/// # Errors
///
/// - [`NoisyTuneError::UnmatchedParameter`] when one of the modules lacks a parameter;
/// - [`NoisyTuneError::ShapeMismatch`] when a parameter differs in shape.
///
/// ```
/// use burn::nn::LinearConfig;
/// use noisytune_burn::{NoisyTune, PAPER_GROUPS, distances};
///
/// let pretrained = LinearConfig::new(8, 4).init(&Default::default());
/// let finetuned = pretrained.clone().noisy_tune(0.15);
/// let report = distances(&pretrained, &finetuned)?;
/// for (name, group) in report.grouped(&PAPER_GROUPS)? {
///     println!("{name}: L1 {:.3}, relative L2 {:?}", group.l1, group.relative_l2);
/// }
/// # Ok::<(), noisytune_burn::NoisyTuneError>(())
/// ```
pub fn distances<A: Module, B: Module>(
    first: &A,
    second: &B,
) -> Result<DistanceReport, NoisyTuneError> {
    let mut collected = Collect {
        buffers: buffers_of(first),
        ..Collect::default()
    };
    first.visit(&mut collected);
    let mut compare = Compare {
        buffers: buffers_of(second),
        path: Vec::new(),
        left: collected.params,
        seen: HashMap::new(),
        entries: Vec::new(),
        error: None,
    };
    second.visit(&mut compare);
    if let Some(error) = compare.error {
        return Err(error);
    }
    // The earliest in the first module's order, so that the message does not vary.
    let left = compare.left.into_iter();
    let left = left.filter_map(|(path, left)| Some((left.front()?.order, path)));
    if let Some((_, path)) = left.min() {
        let present = Side::First;
        return Err(NoisyTuneError::UnmatchedParameter { path, present });
    }
    Ok(DistanceReport {
        entries: compare.entries,
    })
}

impl DistanceReport {
    /// Adds up the parameters whose path a group matches. Ids in the group match nothing.
    pub fn total(&self, group: &ParamGroup) -> GroupDistance {
        // Two modules have two ids for a parameter; this one belongs to neither.
        let no_id = ParamId::new();
        let mut total = GroupDistance::default();
        let (mut squared_l2, mut squared_norm) = (0.0, 0.0);
        let mut l1_norms = [0.0; 2];
        for entry in &self.entries {
            if group.matches(&no_id, Some(&entry.path)) {
                total.parameters += 1;
                total.elements += entry.elements;
                total.l1 += entry.l1;
                squared_l2 += entry.squared_l2;
                squared_norm += entry.squared_norm;
                for (sum, norm) in l1_norms.iter_mut().zip(entry.l1_norms) {
                    *sum += norm;
                }
            }
        }
        total.relative_l2 = relative(squared_l2, squared_norm);
        let [first, second] = l1_norms;
        total.l1_norm_change = (first > 0.0).then(|| (second - first) / first);
        total
    }

    /// Adds up the parameters by name; a parameter belongs to every group whose regular expression
    /// matches its path.
    ///
    /// # Errors
    ///
    /// [`NoisyTuneError::InvalidPattern`] when a pattern is not a regular expression.
    pub fn grouped(
        &self,
        groups: &[(&str, &str)],
    ) -> Result<Vec<(String, GroupDistance)>, NoisyTuneError> {
        groups
            .iter()
            .map(|(name, pattern)| {
                let group = ParamGroup::from_regex(pattern)
                    .map_err(|error| invalid_pattern(name, pattern, &error))?;
                Ok((name.to_string(), self.total(&group)))
            })
            .collect()
    }
}

impl ParamDistance {
    /// L2 norm of the change over the L2 norm in the first module; `None` when the latter is 0.
    pub fn relative_l2(&self) -> Option<f64> {
        relative(self.squared_l2, self.squared_norm)
    }
}

fn relative(squared_l2: f64, squared_norm: f64) -> Option<f64> {
    (squared_norm > 0.0).then(|| (squared_l2 / squared_norm).sqrt())
}

fn invalid_pattern(name: &str, pattern: &str, error: &ParamGroupError) -> NoisyTuneError {
    let ParamGroupError::InvalidPatternError(message) = error;
    // The parser spreads its message over several lines; the last one says what is wrong.
    let message = message.lines().last().unwrap_or_default();
    NoisyTuneError::InvalidPattern {
        name: name.to_string(),
        pattern: pattern.to_string(),
        message: message.trim_start_matches("error: ").to_string(),
    }
}

/// A parameter of the first module, whose tensor is shared and not copied.
struct Left {
    order: usize,
    shape: Vec<usize>,
    flat: Tensor<1>,
}

/// The elements as one row of floats on a plain device.
fn flat<const D: usize>(param: &Param<Tensor<D>>) -> (Vec<usize>, Tensor<1>) {
    let tensor = param.base().without_autodiff();
    let tensor = match tensor.dtype() {
        DType::QFloat(_) => tensor.dequantize(),
        _ => tensor,
    };
    let shape = tensor.dims().to_vec();
    let elements: usize = shape.iter().product();
    (shape, tensor.reshape([elements]))
}

#[derive(Default)]
struct Collect {
    buffers: HashSet<ParamId>,
    path: Vec<String>,
    /// In the order of the traversal, where several have one path.
    params: HashMap<String, VecDeque<Left>>,
    visited: usize,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.buffers.contains(&param.id) {
            return;
        }
        let order = self.visited;
        self.visited += 1;
        let (shape, flat) = flat(param);
        let left = Left { order, shape, flat };
        let of_path = self.params.entry(self.path.join(".")).or_default();
        of_path.push_back(left);
    }
}

struct Compare {
    buffers: HashSet<ParamId>,
    path: Vec<String>,
    left: HashMap<String, VecDeque<Left>>,
    /// What was measured per id, as bits.
    seen: HashMap<ParamId, Vec<[u64; 5]>>,
    entries: Vec<ParamDistance>,
    error: Option<NoisyTuneError>,
}

impl Compare {
    fn compare<const D: usize>(&mut self, param: &Param<Tensor<D>>) -> Result<(), NoisyTuneError> {
        let path = self.path.join(".");
        let Some(left) = self.left.get_mut(&path).and_then(VecDeque::pop_front) else {
            let present = Side::Second;
            return Err(NoisyTuneError::UnmatchedParameter { path, present });
        };
        let (shape, right) = flat(param);
        if left.shape != shape {
            return Err(NoisyTuneError::ShapeMismatch {
                path,
                first: left.shape,
                second: shape,
            });
        }
        let sums = difference(left.flat.into_data(), right.into_data());
        // One id with other values is another parameter, such as a moving average of the first.
        // By bits, so that one with a NaN is the same as itself.
        let (seen, bits) = (
            self.seen.entry(param.id).or_default(),
            sums.map(f64::to_bits),
        );
        if !seen.contains(&bits) {
            seen.push(bits);
            self.entries.push(ParamDistance {
                path,
                elements: shape.iter().product(),
                l1: sums[0],
                squared_l2: sums[1],
                squared_norm: sums[2],
                l1_norms: [sums[3], sums[4]],
            });
        }
        Ok(())
    }
}

impl ModuleVisitor for Compare {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.error.is_none()
            && !self.buffers.contains(&param.id)
            && let Err(error) = self.compare(param)
        {
            self.error = Some(error);
        }
    }
}

/// Sums of |b - a|, (b - a)², a², |a| and |b|.
type Sums = [f64; 5];

fn difference(first: TensorData, second: TensorData) -> Sums {
    match (first.dtype(), second.dtype()) {
        (DType::F32, DType::F32) => sums::<f32>(&first, &second),
        (DType::F16, DType::F16) => sums::<f16>(&first, &second),
        (DType::BF16, DType::BF16) => sums::<bf16>(&first, &second),
        _ => sums::<f64>(
            &first.convert_dtype(DType::F64),
            &second.convert_dtype(DType::F64),
        ),
    }
}

fn sums<E: Element>(first: &TensorData, second: &TensorData) -> Sums {
    let read = "both have this element type";
    let first = first.as_slice::<E>().expect(read);
    let second = second.as_slice::<E>().expect(read);
    let blocks: Vec<Sums> = first
        .par_chunks(BLOCK)
        .zip(second.par_chunks(BLOCK))
        .map(|(first, second)| {
            first.iter().zip(second).fold([0.0; 5], |sums, (a, b)| {
                let (a, b) = (a.widened(), b.widened());
                let change = b - a;
                add(
                    sums,
                    [change.abs(), change * change, a * a, a.abs(), b.abs()],
                )
            })
        })
        .collect();
    blocks.into_iter().fold([0.0; 5], add)
}

fn add(a: Sums, b: Sums) -> Sums {
    std::array::from_fn(|index| a[index] + b[index])
}
