//! Studies and steps on servers.

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use encoders::Classifier;
use finetune::trainer::Trainer;
use study::Precision;
use study::record::{RunLog, RunRecord};

use crate::process::Server;
use crate::world;

/// The records without times and devices, by arm.
pub(crate) fn results(folder: &Path) -> Vec<RunRecord> {
    let mut records = RunLog::read(folder).expect("records");
    for record in &mut records {
        record.settings.device.clear();
        record.seconds = 0.0;
        record.finished_unix = 0;
        record.machine.threads = 0;
        record.machine.jobs = 0;
        record.plan_sha256 = None;
        for epoch in &mut record.epochs {
            epoch.train_seconds = 0.0;
        }
    }
    records.sort_by_key(|record| record.arm.name());
    records
}

fn study_on(device: &Device, name: &str) -> Vec<RunRecord> {
    let (data, out) = (tempfile::tempdir(), tempfile::tempdir());
    let (data, out) = (data.expect("a folder"), out.expect("a folder"));
    let study = world::study(data.path(), device, name, Precision::F32).expect("it opens");
    study.run(out.path(), &mut ()).expect("it runs");
    results(out.path())
}

#[test]
fn a_study_on_a_server_has_the_bits_of_one_here() {
    let server = Server::start();
    let here = study_on(&Device::flex(), "flex");
    assert_eq!(here.len(), 2);
    assert!(here.iter().all(|record| record.failed.is_none()));
    assert_eq!(study_on(&server.device(), &server.name), here);
}

/// Every parameter, as bits.
struct Bits(Vec<u32>);

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        self.0.extend(data.iter::<f32>().map(f32::to_bits));
    }
}

fn bits(model: &Classifier) -> Vec<u32> {
    let mut bits = Bits(Vec::new());
    model.visit(&mut bits);
    bits.0
}

/// The losses and parameters of three steps of three batches each.
fn steps(mut trainer: Trainer) -> (Vec<u64>, Vec<u32>) {
    let mut losses = Vec::new();
    for step in 0..3 {
        let batches = (0..3).map(|i| world::batch(3 * step + i, trainer.device_of(i)));
        let batches = batches.collect();
        let taken = trainer.step(batches).expect("numbers are finite");
        losses.push(taken.loss.to_bits());
    }
    (losses, bits(&trainer.model()))
}

#[test]
fn two_servers_that_share_a_batch_have_the_bits_of_one_device_that_accumulates() {
    let here = steps(world::trainer(&Device::flex()));
    let servers = [Server::start(), Server::start()];
    let [first, second] = servers.each_ref().map(Server::device);
    let shared = world::trainer(&first).with_replicas([second]);
    assert_ne!(shared.device_of(1), shared.device_of(0));
    assert_eq!(steps(shared), here);
}

#[test]
fn runs_side_by_side_on_two_servers_have_the_bits_of_runs_here() {
    let servers = [Server::start(), Server::start()];
    let [first, second] = servers.each_ref().map(Server::device);
    let (data, out) = (tempfile::tempdir(), tempfile::tempdir());
    let (data, out) = (data.expect("a folder"), out.expect("a folder"));
    let study = world::study(data.path(), &first, &servers[0].name, Precision::F32);
    let study = study.expect("it opens");
    let study = study.with_other_devices(&[(second, servers[1].name.clone())]);
    study.run(out.path(), &mut ()).expect("it runs");
    let records = RunLog::read(out.path()).expect("records");
    let mut on: Vec<_> = records.iter().map(|r| r.settings.device.as_str()).collect();
    on.sort_unstable();
    let mut expected = servers.each_ref().map(|server| server.name.as_str());
    expected.sort_unstable();
    assert_eq!(on, expected, "each has a run");
    assert_eq!(results(out.path()), study_on(&Device::flex(), "flex"));
}
