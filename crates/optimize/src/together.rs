//! A step that all parameters take at once.
//!
//! Burn's optimizer visits one parameter after the other and takes each back at once. So it visits them twice: on the first visit
//! parameters, gradients and moments are gathered, then all take their step, and the second visit hands them back. What a
//! parameter is in between, nobody sees.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use fused::{AdamWStepped, AdamWSteps};

use crate::adamw::{IN_RANGE, next};
use crate::state::State;

/// What a visit to a parameter is for.
#[derive(Default)]
pub(crate) enum Visit {
    /// It takes its step by itself.
    #[default]
    Only,
    /// It is gathered.
    First(Gathered),
    /// It is handed back.
    Second(Stepped),
}

impl Visit {
    pub(crate) fn first() -> Self {
        Self::First(Gathered::default())
    }

    /// Lets those that were gathered take their steps.
    pub(crate) fn take_steps(&mut self) {
        if let Self::First(Gathered { steps, times }) = std::mem::take(self) {
            let stepped = steps.take();
            *self = Self::Second(Stepped { stepped, times });
        }
    }
}

/// Parameters that are to take a step, and its number for each.
#[derive(Default)]
pub(crate) struct Gathered {
    steps: AdamWSteps,
    times: VecDeque<usize>,
}

impl Gathered {
    pub(crate) fn add<const D: usize>(
        &mut self,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<State<D>>,
        step: impl FnOnce(usize) -> fused::AdamW,
    ) {
        let (moments, time) = next(state, &parameter.device());
        let added = self.steps.add(parameter, gradient, moments, step(time));
        added.expect(IN_RANGE);
        self.times.push_back(time);
    }
}

/// Parameters that have taken their step, in the order in which they were gathered.
pub(crate) struct Stepped {
    stepped: AdamWStepped,
    times: VecDeque<usize>,
}

impl Stepped {
    pub(crate) fn hand_back<const D: usize>(&mut self) -> (Tensor<D>, State<D>) {
        let moved = self.stepped.hand_back().zip(self.times.pop_front());
        let ((parameter, moments), time) = moved.expect("both visits have the same parameters");
        (parameter, State::after(moments, time))
    }
}

pub(crate) fn locked(visit: &Mutex<Visit>) -> MutexGuard<'_, Visit> {
    visit.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same gradients once more.
pub(crate) fn copies<M: Module>(module: &M, gradients: &GradientsParams) -> GradientsParams {
    let mut copies = Copies {
        gradients,
        copies: GradientsParams::new(),
    };
    module.visit(&mut copies);
    copies.copies
}

struct Copies<'a> {
    gradients: &'a GradientsParams,
    copies: GradientsParams,
}

impl ModuleVisitor for Copies<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.copies.register(param.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::{AdamW, AdamWConfig};

    /// Parameters that decay and do not, of several ranks; one has no gradient, and one occurs twice.
    #[derive(Module, Debug)]
    struct Model {
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
        gamma: Param<Tensor<1>>,
        frozen: Param<Tensor<1>>,
        tied: Param<Tensor<2>>,
    }

    fn values<const D: usize>(salt: usize, shape: [usize; D]) -> Tensor<D> {
        let count: usize = shape.iter().product();
        let values = (0..count).map(|i| ((i * 7 + salt * 31) as f32).sin());
        let data = TensorData::new(values.collect::<Vec<f32>>(), shape);
        Tensor::from_data(data, &Device::flex())
    }

    fn model() -> Model {
        let weight = Param::from_tensor(values(1, [3, 5]));
        let model = Model {
            tied: weight.clone(),
            weight,
            bias: Param::from_tensor(values(2, [5])),
            gamma: Param::from_tensor(values(3, [7])),
            frozen: Param::from_tensor(values(4, [2])),
        };
        model.train()
    }

    fn gradients(model: &Model, step: usize) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        gradients.register(model.weight.id, values(10 + step, [3, 5]));
        gradients.register(model.bias.id, values(20 + step, [5]));
        // Not in every step, so that parameters count their steps differently.
        if step != 1 {
            gradients.register(model.gamma.id, values(30 + step, [7]));
        }
        gradients
    }

    fn bits(model: &Model) -> Vec<u32> {
        struct Bits(Vec<u32>);
        impl ModuleVisitor for Bits {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                assert!(param.val().is_require_grad());
                let data = param.val().into_data();
                self.0.extend(data.iter::<f32>().map(f32::to_bits));
            }
        }
        let mut bits = Bits(Vec::new());
        model.visit(&mut bits);
        bits.0
    }

    fn optimizer() -> AdamW {
        AdamW::new(AdamWConfig {
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.1,
        })
        .expect("in range")
    }

    #[test]
    fn a_step_together_has_the_bits_of_steps_one_by_one() {
        let mut together = model();
        let mut alone = together.clone();
        let start = bits(&alone);
        let (mut of_together, mut of_alone) = (optimizer(), optimizer());
        for step in 0..6 {
            if step == 4 {
                // Each goes on with the other's moments and counts.
                let record = of_together.to_record();
                of_together.load_record(of_alone.to_record());
                of_alone.load_record(record);
            }
            let given = gradients(&together, step);
            together = of_together.step_together(1e-2, 0.7, together, given);
            let given = gradients(&alone, step);
            alone = of_alone.step(1e-2, 0.7, alone, given);
            assert_eq!(bits(&together), bits(&alone), "step {step}");
        }
        assert_ne!(bits(&alone), start);
    }
}
