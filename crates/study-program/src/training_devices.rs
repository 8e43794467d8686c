//! Where the runs of a study are trained.

use burn::tensor::Device;
use devices::{Backend, DeviceName};
use finetune::{FinetuneError, Session};
use program::{DeviceOptions, Failure, Program};
use study::{Precision, StudyConfig};

use crate::arguments::StudyArguments;
use crate::values::{ParallelName, PrecisionName};

/// The devices that the options name, checked before any is opened.
pub(crate) struct TrainingDevices {
    names: Vec<DeviceName>,
    parallel: ParallelName,
}

impl TrainingDevices {
    pub(crate) fn asked(arguments: &StudyArguments) -> Result<Self, Failure> {
        let names = match &arguments.several_devices {
            None => vec![arguments.devices.device.clone()],
            Some(names) => names.clone(),
        };
        for (place, name) in names.iter().enumerate() {
            let (first, earlier) = (&names[0], &names[..place]);
            if earlier.iter().any(|other| name.is_same(other)) {
                return Err(Failure::Usage(format!(
                    "devices: {name} is listed twice, expected each device once"
                )));
            }
            if name.backend != first.backend {
                return Err(Failure::Usage(format!(
                    "devices: {first} and {name}, expected devices of one kind"
                )));
            }
        }
        if arguments.precision == Some(PrecisionName::Tf32) && names[0].backend != Backend::Cuda {
            return Err(Failure::Usage(format!(
                "precision is tf32, accepted is f32, bf16 or f16 on {}; only cuda has tf32",
                names[0]
            )));
        }
        if let (Some(_), [only]) = (arguments.parallel, &names[..]) {
            return Err(Failure::Usage(format!(
                "--parallel changes nothing with one device, {only}; expected at least two in --devices"
            )));
        }
        Ok(Self {
            names,
            parallel: arguments.parallel.unwrap_or(ParallelName::Runs),
        })
    }

    /// Gives each device its share of the batches, if they share them.
    pub(crate) fn share(&self, study: &mut StudyConfig) -> Result<(), Failure> {
        let (devices, size) = (self.names.len(), study.recipe.batch_size);
        if self.parallel == ParallelName::Runs {
            return Ok(());
        }
        if size < devices || !size.is_multiple_of(devices) {
            return Err(Failure::Usage(format!(
                "batch size is {size}, accepted is a multiple of {devices}, the number of devices that share a batch"
            )));
        }
        study.recipe.batch_size = size / devices;
        study.recipe.gradient_accumulation *= devices;
        Ok(())
    }

    pub(crate) fn open(
        &self,
        arguments: &StudyArguments,
        program: &Program,
    ) -> Result<Vec<Device>, Failure> {
        arguments.devices.open_each(&self.names, program)
    }

    /// In place of each, the device that this build prefers, to read a model on: merging needs none of them.
    pub(crate) fn stand_in(&self, program: &Program) -> Result<Vec<Device>, Failure> {
        let preferred = DeviceOptions {
            device: DeviceName::preferred(),
            token_file: None,
            list_devices: false,
        };
        Ok(vec![preferred.open(program)?; self.names.len()])
    }

    /// The name of the first device, or of all that share a run.
    pub(crate) fn name(&self) -> String {
        let names = self.names.iter().map(ToString::to_string);
        match self.parallel {
            ParallelName::Runs => self.names[0].to_string(),
            ParallelName::Data => names.collect::<Vec<_>>().join("+"),
        }
    }

    /// What nothing can check about them: servers do not tell what they compute with.
    pub(crate) fn unknown_kinds(&self) -> Option<String> {
        let first = &self.names[0];
        let is_elsewhere = |name: &DeviceName| name.host != first.host;
        self.names.iter().any(is_elsewhere).then(|| {
            let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
            format!(
                "{}: servers do not tell what they compute with, so see to it that all of them serve devices of one kind; between kinds, \
                 results differ in their last digits",
                names.join(", ")
            )
        })
    }

    /// What f32 is on cuda: CubeCL's products of f32 are TF32 wherever the GPU's tensor cores have it.
    pub(crate) fn tensor_float(&self, precision: Precision) -> Option<String> {
        let name = &self.names[0];
        (name.backend == Backend::Cuda && precision == Precision::F32).then(|| {
            format!(
                "{name}: GPUs since Ampere compute matrix products of f32 as TF32, with 11 bits of mantissa instead of 24; Burn has no \
                 switch for it"
            )
        })
    }

    /// Whether the first device computes on the program's threads, and has the study for itself.
    pub(crate) fn is_threaded(&self) -> bool {
        self.names.len() == 1 && self.names[0].backend.is_threaded()
    }

    /// Lets a session, opened on the first of these devices, use the others.
    pub(crate) fn with_others(
        &self,
        session: Session,
        opened: &[Device],
    ) -> Result<Session, FinetuneError> {
        let others = opened.iter().cloned().zip(&self.names).skip(1);
        match self.parallel {
            ParallelName::Data => session.with_replicas(others.map(|(device, _)| device).collect()),
            ParallelName::Runs if self.names.len() > 1 => {
                let others = others.map(|(device, name)| (device, name.to_string()));
                Ok(session.with_other_devices(&others.collect::<Vec<_>>()))
            }
            ParallelName::Runs => Ok(session),
        }
    }

    /// Runs at the same time, unless the session says how many suit it.
    pub(crate) fn jobs(&self) -> usize {
        match self.parallel {
            ParallelName::Runs => self.names.len(),
            ParallelName::Data => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(flatten)]
        study: StudyArguments,
    }

