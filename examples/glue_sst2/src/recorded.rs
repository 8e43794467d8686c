//! The pages of this repository quote recorded runs.

use std::path::Path;

use report::Material;
use study::statistics::Summary;
use study::{RecordedStudy, StudyKind};
use study_program::render;

/// The runs in a folder of `runs/`, whose summary must equal the `summary.json` beside them.
fn recorded(name: &str) -> RecordedStudy {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("runs")
        .join(name);
    let study = RecordedStudy::read(&folder).expect("a recorded study");
    let text = std::fs::read_to_string(folder.join("summary.json")).expect("the summary");
    assert_eq!(study.summary.to_json(), text, "{name}");
    study
}

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name);
    std::fs::read_to_string(path).expect("a file of the repository")
}

#[test]
fn the_readme_quotes_the_recorded_runs() {
    for (name, page) in [
        ("quick", "README.md"),
        ("minilm-8192", "README.md"),
        (
            "film-bert-sst2",
            "examples/glue_sst2/assets/film-bert-3x192/README.md",
        ),
    ] {
        let table = render(&recorded(name).summary, "dev");
        assert!(
            text(page).contains(&table),
            "{page} does not hold:\n{table}"
        );
    }
}

#[test]
fn the_kept_figures_are_drawn_from_the_records() {
    for (name, kept) in [
        ("all", &["lambda", "l1-change"][..]),
        ("minilm-8192", &["pairs"]),
        ("methods", &["gain-by-cost"]),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("runs")
            .join(name);
        let drawn = tempfile::tempdir().expect("a folder");
        report::write(drawn.path(), &Material::of(&recorded(name))).expect("a report");
        for figure in kept {
            let read = |path| std::fs::read_to_string(path).expect("a figure");
            let file = format!("{figure}.svg");
            let figure = read(drawn.path().join("figures").join(&file));
            assert!(figure == read(folder.join(&file)), "{name}: {file}");
        }
    }
}

#[test]
fn the_page_of_runs_says_what_methods_gain_and_cost() {
    let study = recorded("methods");
    let folder = tempfile::tempdir().expect("a folder");
    let written = report::write(folder.path(), &Material::of(&study)).expect("a report");
    let report = std::fs::read_to_string(written.markdown).expect("the report");
    let costs = report
        .lines()
        .skip_while(|line| !line.contains("| gain |"))
        .take_while(|line| line.starts_with('|'));
    let costs: Vec<&str> = costs.collect();
    assert_eq!(costs.len(), 2 + study.config.arms.len(), "{costs:?}");
    let page = text("examples/glue_sst2/runs/README.md");
    for quoted in [costs.join("\n"), study.summary.studies[0].verdict.clone()] {
        assert!(page.contains(&quoted), "the page lacks:\n{quoted}");
    }
}

#[test]
fn every_study_of_the_paper_is_in_the_recorded_one() {
    assert_eq!(
        recorded("all").summary.studies.len(),
        StudyKind::BY_ONE_RECIPE.len()
    );
}

#[test]
fn the_programs_page_quotes_what_half_precision_scores() {
    let readme = text("examples/glue_sst2/README.md").replace('\n', " ");
    for name in ["quick", "bf16", "f16"] {
        let baseline = recorded(name).summary.studies[0].points[0].scores.clone();
        let first: Vec<f64> = baseline
            .values
            .iter()
            .map(|score| score.value)
            .take(5)
            .collect();
        let first = Summary::of(&first).expect("scores");
        let percent = |x: f64| format!("{:.2}", 100.0 * x);
        let sd = percent(first.sd.expect("several runs"));
        assert_eq!(first.n, 5);
        let said = format!("{} % (sd {sd})", percent(first.mean));
        assert!(readme.contains(&said), "{name}: {said}");
    }
}

/// How much the scores of one arm differ if the seeds decide one draw alone, beside all of them.
fn spread() -> String {
    let sd = |name: &str| {
        let scores = recorded(name).summary.studies[0].points[0].scores.clone();
        assert_eq!(
            (scores.n, scores.failed, scores.collapsed),
            (16, 0, 0),
            "{name}"
        );
        100.0 * scores.sd.expect("several runs")
    };
    let all = sd("vary-all");
    let mut table = "| the seeds decide | standard deviation, points | variance, as a share of that of all four |\n|---|---:|---:|\n".to_owned();
    for (name, what) in [
        ("vary-head", "the head"),
        ("vary-order", "the order"),
        ("vary-dropout", "dropout"),
        ("vary-noise", "the noise"),
        ("vary-all", "all four"),
    ] {
        let sd = sd(name);
        let share = 100.0 * (sd / all).powi(2);
        table += &format!("| {what} | {sd:.2} | {share:.0} % |\n");
    }
    table
}

#[test]
fn the_programs_page_says_how_much_each_draw_carries() {
    let table = spread();
    assert!(
        text("examples/glue_sst2/README.md").contains(&table),
        "the page lacks:\n{table}"
    );
}

#[test]
fn the_film_notes_quote_what_they_teach_for_sst2() {
    let readme = text("datasets/film-notes/README.md").replace('\n', " ");
    let scores = |name| recorded(name).summary.studies[0].points[0].scores.clone();
    let percent = |x: Option<f64>| format!("{:.2}", 100.0 * x.expect("a number"));
    let (film_bert, minilm) = (scores("film-bert-film-notes"), scores("minilm-film-notes"));
    for said in [
        format!("film-bert-3x192 scores {} % on", percent(film_bert.mean)),
        format!("({} seeds, sd {})", film_bert.n, percent(film_bert.sd)),
        format!("all-MiniLM-L6-v2 {} % (1 seed)", percent(minilm.mean)),
    ] {
        assert!(readme.contains(&said), "{said}");
    }
}
