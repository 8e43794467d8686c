//! Parameters whose storage holds the elements in another order than the tensor's.

use burn::module::{Module, Param};
use burn::nn::{LinearConfig, LinearLayout};
use burn::tensor::{DType, Device, Tensor, TensorData};
use noisytune_burn::{NoiseKind, NoiseScale, NoisyTune, NoisyTuneConfig};

use crate::model::{One, noised, noised_by, perturbation, weights};

/// Whether flex holds the elements in the tensor's order; its debugging output says so.
fn is_in_order<const D: usize>(one: &One<D>) -> bool {
    let debug = format!("{:?}", one.weight.val().into_dispatch());
    assert_ne!(
        debug.contains("contiguous: true"),
        debug.contains("contiguous: false")
    );
    debug.contains("contiguous: true")
}

/// The same elements in storage of the tensor's order, and in storage of the permuted tensor's.
fn pair<const D: usize>(shape: [usize; D], axes: [isize; D], dtype: DType) -> [One<D>; 2] {
    let count = shape.iter().product();
    let stored = Tensor::<D>::from_data(TensorData::new(weights(count), shape), &Device::flex());
    let view = stored
        .cast(burn::tensor::FloatDType::from(dtype))
        .permute(axes);
    let dense = Tensor::from_data(view.to_data(), (&Device::flex(), dtype));
    [dense, view].map(|tensor| One {
        weight: Param::from_tensor(tensor),
    })
}

fn keeps_layout_and_noise<const D: usize>(shape: [usize; D], axes: [isize; D]) {
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        for kind in [NoiseKind::Uniform, NoiseKind::Gaussian] {
            let config = NoisyTuneConfig::new(0.15).with_seed(7).with_kind(kind);
            let [dense, view] = pair(shape, axes, dtype).map(|one| {
                let order = is_in_order(&one);
                let (one, report) = noised_by(one, config.clone());
                assert_eq!(order, is_in_order(&one), "{shape:?} {axes:?}");
                (one, report)
            });
            assert!(!is_in_order(&view.0));
            assert_eq!(
                dense.0.data(),
                view.0.data(),
                "{shape:?} {axes:?} {dtype:?}"
            );
            let (dense, view) = (&dense.1.entries[0], &view.1.entries[0]);
            assert_eq!(dense.shape, view.shape);
            let ((std, rms), (view_std, view_rms)) = (perturbation(dense), perturbation(view));
            assert_eq!(std, view_std);
            // Squares are summed in another order.
            assert!((rms / view_rms - 1.0).abs() < 1e-12, "{rms} {view_rms}");
        }
    }
}

#[test]
fn transposed_and_permuted_parameters_keep_their_layout_and_get_the_noise_of_their_elements() {
    keeps_layout_and_noise([3, 5], [1, 0]);
    keeps_layout_and_noise([700, 300], [1, 0]);
    keeps_layout_and_noise([16, 3, 3, 8], [3, 0, 1, 2]);
    keeps_layout_and_noise([16, 3, 3, 8], [0, 3, 1, 2]);
    keeps_layout_and_noise([2, 90, 130], [2, 1, 0]);
    keeps_layout_and_noise([2, 90, 130], [0, 2, 1]);
}

#[test]
fn a_linear_layer_in_column_order_keeps_it_and_is_reported_in_its_own_shape() {
    let config = LinearConfig::new(6, 3).with_layout(LinearLayout::Col);
    for scale in [NoiseScale::PerTensor, NoiseScale::Global] {
        // Burn announces the shape of a lazy one the other way round.
        let lazy = config.init(&Device::flex());
        assert_eq!(lazy.weight.lazy_shape().to_vec(), [3, 6]);
        let config = NoisyTuneConfig::new(0.15).with_scale(scale);
        let (model, report) = lazy.try_noisy_tune(&config).unwrap();
        assert_eq!(report.get("weight").unwrap().shape, [6, 3]);
        assert_eq!(model.weight.dims(), [6, 3]);
        let one = One {
            weight: model.weight,
        };
        assert!(!is_in_order(&one));
    }
}

#[test]
fn a_transposed_parameter_on_an_autodiff_device_keeps_its_layout_and_trains() {
    let device = Device::flex().autodiff();
    let model = LinearConfig::new(6, 3)
        .with_layout(LinearLayout::Col)
        .init(&device);
    let (model, _) = noised(model);
    let weight = model.valid().weight;
    assert!(!is_in_order(&One { weight }));
    let grads = model
        .forward(Tensor::<2>::ones([1, 6], &device))
        .sum()
        .backward();
    assert!(model.weight.grad(&grads).is_some());
}

#[test]
fn a_view_of_part_of_a_tensor_and_a_repeated_one_come_back_dense() {
    let whole = Tensor::<2>::from_data(TensorData::new(weights(60), [6, 10]), &Device::flex());
    let part = whole.clone().slice([1..4, 2..9]);
    let repeated = whole.slice([0..1, 0..10]).expand([4, 10]);
    for view in [part, repeated] {
        let dense = Tensor::<2>::from_data(view.to_data(), &Device::flex());
        let [view, dense] = [view, dense].map(|tensor| {
            let weight = Param::from_tensor(tensor);
            noised(One { weight }).0
        });
        assert_eq!(view.data(), dense.data());
        assert!(is_in_order(&view));
    }
}
