//! A study of both arms, from files to its summary.

use burn::tensor::FloatDType;
use finetune::Session;
use finetune::progress::Progress;
use finetune::trainer::Step;
use study::plan::RunKey;
use study::record::RunRecord;
use study::{Precision, StudySummary};

use crate::world::{study, turn};

#[derive(Default)]
struct Seen {
    steps: usize,
    records: Vec<RunRecord>,
}

impl Progress for Seen {
    fn step(&mut self, _: &RunKey, _: &Step) {
        self.steps += 1;
    }

    fn run_finished(&mut self, record: &RunRecord) {
        self.records.push(record.clone());
    }
}

pub(crate) fn both_arms_of_a_study_learn_in_thirty_steps(name: &str) {
    let turn = turn(name);
    let data = tempfile::tempdir().expect("a temporary folder");
    let study = study(data.path(), &turn.device, name, Precision::F32).expect("it opens");
    learns(name, &study);
}

/// Not every device has every float type: a missing one is refused, and the message says which there are.
pub(crate) fn half_precision_learns_or_is_refused(name: &str) {
    let turn = turn(name);
    let data = tempfile::tempdir().expect("a temporary folder");
    for (precision, dtype) in [
        (Precision::Bf16, FloatDType::BF16),
        (Precision::F16, FloatDType::F16),
    ] {
        let is_supported = turn.device.supports_dtype(dtype);
        match study(data.path(), &turn.device, name, precision) {
            Ok(study) => {
                assert!(is_supported, "{precision:?}");
                learns(name, &study);
            }
            Err(refusal) => {
                assert!(!is_supported, "{refusal}");
                let refusal = refusal.to_string();
                println!("{refusal}");
                assert!(refusal.starts_with("precision is "), "{refusal}");
                assert!(refusal.contains("accepted is f32"), "{refusal}");
            }
        }
    }
}

fn learns(name: &str, study: &Session) {
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut seen = Seen::default();
    let summary: StudySummary = study.run(out.path(), &mut seen).expect("the study runs");

    assert_eq!(seen.steps, 2 * 30);
    assert_eq!(seen.records.len(), 2);
    for record in &seen.records {
        assert_eq!(record.failed, None);
        assert_eq!(record.settings.device, name);
        let losses: Vec<f64> = record.epochs.iter().map(|e| e.train_loss).collect();
        println!("{}: {losses:.3?}", record.arm);
        // Guessing gives ln 2 = 0.69, and the head's initial values a little more.
        assert!(losses[5] < 0.9 * losses[0], "{}: {losses:?}", record.arm);
    }
    assert_eq!(summary.studies[0].points.len(), 2);
}
