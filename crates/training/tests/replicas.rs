//! Replicas that share the batches of a step.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use optimize::{AdamW, AdamWConfig};
use training::{BatchGradients, LossScale, Pass, Replicas, Stepper};

fn numbers<const D: usize>(salt: usize, shape: [usize; D], device: &Device) -> Tensor<D> {
    let count = shape.iter().product();
    let number = |i: usize| ((i * 37 + salt * 11) % 101) as f32 / 50.5 - 1.0;
    let numbers: Vec<f32> = (0..count).map(number).collect();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

/// The mean square of a layer, which notes through which replica each batch went.
#[derive(Default)]
struct Square {
    through: Vec<*const Linear>,
    passes: Vec<Pass>,
}

impl BatchGradients<Linear, Tensor<2>> for Square {
    fn examples(&self, batch: &Tensor<2>) -> usize {
        batch.dims()[0]
    }

    fn gradients(
        &mut self,
        model: &Linear,
        batch: Tensor<2>,
        pass: Pass,
    ) -> (Tensor<1>, GradientsParams) {
        self.through.push(model);
        self.passes.push(pass);
        let loss = model.forward(batch).powi_scalar(2).mean();
        let gradients = (loss.clone() * pass.scale).backward();
        let gradients = GradientsParams::from_grads(gradients, model);
        (loss.inner(), gradients)
    }
}

struct Bits(Vec<u32>);

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        self.0.extend(data.iter::<f32>().map(f32::to_bits));
    }
}

fn bits(model: &Linear) -> Vec<u32> {
    let mut bits = Bits(Vec::new());
    model.visit(&mut bits);
    bits.0
}

/// Losses and parameters after steps of five, two and one batches, and what the batches went through.
fn stepped(start: &Linear, replicas: Replicas) -> (Vec<u64>, Vec<u32>, Square) {
    let config = AdamWConfig {
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weight_decay: 0.01,
    };
    let optimizer = AdamW::new(config).expect("in range");
    let stepper = Stepper::new(start.clone(), optimizer, |_| 1e-2, 1.0, LossScale::none());
    let mut stepper = stepper.expect("a norm in range").with_replicas(replicas);
    let device = Device::flex().autodiff();
    let (mut losses, mut square) = (Vec::new(), Square::default());
    for (step, sizes) in [&[3, 3, 2, 4, 1][..], &[2, 5], &[4]].iter().enumerate() {
        let batches = sizes.iter().enumerate();
        let batches = batches.map(|(i, rows)| numbers(10 * step + i, [*rows, 7], &device));
        let taken = stepper.step(batches.collect(), &mut square);
        losses.push(taken.expect("numbers are finite").loss.to_bits());
    }
    (losses, bits(stepper.model()), square)
}

#[test]
fn replicas_sum_what_one_device_accumulates_to_the_last_bit() {
    let device = Device::flex();
    let mut start = LinearConfig::new(7, 3).init(&device);
    start.weight = Param::from_tensor(numbers(5, [7, 3], &device));
    let (losses, parameters, alone) = stepped(&start, Replicas::default());
    for others in 1..=4 {
        let replicas = Replicas::on(vec![Device::flex(); others]);
        let (shared_losses, shared, square) = stepped(&start, replicas);
        assert_eq!(
            (shared_losses, shared),
            (losses.clone(), parameters.clone())
        );
        assert_eq!(square.passes, alone.passes);
        let through = &square.through[..5];
        for (index, replica) in through.iter().enumerate() {
            let place = index % (others + 1);
            assert_eq!(
                *replica, through[place],
                "batch {index} of {others} and one"
            );
        }
        let distinct: std::collections::BTreeSet<_> = through.iter().collect();
        assert_eq!(distinct.len(), others + 1);
    }
    assert!(
        alone.through[..5]
            .iter()
            .all(|model| *model == alone.through[0])
    );
}

#[test]
fn a_batch_has_the_device_of_its_replica() {
    let replicas = Replicas::on([Device::flex(), Device::flex()]);
    let has_other = |index| replicas.device_of(index).is_some();
    assert_eq!(
        [0, 1, 2, 3, 4].map(has_other),
        [false, true, true, false, true]
    );
    assert!(Replicas::default().device_of(3).is_none());
}
