//! The report can be read by people and by programs.

use burn::tensor::{DType, TensorData};
use noisytune_burn::{NoiseReport, SkipReason};

use crate::model::{One, noised, weights};

fn report() -> NoiseReport {
    noised(vec![
        One::<2>::new(TensorData::new(weights(6), [2, 3])),
        One::<2>::new(TensorData::new(vec![1.0f32; 12_000], [3, 4_000])),
    ])
    .1
}

#[test]
fn a_report_survives_json() {
    let report = report();
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(report, serde_json::from_str(&text).unwrap());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["entries"][0]["path"], "0.weight");
    assert_eq!(json["entries"][0]["shape"], serde_json::json!([2, 3]));
    assert_eq!(json["entries"][0]["dtype"], "F32");
    assert!(json["entries"][0]["outcome"]["perturbed"]["std"].is_f64());
    assert_eq!(json["entries"][1]["outcome"]["skipped"], "constant");
}

#[test]
fn a_report_prints_as_an_aligned_table() {
    let report = report();
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    let start = lines[0].find("noise rms").unwrap();
    assert_eq!(lines[2].find("skipped: constant"), Some(start));
    assert!(lines[1].is_char_boundary(start) && lines[1].as_bytes()[start - 1] == b' ');
    assert!(lines[0].starts_with("parameter  shape      dtype  elements"));
    assert!(lines[2].starts_with("1.weight   [3, 4000]  F32       12000"));
    assert_eq!(
        lines[3],
        "1 of 2 tensors perturbed, 6 elements, lambda 0.15, seed 7"
    );
}

#[test]
fn a_report_answers_what_was_perturbed_and_what_was_skipped() {
    let report = report();
    assert_eq!(report.perturbed_elements(), 6);
    let skipped: Vec<_> = report
        .skipped()
        .map(|(entry, reason)| (entry.path.as_str(), reason))
        .collect();
    assert_eq!(skipped, [("1.weight", SkipReason::Constant)]);
    assert_eq!(report.get("1.weight").unwrap().elements, 12_000);
    assert_eq!(report.get("2.weight"), None);
}

#[test]
fn a_record_with_fewer_fields_or_more_can_be_read() {
    let old = r#"{"lambda":0.15,"entries":[{"path":"weight","outcome":{"perturbed":{"noise_rms":0.5}}},
        {"path":"bias","dtype":"BF16","outcome":{"skipped":"constant"},"of_a_later_version":1}],"later":[]}"#;
    let report: NoiseReport = serde_json::from_str(old).unwrap();
    assert_eq!(report.perturbed().count(), 1);
    assert_eq!(report.entries[1].dtype, Some(DType::BF16));
    assert_eq!(report.skipped().next().unwrap().1, SkipReason::Constant);
}
