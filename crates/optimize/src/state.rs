//! What an optimizer keeps of a parameter from step to step.

use burn::optim::{RecordState, StateSink, StateSource, join_path};
use burn::tensor::{Device, Tensor, TensorData};
use fused::Moments;

/// A tensor of a state. Read from a record, it is on no device until its parameter takes a step: Burn puts it on the default
/// device, which need not be the parameter's, and need not be there.
#[derive(Clone)]
pub(crate) enum Kept<const D: usize> {
    Read(TensorData),
    Here(Tensor<D>),
}

impl<const D: usize> Kept<D> {
    pub(crate) fn read(source: &mut StateSource, prefix: &str, name: &str) -> Option<Self> {
        source.take_tensor(prefix, name).map(Self::Read)
    }

    pub(crate) fn data(&self) -> TensorData {
        match self {
            Self::Read(data) => data.clone(),
            Self::Here(tensor) => tensor.to_data(),
        }
    }

    /// On a device; it stays as it is if it is there already, as moving would make a second owner.
    pub(crate) fn on(self, device: &Device) -> Tensor<D> {
        match self {
            Self::Read(data) => Tensor::from_data(data, device),
            Self::Here(tensor) if tensor.device() == *device => tensor,
            Self::Here(tensor) => tensor.to_device(device),
        }
    }

    pub(crate) fn moved(self, device: &Device) -> Self {
        Self::Here(self.on(device))
    }
}

/// AdamW's moments after so many steps, recorded by the names of Burn's AdamW, so that a saved optimizer reads as that.
#[derive(Clone)]
pub(crate) struct State<const D: usize> {
    pub(crate) time: usize,
    first: Kept<D>,
    second: Kept<D>,
}

impl<const D: usize> State<D> {
    /// The state after a step of this number.
    pub(crate) fn after(moments: Moments<D>, time: usize) -> Self {
        Self {
            time,
            first: Kept::Here(moments.first),
            second: Kept::Here(moments.second),
        }
    }

    pub(crate) fn moments(self, device: &Device) -> Moments<D> {
        Moments {
            first: self.first.on(device),
            second: self.second.on(device),
        }
    }

    pub(crate) fn moved(self, device: &Device) -> Self {
        Self {
            time: self.time,
            first: self.first.moved(device),
            second: self.second.moved(device),
        }
    }
}

/// By hand: Burn's derive names its items from the root of Burn's own crate.
impl<const D: usize> RecordState for State<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        let prefix = join_path(prefix, "momentum");
        out.push_scalar(&prefix, "time", self.time.into());
        out.push_tensor(&prefix, "moment_1", self.first.data());
        out.push_tensor(&prefix, "moment_2", self.second.data());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, _: &Device) -> Option<Self> {
        let prefix = join_path(prefix, "momentum");
        Some(Self {
            time: source.take_scalar(&prefix, "time")?.try_into().ok()?,
            first: Kept::read(source, &prefix, "moment_1")?,
            second: Kept::read(source, &prefix, "moment_2")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamWState, AdaptiveMomentumState};

    use super::*;

    fn flattened(state: &impl RecordState) -> StateSink {
        let mut sink = StateSink::default();
        state.state_flatten("7", &mut sink);
        sink
    }

    #[test]
    fn a_record_reads_as_burns_adamw_and_is_the_same_before_it_has_a_device() {
        let device = Device::flex();
        let moment = |start: f32| Tensor::<1>::from_data([start, start + 0.25], &device);
        let momentum = AdaptiveMomentumState::new(5, moment(1.0), moment(2.0));
        let burns = flattened(&AdamWState::new(momentum));
        let moments = Moments {
            first: moment(1.0),
            second: moment(2.0),
        };
        let ours = flattened(&State::after(moments, 5));
        let mut source = StateSource::new(ours.scalars.iter().cloned().collect());
        for (name, data) in ours.tensors.clone() {
            source.insert_tensor(name, data);
        }
        let read = State::<1>::state_unflatten("7", &mut source, &device).expect("a state");
        for sink in [&ours, &flattened(&read), &flattened(&read.moved(&device))] {
            assert_eq!(sink.scalars, burns.scalars);
            assert_eq!(sink.tensors, burns.tensors);
        }
    }
}
