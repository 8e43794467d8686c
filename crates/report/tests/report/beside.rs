//! What stands beside a comparison: steps, other epochs, what methods cost.

use study::{Arm, StudyConfig, StudyKind};

use crate::files::write;
use crate::sample::Sample;

#[test]
fn sizes_are_said_to_change_the_steps_too() {
    let files = write(&Sample::of(&[StudyKind::DataSize], 6));
    let said = "Fewer sentences also mean fewer optimizer steps: ";
    assert_eq!(files.markdown.matches(said).count(), 1);
    assert!(
        files
            .markdown
            .contains("All seeds take the first sentences of the file.")
    );
    let files = write(&Sample::of(&[StudyKind::Compare], 6));
    assert!(!files.markdown.contains(said));
}

#[test]
fn other_epochs_stand_below_the_comparison_and_in_no_side_study() {
    let sample = Sample::of(&[StudyKind::Compare, StudyKind::Lambda], 6);
    let files = write(&sample);
    let summary = sample.summary();
    let points = &summary.studies[0].points;
    let comparison = points[1].comparison.as_ref().expect("a comparison");
    let [lowest, best] = &comparison.at_another_epoch[..] else {
        panic!("{:?}", comparison.at_another_epoch);
    };
    for (epoch, at) in [
        ("with the lowest loss (early stopping)", lowest),
        ("with the best score", best),
    ] {
        let mean = format!("{:+.2}", 100.0 * at.mean).replace('-', "−");
        let row = format!("| noisytune | baseline | {epoch} | 6 | {mean} |");
        assert_eq!(files.markdown.matches(&row).count(), 1, "{row}");
    }
    assert_eq!(files.markdown.matches("early stopping").count(), 1);
}

#[test]
fn methods_are_shown_with_what_they_gain_over_the_baseline_and_what_they_cost() {
    let arms = ["baseline", "noisytune", "r-drop", "smart"];
    let sample = Sample::with_config(StudyConfig {
        arms: arms.map(|name| Arm::named(name).expect("an arm")).to_vec(),
        seeds: 7,
        ..StudyConfig::default()
    });
    let heading = "What do the methods gain, and what do they cost?";
    let files = write(&sample);
    let (_, section) = files.markdown.split_once(heading).expect("the section");
    let row = |arm: &str| -> Vec<&str> {
        let begin = format!("| {arm} |");
        let row = section.lines().find(|line| line.starts_with(&begin));
        let cells = row.expect("a row").trim_matches('|').split('|');
        cells.map(str::trim).collect()
    };
    let costs = |arm: &str| row(arm)[4..8].to_vec();
    assert_eq!(costs("baseline"), ["1", "1", "1", "0"]);
    assert_eq!(costs("noisytune"), ["1", "1", "1", "0"]);
    assert_eq!(costs("r-drop"), ["2", "2", "2", "0"]);
    assert_eq!(costs("smart"), ["4", "3", "2", "1"]);
    assert_eq!(row("baseline")[1..4], ["–", "–", "–"]);
    // SMART is compared with R-Drop above, and here with the baseline.
    let summary = sample.summary();
    let smart = &summary.studies[0].points[3];
    let comparison = smart.comparison.as_ref().expect("it is compared");
    assert_eq!(comparison.against, "r-drop");
    let mean = |at: usize| summary.studies[0].points[at].scores.mean.expect("a mean");
    let gain = format!("{:.2}", 100.0 * (mean(3) - mean(0)));
    let shown = row("smart")[2].replace('−', "-");
    assert_eq!(shown.trim_start_matches('+'), gain);
    assert_eq!(row("smart")[1], "7");
    assert!(row("smart")[3].contains(" to "), "{:?}", row("smart"));
    assert_eq!(
        row("smart")[9],
        "1.00",
        "the sample's runs take equally long"
    );

    let without = write(&Sample::of(&[StudyKind::Compare], 7));
    assert!(!without.markdown.contains(heading));
}

#[test]
fn how_far_parts_moved_is_corrected_for_all_of_them() {
    let files = write(&Sample::of(&[StudyKind::L1Change], 8));
    // Every part of both tables moves less in each of 8 pairs: 2 / 2^8, times 10 rows.
    let rows = files
        .markdown
        .lines()
        .filter(|line| line.ends_with("| 0.078 |"));
    let names: Vec<&str> = rows
        .filter_map(|row| row.split('|').nth(1))
        .map(str::trim)
        .collect();
    let parts = ["query", "key", "value", "dense", "all"];
    assert_eq!(names, [parts, parts].concat(), "{}", files.markdown);
    assert!(
        files
            .markdown
            .contains("the parameters move less than with"),
        "{}",
        files.markdown
    );
}
