//! Every module type of burn-nn takes the noise, and nothing but its parameters changes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::activation::*;
use burn::nn::attention::*;
use burn::nn::conv::*;
use burn::nn::interpolate::*;
use burn::nn::loss::*;
use burn::nn::norm::{Normalization, NormalizationConfig};
use burn::nn::pool::*;
use burn::nn::transformer::*;
use burn::nn::*;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::model::{Fill, floats, noised, perturbation, skip_reason};
use noisytune_burn::SkipReason;

/// Everything of a module that is not a float parameter.
#[derive(Default)]
struct Rest(Vec<TensorData>);

impl ModuleVisitor for Rest {
    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.push(param.val().into_data());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.push(param.val().into_data());
    }
}

fn rest<M: Module>(module: &M) -> Vec<TensorData> {
    let mut rest = Rest::default();
    module.visit(&mut rest);
    rest.0
}

fn check<M: Module>(name: &str, module: M) {
    let module = module.map(&mut Fill);
    let (before, other) = (floats(&module), rest(&module));
    let (module, report) = noised(module);
    let after = floats(&module);
    assert_eq!(other, rest(&module), "{name}");
    assert_eq!(report.entries.len(), before.len(), "{name}");
    for ((before, after), entry) in before.iter().zip(&after).zip(&report.entries) {
        let place = format!("{name}: {}", entry.path);
        assert_eq!(before.shape(), after.shape(), "{place}");
        match skip_reason(entry) {
            None => {
                let (std, _) = perturbation(entry);
                // Half of λ, and the rounding of values below 1.
                let bound = 0.075 * std + f64::from(f32::EPSILON);
                let changes = before.iter::<f64>().zip(after.iter::<f64>());
                for (a, b) in changes {
                    assert!((b - a).abs() <= bound, "{place}: {a} became {b}");
                }
                assert_ne!(before, after, "{place}");
            }
            Some(reason) => {
                assert_eq!(before, after, "{place}");
                let expected = if entry.path.contains("running_") {
                    SkipReason::Buffer
                } else {
                    assert_eq!(entry.elements, 1, "{place}");
                    SkipReason::SingleElement
                };
                assert_eq!(reason, expected, "{place}");
            }
        }
    }
}

/// Checks each module under the name of its type, and returns the names.
macro_rules! check_all {
    ($($module:ident: $value:expr,)*) => {{
        $(
            let value: $module = $value;
            check(stringify!($module), value);
        )*
        [$(stringify!($module)),*]
    }};
}