    fn parse(arguments: &[&str]) -> Result<StudyArguments, clap::Error> {
        let arguments = [&["program"], arguments].concat();
        Arguments::try_parse_from(arguments).map(|arguments| arguments.study)
    }

    fn asked(arguments: &[&str]) -> Result<TrainingDevices, Failure> {
        TrainingDevices::asked(&parse(arguments).expect("they parse"))
    }

    #[test]
    fn devices_are_of_one_kind_and_each_is_listed_once() {
        for (devices, part) in [
            ("flex,flex", "flex is listed twice"),
            ("wgpu,wgpu:0", "wgpu:0 is listed twice"),
            ("cuda:0,cuda:1,cuda:0", "cuda:0 is listed twice"),
            ("remote:a:3000,remote:a:3000/0", "listed twice"),
            (
                "cuda:0,wgpu:0",
                "cuda:0 and wgpu:0, expected devices of one kind",
            ),
            ("flex,remote:a:3000", "expected devices of one kind"),
        ] {
            let Err(failure) = asked(&["--devices", devices]) else {
                panic!("{devices} is refused");
            };
            assert!(failure.to_string().contains(part), "{failure}");
            assert_eq!(failure.code(), 2);
        }
        let training_devices =
            asked(&["--devices=remote:a:3000,remote:a:3000/1"]).expect("two devices");
        assert_eq!(
            (training_devices.jobs(), training_devices.is_threaded()),
            (2, false)
        );
    }

    #[test]
    fn of_several_servers_it_is_said_that_their_kind_is_unknown() {
        let note = |devices: &str| {
            let asked = asked(&["--devices", devices]).expect("devices");
            asked.unknown_kinds()
        };
        for known in ["cuda:0,cuda:1", "remote:a:3000,remote:a:3000/1"] {
            assert_eq!(note(known), None, "{known}");
        }
        let note = note("remote:a:3000,remote:b:3000").expect("two servers");
        let begin = "remote:a:3000, remote:b:3000: servers do not tell what they compute with";
        assert!(note.starts_with(begin), "{note}");
    }

    #[test]
    fn what_f32_is_on_cuda_is_said() {
        let note = |arguments: &[&str]| {
            let arguments = parse(arguments).expect("they parse");
            let precision = arguments.resolve().study.recipe.precision;
            TrainingDevices::asked(&arguments)
                .expect("devices")
                .tensor_float(precision)
        };
        for precision in ["--precision=f32", "--precision=tf32"] {
            let note = note(&["--device=cuda:1", precision]).expect("a note");
            assert!(note.starts_with("cuda:1: GPUs since Ampere"), "{note}");
        }
        for arguments in [
            &["--device=cuda", "--precision=bf16"][..],
            &["--device=cuda", "--fp16"],
            &["--device=wgpu", "--precision=f32"],
        ] {
            assert_eq!(note(arguments), None, "{arguments:?}");
        }
    }

    #[test]
    fn tf32_is_for_cuda() {
        let Err(failure) = asked(&["--device=wgpu:1", "--precision=tf32"]) else {
            panic!("it is refused");
        };
        let expected =
            "error: precision is tf32, accepted is f32, bf16 or f16 on wgpu:1; only cuda has tf32";
        assert_eq!(failure.to_string(), expected);
        assert!(asked(&["--device=cuda", "--precision=tf32"]).is_ok());
    }

    #[test]
    fn a_single_device_shares_no_work() {
        for how in ["--parallel=data", "--parallel=runs"] {
            let Err(failure) = asked(&["--devices=flex", how]) else {
                panic!("{how} is refused");
            };
            let expected = "error: --parallel changes nothing with one device, flex; expected at least two in --devices";
            assert_eq!(failure.to_string(), expected);
        }
        assert!(asked(&["--devices=flex"]).is_ok());
    }

    #[test]
    fn options_that_say_something_else_are_refused() {
        for arguments in [
            &["--devices=cuda:0,cuda:1", "--device=cuda:0"][..],
            &["--devices=cuda:0,cuda:1", "--jobs=2"],
            &["--parallel=data"],
            &["--devices=cuda:0", "--parallel=both"],
            &["--devices=tpu"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn a_batch_is_shared_as_it_would_be_accumulated() {
        let shared = |arguments: &[&str]| {
            let arguments = parse(arguments).expect("they parse");
            let mut study = arguments.resolve().study;
            let shared = TrainingDevices::asked(&arguments)
                .and_then(|training_devices| training_devices.share(&mut study));
            shared.map(|()| (study.recipe.batch_size, study.recipe.gradient_accumulation))
        };
        let two = "--devices=cuda:0,cuda:1";
        let data = "--parallel=data";
        assert_eq!(shared(&[two, "--batch-size=32"]), Ok((32, 1)));
        assert_eq!(shared(&[two, data, "--batch-size=32"]), Ok((16, 2)));
        let accumulating = [two, data, "--batch-size=8", "--grad-accumulation=3"];
        assert_eq!(shared(&accumulating), Ok((4, 6)));
        for size in ["--batch-size=1", "--batch-size=7"] {
            let message = shared(&[two, data, size])
                .expect_err("it is refused")
                .to_string();
            assert!(message.contains("accepted is a multiple of 2"), "{message}");
        }
    }

    #[test]
    fn a_record_names_the_device_or_all_that_share_a_run() {
        let name = |arguments: &[&str]| asked(arguments).expect("devices").name();
        assert_eq!(name(&["--device=cuda:1"]), "cuda:1");
        let two = "--devices=cuda:0,cuda:1";
        assert_eq!(name(&[two]), "cuda:0");
        assert_eq!(name(&[two, "--parallel=data"]), "cuda:0+cuda:1");
    }
}
