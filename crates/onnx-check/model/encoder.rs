// Generated from ONNX "model/encoder.onnx" by burn-onnx
extern crate alloc;
use burn::prelude::*;
use burn::nn::LayerNorm;
use burn::nn::LayerNormConfig;
use burn::nn::Linear;
use burn::nn::LinearConfig;
use burn::tensor::Bytes;
use burn_store::BurnpackStore;
use burn_store::ModuleSnapshot;


#[derive(Module, Debug)]
pub struct Model {
    constant1: burn::module::Param<Tensor<2>>,
    constant8: burn::module::Param<Tensor<1>>,
    linear1: Linear,
    linear2: Linear,
    linear3: Linear,
    linear4: Linear,
    layernormalization1: LayerNorm,
    linear5: Linear,
    linear6: Linear,
    layernormalization2: LayerNorm,
    linear7: Linear,
    #[module(skip)]
    device: Device,
}


impl Model {
    /// Load model weights from in-memory bytes.
    ///
    /// The bytes must be the contents of a `.bpk` file.
    pub fn from_bytes(bytes: Bytes, device: &Device) -> Self {
        let mut model = Self::new(device);
        let mut store = BurnpackStore::from_bytes(Some(bytes));
        model
            .load_from(&mut store)
            .unwrap_or_else(|e| panic!("Failed to load burnpack bytes: {e}"));
        model
    }
}

impl Model {
    #[allow(unused_variables)]
    pub fn new(device: &Device) -> Self {
        let constant1: burn::module::Param<Tensor<2>> = burn::module::Param::uninitialized(
            burn::module::ParamId::new(),
            move |device, _require_grad| Tensor::<
                2,
            >::zeros([50, 16], (device, burn::tensor::DType::F32)),
            device.clone(),
            false,
            [50, 16].into(),
        );
        let constant8: burn::module::Param<Tensor<1>> = burn::module::Param::uninitialized(
            burn::module::ParamId::new(),
            move |device, _require_grad| Tensor::<
                1,
            >::from_data(
                burn::tensor::TensorData::from([4f64]),
                (device, burn::tensor::DType::F32),
            ),
            device.clone(),
            false,
            [1].into(),
        );
        let linear1 = LinearConfig::new(16, 16).with_bias(true).init(device);
        let linear2 = LinearConfig::new(16, 16).with_bias(true).init(device);
        let linear3 = LinearConfig::new(16, 16).with_bias(true).init(device);
        let linear4 = LinearConfig::new(16, 16).with_bias(true).init(device);
        let layernormalization1 = LayerNormConfig::new(16)
            .with_epsilon(0.0000000000009999999960041972f64)
            .with_bias(true)
            .init(device);
        let linear5 = LinearConfig::new(16, 32).with_bias(true).init(device);
        let linear6 = LinearConfig::new(32, 16).with_bias(true).init(device);
        let layernormalization2 = LayerNormConfig::new(16)
            .with_epsilon(0.0000000000009999999960041972f64)
            .with_bias(true)
            .init(device);
        let linear7 = LinearConfig::new(16, 2).with_bias(true).init(device);
        Self {
            constant1,
            constant8,
            linear1,
            linear2,
            linear3,
            linear4,
            layernormalization1,
            linear5,
            linear6,
            layernormalization2,
            linear7,
            device: device.clone(),
        }
    }

    #[allow(clippy::let_and_return, clippy::approx_constant)]
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let constant1_out1 = self.constant1.val();
        let constant8_out1 = self.constant8.val();
        let gather1_out1 = {
            let axis_size = constant1_out1.dims()[0] as i64;
            let negative = tokens.clone().lower_elem(0i64);
            let corrected = tokens.clone() + axis_size;
            let indices = tokens.mask_where(negative, corrected);
            constant1_out1.take::<2, 3>(0, indices)
        };
        let linear1_out1 = self.linear1.forward(gather1_out1.clone());
        let linear2_out1 = self.linear2.forward(gather1_out1.clone());
        let linear3_out1 = self.linear3.forward(gather1_out1.clone());
        let transpose1_out1 = linear2_out1.permute([0, 2, 1]);
        let matmul4_out1 = linear1_out1.matmul(transpose1_out1);
        let div1_out1 = matmul4_out1
            .div((constant8_out1).unsqueeze_dims(&[0isize, 1isize]));
        let softmax1_out1 = burn::tensor::activation::softmax(div1_out1, 2);
        let matmul5_out1 = softmax1_out1.matmul(linear3_out1);
        let linear4_out1 = self.linear4.forward(matmul5_out1);
        let add1_out1 = gather1_out1.add(linear4_out1);
        let layernormalization1_out1 = {
            let dtype = add1_out1.dtype();
            self.layernormalization1
                .forward(add1_out1.cast(burn::tensor::DType::F32))
                .cast(dtype)
        };
        let linear5_out1 = self.linear5.forward(layernormalization1_out1.clone());
        let gelu1_out1 = burn::tensor::activation::gelu(linear5_out1);
        let linear6_out1 = self.linear6.forward(gelu1_out1);
        let add2_out1 = layernormalization1_out1.add(linear6_out1);
        let layernormalization2_out1 = {
            let dtype = add2_out1.dtype();
            self.layernormalization2
                .forward(add2_out1.cast(burn::tensor::DType::F32))
                .cast(dtype)
        };
        let reducemean1_out1 = {
            layernormalization2_out1.mean_dim(1usize).squeeze_dims::<2usize>(&[1])
        };
        let linear7_out1 = self.linear7.forward(reducemean1_out1);
        linear7_out1
    }
}