#[test]
fn every_module_of_burn_nn_takes_the_noise_and_none_is_missing_from_this_list() {
    let device = &Device::flex();
    let decoder = TransformerDecoderConfig::new(8, 16, 2, 2);
    let encoder = TransformerEncoderConfig::new(8, 16, 2, 2);
    let checked = check_all! {
        Fold4d: Fold4dConfig::new([4, 4], [2, 2]).init(),
        Unfold4d: Unfold4dConfig::new([2, 2]).init(),
        Interpolate1d: Interpolate1dConfig::new().init(),
        Interpolate2d: Interpolate2dConfig::new().init(),
        Embedding: EmbeddingConfig::new(9, 4).init(device),
        MultiHeadAttention: MultiHeadAttentionConfig::new(8, 2).init(device),
        CrossAttention: CrossAttentionConfig::new(8, 6, 2, 1, 4).init(device),
        Linear: LinearConfig::new(4, 3).init(device),
        RotaryEncoding: RotaryEncodingConfig::new(8, 4).init(device),
        PositionalEncoding: PositionalEncodingConfig::new(4).init(device),
        Identity: Identity::new(),
        LocalResponseNorm: LocalResponseNormConfig::new(3).init(),
        BatchNorm: BatchNormConfig::new(4).init(device),
        Normalization: NormalizationConfig::from(BatchNormConfig::new(4)).init(device),
        LayerNorm: LayerNormConfig::new(4).init(device),
        GroupNorm: GroupNormConfig::new(2, 4).init(device),
        RmsNorm: RmsNormConfig::new(4).init(device),
        InstanceNorm: InstanceNormConfig::new(4).init(device),
        PairwiseDistance: PairwiseDistanceConfig::new().init(),
        CosineSimilarity: CosineSimilarityConfig::new().init(),
        Dropout: DropoutConfig::new(0.1).init(),
        GaussianNoise: GaussianNoiseConfig::new(0.1).init(),
        Conv1d: Conv1dConfig::new(2, 3, 3).init(device),
        Conv2d: Conv2dConfig::new([2, 3], [3, 3]).init(device),
        Conv3d: Conv3dConfig::new([2, 3], [3, 3, 3]).init(device),
        ConvTranspose1d: ConvTranspose1dConfig::new([2, 3], 3).init(device),
        ConvTranspose2d: ConvTranspose2dConfig::new([2, 3], [3, 3]).init(device),
        ConvTranspose3d: ConvTranspose3dConfig::new([2, 3], [3, 3, 3]).init(device),
        DeformConv2d: DeformConv2dConfig::new([2, 3], [3, 3]).init(device),
        TransformerDecoderLayer: TransformerDecoderLayer::new(&decoder, device),
        TransformerDecoder: decoder.init(device),
        TransformerEncoderLayer: TransformerEncoderLayer::new(&encoder, device),
        TransformerEncoder: encoder.init(device),
        PositionWiseFeedForward: PositionWiseFeedForwardConfig::new(8, 16).init(device),
        AvgPool1d: AvgPool1dConfig::new(2).init(),
        AvgPool2d: AvgPool2dConfig::new([2, 2]).init(),
        MaxPool1d: MaxPool1dConfig::new(2).init(),
        MaxPool2d: MaxPool2dConfig::new([2, 2]).init(),
        AdaptiveAvgPool1d: AdaptiveAvgPool1dConfig::new(2).init(),
        AdaptiveAvgPool2d: AdaptiveAvgPool2dConfig::new([2, 2]).init(),
        AdaptiveAvgPool3d: AdaptiveAvgPool3dConfig::new([2, 2, 2]).init(),
        GateController: GateController::new(4, 3, true, Initializer::Ones, device),
        Rnn: RnnConfig::new(4, 3, true).init(device),
        BiRnn: BiRnnConfig::new(4, 3, true).init(device),
        Gru: GruConfig::new(4, 3, true).init(device),
        BiGru: BiGruConfig::new(4, 3, true).init(device),
        Lstm: LstmConfig::new(4, 3, true).init(device),
        BiLstm: BiLstmConfig::new(4, 3, true).init(device),
        PixelShuffle: PixelShuffleConfig::new(2).init(),
        PixelUnshuffle: PixelUnshuffleConfig::new(2).init(),
        SwiGlu: SwiGluConfig::new(4, 3).init(device),
        Celu: CeluConfig::new().init(),
        Relu: Relu::new(),
        Tanhshrink: Tanhshrink::new(),
        Elu: EluConfig::new().init(),
        HardSwish: HardSwish::new(),
        Softsign: Softsign::new(),
        LogSigmoid: LogSigmoid::new(),
        RRelu: RReluConfig::new().init(),
        Softplus: SoftplusConfig::new().init(),
        Relu6: Relu6::new(),
        Mish: Mish::new(),
        PRelu: PReluConfig::new().with_num_parameters(4).init(device),
        SoftShrink: SoftShrinkConfig::new().init(),
        Shrink: ShrinkConfig::new().init(),
        Hardtanh: HardtanhConfig::new().init(),
        LeakyRelu: LeakyReluConfig::new().init(),
        HardSigmoid: HardSigmoidConfig::new().init(),
        ThresholdedRelu: ThresholdedReluConfig::new().init(),
        Threshold: ThresholdConfig::new(0.5, 0.1).init(),
        Selu: Selu::new(),
        SiLU: SiLU::new(),
        GLU: GLU::new(1),
        Gelu: Gelu::new(),
        Sigmoid: Sigmoid::new(),
        HardShrink: HardShrinkConfig::new().init(),
        Tanh: Tanh::new(),
        Activation: ActivationConfig::PRelu(PReluConfig::new()).init(device),
        BinaryCrossEntropyLoss: BinaryCrossEntropyLossConfig::new().init(device),
        SoftMarginLoss: SoftMarginLoss::new(),
        MseLoss: MseLoss::new(),
        LpLoss: LpLossConfig::new(2.0).init(),
        HuberLoss: HuberLossConfig::new(0.5).init(),
        MarginRankingLoss: MarginRankingLossConfig::new().init(),
        CosineEmbeddingLoss: CosineEmbeddingLossConfig::new().init(),
        CrossEntropyLoss: CrossEntropyLossConfig::new().init(device),
        SmoothL1Loss: SmoothL1LossConfig::new().init(),
        KLDivLoss: KLDivLossConfig::new().init(),
        PoissonNllLoss: PoissonNllLossConfig::new().init(),
        MultiMarginLoss: MultiMarginLossConfig::new().init(),
        CTCLoss: CTCLossConfig::new().init(),
        GaussianNLLLoss: GaussianNLLLossConfig::new().init(),
        TripletMarginLoss: TripletMarginLossConfig::new().init(),
        HingeEmbeddingLoss: HingeEmbeddingLossConfig::new().init(),
        RNNTLoss: RNNTLossConfig::new().init(),
    };
    let checked: BTreeSet<String> = checked.map(String::from).into();
    assert_eq!(checked, module_types_in_burn_nn());
}

/// The types that derive `Module` in the sources of burn-nn that this test was built with.
fn module_types_in_burn_nn() -> BTreeSet<String> {
    // For this platform alone: the packages of others need not be on this machine.
    let host = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()
        .expect("rustc built this test");
    let host = String::from_utf8(host.stdout).expect("a name");
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1"])
        .args(["--filter-platform", host.trim()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs this test");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let manifest = metadata["packages"]
        .as_array()
        .expect("a list of packages")
        .iter()
        .find(|package| package["name"] == "burn-nn")
        .and_then(|package| package["manifest_path"].as_str())
        .expect("burn depends on burn-nn");
    let mut types = BTreeSet::new();
    collect(&Path::new(manifest).with_file_name("src"), &mut types);
    types
}

fn collect(folder: &Path, types: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources are in the registry") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, types);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).expect("a readable file");
            let mut derived = false;
            // Everything below the first test module is made for the tests.
            for line in source.lines().take_while(|line| *line != "#[cfg(test)]") {
                if let Some(list) = line.trim().strip_prefix("#[derive(") {
                    derived |= list.split([',', ')', ' ']).any(|name| name == "Module");
                } else if let Some(item) = type_name(line) {
                    if derived {
                        types.insert(item);
                    }
                    derived = false;
                }
            }
        }
    }
}

fn type_name(line: &str) -> Option<String> {
    let rest = line
        .strip_prefix("pub struct ")
        .or_else(|| line.strip_prefix("pub enum "))?;
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    Some(rest[..end].to_string())
}
