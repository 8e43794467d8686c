//! Few runs, failed runs, odd names, an earlier report: what the report makes of them.

use study::{Arm, StudyConfig, StudyKind};

use crate::files::{FIGURES, names, write};
use crate::sample::Sample;

#[test]
fn figures_of_an_earlier_report_do_not_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let every = Sample::with_config(StudyConfig {
        studies: StudyKind::BY_ONE_RECIPE.to_vec(),
        arms: Arm::ALL.to_vec(),
        seeds: 2,
        ..StudyConfig::default()
    });
    let write = |sample: &Sample| {
        let written = sample.with(|material| report::write(folder.path(), material));
        written.expect("a report").figures.len()
    };
    assert_eq!(write(&every), FIGURES.len() + 1, "and one of the arms");
    // Someone's own, in a folder of that name.
    std::fs::write(folder.path().join("figures/own.svg"), "").expect("a file");
    write(&Sample::of(&[StudyKind::Compare], 2));
    let mut left: Vec<String> = std::fs::read_dir(folder.path().join("figures"))
        .expect("the figures")
        .map(|entry| {
            entry
                .expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    left.sort();
    let expected = ["dev-by-epoch", "own", "pairs", "training-loss"];
    assert_eq!(left, expected.map(|name| format!("{name}.svg")));
}

#[test]
fn one_seed_is_reported_without_interval_or_p_value() {
    let files = write(&Sample::all(1));
    assert!(
        files.html.contains("<h1>Too few pairs to tell.</h1>"),
        "one pair proves nothing"
    );
    assert!(
        !files
            .html
            .contains("<th scope=\"col\" class=\"n\">p, permutation</th>")
    );
    assert_eq!(names(&files.written), FIGURES);
    for text in [&files.html, &files.markdown] {
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }
}

#[test]
fn a_failed_run_is_named_with_its_reason_and_counts_in_no_mean() {
    let mut sample = Sample::of(&[StudyKind::Compare], 4);
    let reason = "training diverged: the loss of step 17 is NaN";
    sample.fail(Arm::NOISYTUNE, 2, reason);
    let files = write(&sample);
    assert!(files.html.contains("<section id=\"failed\">"));
    assert!(files.html.contains(&format!("<td>{reason}</td>")));
    assert!(
        files
            .markdown
            .contains(&format!("| noisytune | 0.15 | 8,192 | 2 | {reason} |"))
    );
    let row = "<th scope=\"row\">noisytune</th><td class=\"n\">4</td><td class=\"n\">1</td>";
    assert!(files.html.contains(row), "four runs, one failed");
    assert!(files.html.contains("the other run failed"), "in the figure");
}

#[test]
fn skipped_steps_of_half_precision_are_shown_only_if_there_are_any() {
    let mut sample = Sample::of(&[StudyKind::Compare], 2);
    assert!(!write(&sample).markdown.contains("skipped steps"));
    sample.records[1].skipped_steps = 1_234;
    let markdown = write(&sample).markdown;
    assert!(markdown.contains("skipped steps"), "{markdown}");
    assert!(markdown.contains("| 1,234 |"), "{markdown}");
}

#[test]
fn a_study_whose_every_run_failed_is_still_reported() {
    let mut sample = Sample::of(&StudyKind::BY_ONE_RECIPE, 1);
    for run in &mut sample.records {
        run.failed = Some("training diverged: the loss of step 0 is inf".to_owned());
        run.epochs.clear();
        run.curve.clear();
        run.changes.clear();
        run.predictions.clear();
    }
    let files = write(&sample);
    assert!(files.html.contains("<h1>No verdict.</h1>"));
    assert_eq!(names(&files.written), [""; 0], "nothing to draw");
    let failed = files
        .html
        .split("<section id=\"failed\">")
        .nth(1)
        .expect("a section");
    let failed = failed.split("</section>").next().expect("its end");
    assert_eq!(
        failed.matches("<tr><th scope=\"row\">").count(),
        sample.records.len()
    );
}

#[test]
fn records_made_before_curves_were_kept_are_reported_without_them() {
    let mut sample = Sample::of(&[StudyKind::Compare, StudyKind::L1Change], 3);
    for run in &mut sample.records {
        run.curve.clear();
        run.changes.clear();
    }
    let files = write(&sample);
    assert_eq!(names(&files.written), ["pairs", "dev-by-epoch"]);
    assert!(
        files
            .html
            .contains("No pair of runs recorded how far its parameters moved.")
    );
}

#[test]
fn names_are_escaped_in_page_figures_and_markdown() {
    let name = "<b>\"a\" & 'b'|c_d</b>";
    let mut sample = Sample::of(&[StudyKind::Compare], 3);
    for run in &mut sample.records {
        run.settings.model.name = name.to_owned();
    }
    sample.fail(Arm::BASELINE, 1, "</td><script>alert(1)</script>");
    sample.data = name.to_owned();
    sample.command = "run <x> && echo ``` done".to_owned();
    let files = write(&sample);
    assert!(!files.html.contains("<b>") && !files.html.contains("<script>"));
    assert!(!files.html.contains("<x>"));
    assert!(
        files
            .html
            .contains("run &#60;x&#62; &#38;&#38; echo ``` done")
    );
    assert!(
        files
            .markdown
            .contains("\\<b\\>\"a\" &amp; 'b'\\|c\\_d\\</b\\>")
    );
    assert!(
        files
            .markdown
            .contains("````console\nrun <x> && echo ``` done\n````\n")
    );
    assert!(!files.markdown.replace("````", "").contains("\n<script>"));
}

#[test]
fn runs_that_the_configuration_does_not_ask_for_are_left_out() {
    let mut sample = Sample::of(&[StudyKind::Compare], 4);
    sample.config.seeds = 2;
    let files = write(&sample);
    assert!(
        files.html.contains("<summary>Every run (4)</summary>"),
        "two arms, two seeds"
    );
    assert!(!files.html.contains("seed 3"));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out");
    std::fs::write(&file, "").expect("a file");
    let error = Sample::of(&[StudyKind::Compare], 1)
        .with(|material| report::write(&file, material))
        .expect_err("a file is no folder");
    let text = error.to_string();
    assert!(
        text.starts_with(&file.join("figures").display().to_string()),
        "{text}"
    );
}

#[test]
fn a_run_that_predicts_one_class_is_said_to_have_learned_nothing() {
    let mut sample = Sample::of(&[StudyKind::Compare], 7);
    let before = write(&sample).markdown;
    assert!(!before.contains("Which runs learned nothing?") && !before.contains("collapsed"));
    sample.records[3].only_class = Some("positive".to_owned());
    let files = write(&sample);
    let markdown = files.markdown;
    assert!(
        markdown.contains("## Which runs learned nothing?\n\nOne run did no better than"),
        "{markdown}"
    );
    assert!(markdown.contains("| positive |"), "{markdown}");
    assert!(files.html.contains("id=\"collapsed\""));
    let summary = sample.summary();
    let [baseline, noisytune] = summary.studies[0].points.as_slice() else {
        panic!("two points");
    };
    assert_eq!(
        (baseline.scores.collapsed, noisytune.scores.collapsed),
        (0, 1)
    );
    let percent = |x: Option<f64>| format!("{:.2}", 100.0 * x.expect("a mean"));
    let scores = &noisytune.scores;
    let row = format!(
        "| noisytune | 7 | 0 | 1 of 7 | {} | {} |",
        percent(scores.mean),
        percent(scores.mean_without_collapsed)
    );
    assert!(markdown.contains(&row), "{row}: {markdown}");
    let comparison = noisytune.comparison.as_ref().expect("compared");
    let left = comparison.without_collapsed.expect("a pair less");
    assert_eq!((comparison.paired.n, left.n), (7, 6), "no pair is dropped");
    assert!(markdown.contains(", 6 pairs |"), "{markdown}");
}
