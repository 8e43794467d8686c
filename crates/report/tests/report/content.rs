//! What the report says.

use study::data::FileSummary;
use study::record::{RecordedPredictions, SavedModel, Saving};
use study::summary::PairsRange;
use study::{Arm, DataSummary, StudyConfig, StudyKind};
use tasks::SplitFacts;

use crate::files::{FIGURES, names, read, write};
use crate::sample::{COMMAND, Sample, evaluation};

#[test]
fn a_report_of_all_studies_has_every_figure_in_the_page_and_as_a_file() {
    let files = write(&Sample::all(4));
    assert_eq!(names(&files.written), FIGURES);
    for name in FIGURES {
        for width in ["wide", "narrow"] {
            let label = format!("aria-labelledby=\"{name}-{width}-title {name}-{width}-about\"");
            assert_eq!(files.html.matches(&label).count(), 1, "{label}");
        }
        assert_eq!(
            files
                .markdown
                .matches(&format!("(figures/{name}.svg)"))
                .count(),
            1
        );
        let file = read(
            &files
                .folder
                .path()
                .join("figures")
                .join(format!("{name}.svg")),
        );
        assert!(
            file.starts_with("<svg xmlns=") && file.ends_with("</svg>\n"),
            "{name}"
        );
        assert!(
            !file.contains("var("),
            "{name}: a file has no page around it"
        );
    }
}

#[test]
fn the_verdict_comes_first() {
    let sample = Sample::all(4);
    let files = write(&sample);
    let verdict = &sample.summary().studies[0].verdict;
    let (finding, rest) = verdict.split_once(": ").expect("a verdict in two parts");
    let heading = format!("<h1>{}{}.</h1>", finding[..1].to_uppercase(), &finding[1..]);
    let at = files
        .html
        .find(&heading)
        .expect("the finding as the heading");
    let rest = rest[1..].replace(" -", " −");
    let rest = files.html.find(&rest).expect("the rest of the sentence");
    let table = files.html.find("<table").expect("a table");
    assert!(at < rest && rest < table);
    assert!(files.markdown.starts_with("# "));
}

#[test]
fn a_page_needs_nothing_else() {
    let html = write(&Sample::all(2)).html;
    for outside in [
        "<script", "<link", "<img", "src=", "url(", "@import", "https:",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
    let other = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!other.contains("http:"));
}

#[test]
fn a_study_that_did_not_run_has_no_section() {
    let files = write(&Sample::of(&[StudyKind::Compare], 3));
    assert_eq!(
        names(&files.written),
        ["pairs", "training-loss", "dev-by-epoch"]
    );
    for id in [
        "lambda",
        "noise-kind",
        "data-size",
        "l1-change",
        "companions",
        "failed",
    ] {
        assert!(!files.html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for id in ["compare", "training", "paper", "origin"] {
        assert_eq!(
            files
                .html
                .matches(&format!("<section id=\"{id}\">"))
                .count(),
            1,
            "{id}"
        );
    }
}

#[test]
fn tables_hold_the_summary_in_both_files() {
    let sample = Sample::of(&[StudyKind::NoiseKind], 6);
    let files = write(&sample);
    let study = &sample.summary().studies[0];
    assert!(study.points.len() >= 6, "every kind of noise");
    for point in &study.points {
        let scores = &point.scores;
        let percent = |x: Option<f64>| format!("{:.2}", 100.0 * x.expect("a number"));
        let cells = [
            "6".to_owned(),
            "0".to_owned(),
            percent(scores.mean),
            percent(scores.sd),
            percent(scores.median),
            percent(scores.min),
            percent(scores.max),
        ];
        let html: String = cells
            .iter()
            .map(|cell| format!("<td class=\"n\">{cell}</td>"))
            .collect();
        let html = format!("<tr><th scope=\"row\">{}</th>{html}</tr>", point.label);
        assert!(files.html.contains(&html), "{html}");
        let markdown = format!("| {} | {} |\n", point.label, cells.join(" | "));
        assert!(files.markdown.contains(&markdown), "{markdown}");

        let Some(comparison) = &point.comparison else {
            continue;
        };
        let points = |x: f64| match format!("{:+.2}", 100.0 * x) {
            zero if zero.ends_with("0.00") => "0.00".to_owned(),
            text => text.replace('-', "−"),
        };
        let [low, high] = comparison.paired.ci95.expect("an interval");
        let p = |x: Option<f64>| match x.expect("a p-value") {
            small if small < 0.001 => "\\< 0.001".to_owned(),
            p => format!("{p:.3}"),
        };
        let markdown = format!(
            "| {} | baseline | 6 | {} | {} to {} | {} | {} | {} | {} | {} |\n",
            point.label,
            points(comparison.paired.mean),
            points(low),
            points(high),
            p(comparison.paired.p_value),
            p(comparison.holm_p),
            p(comparison.t_test.map(|test| test.p_value)),
            p(Some(comparison.equivalence[0].p_value)),
            p(Some(comparison.equivalence[1].p_value)),
        );
        assert!(files.markdown.contains(&markdown), "{markdown}");
    }
}

#[test]
fn an_interval_that_includes_0_is_no_evidence() {
    // Two arms whose scores are the same in every other pair.
    let mut sample = Sample::of(&[StudyKind::Compare], 6);
    let count = sample.records.len();
    for at in 0..count {
        let sign = if sample.records[at].seed.is_multiple_of(2) {
            1.0
        } else {
            -1.0
        };
        let is_treated = sample.records[at].arm == Arm::NOISYTUNE;
        let score = 0.9 + if is_treated { sign * 0.01 } else { 0.0 };
        let last = sample.records[at].epochs.last_mut().expect("an epoch");
        last.evaluations = evaluation(0.3, score);
    }
    let files = write(&sample);
    assert!(files.html.contains("<h1>No evidence of a difference.</h1>"));
    assert!(files.markdown.starts_with("# No evidence of a difference."));
}

#[test]
fn the_secondary_statistics_are_put_into_words() {
    let sample = Sample::of(&[StudyKind::Compare], 6);
    let markdown = write(&sample).markdown;
    let point = &sample.summary().studies[0].points[1];
    let comparison = point.comparison.as_ref().expect("both arms ran");
    let needed = comparison.pairs_needed.expect("the differences scatter");
    let pairs = |range: PairsRange| {
        let [estimate, fewest, most] = [range.estimate, range.fewest, range.most]
            .map(|pairs| pairs.expect("some number of pairs"));
        format!("{estimate} pairs ({fewest} to {most})")
    };
    let power = format!(
        "detecting a true difference of 0.4 points in 4 of 5 studies takes {} of runs by a t-test without correction, and one of 0.2 points takes {}. There are 6 \
         here.",
        pairs(needed.for_0_4_points),
        pairs(needed.for_0_2_points),
    );
    let test = comparison.mcnemar.expect("predictions of two classes");
    let mcnemar = format!(
        "only noisytune is right {} times, only baseline {} times (McNemar, exact p ",
        test.only_first, test.only_second
    );
    let order = comparison.stochastic_order.expect("several pairs");
    let order = format!(
        "violation ratio {:.2}, upper 95 % bound {:.2}",
        order.violation_ratio, order.upper_bound
    );
    for sentence in [power, mcnemar, order] {
        assert!(markdown.contains(&sentence), "{sentence}");
    }
}

#[test]
fn a_study_of_too_few_pairs_for_any_evidence_says_so() {
    let said = "oo few pairs to tell";
    let three = write(&Sample::of(&[StudyKind::Compare], 3));
    let heading = "<h1>Too few pairs to tell.</h1>";
    assert!(three.html.contains(heading), "{}", three.markdown);
    assert!(
        three.markdown.contains("; it takes at least 6."),
        "{}",
        three.markdown
    );
    let kinds = write(&Sample::of(&[StudyKind::NoiseKind], 6)).markdown;
    let rest = "each of 5 comparisons takes at least 8 pairs of runs that differ, corrected for their number.";
    assert!(kinds.contains(&format!("{said}: {rest}")), "{kinds}");
    assert!(
        !write(&Sample::of(&[StudyKind::Compare], 6))
            .markdown
            .contains(said)
    );
}

/// Each λ but one, each control, each share but one, each companion, and the main contrast, which all six studies share.
#[test]
fn a_contrast_that_several_studies_share_is_corrected_for_once() {
    let summary = Sample::all(8).summary();
    assert_eq!(summary.comparisons, 5 + 4 + 3 + 6 + 1);
    let points = summary.studies.iter().flat_map(|study| &study.points);
    let compared = points.filter_map(|point| point.comparison.as_ref());
    let mut p_values: Vec<(f64, f64)> = compared
        .map(|c| {
            (
                c.paired.p_value.expect("eight pairs"),
                c.holm_p.expect("several"),
            )
        })
        .collect();
    let main = summary.studies[0].points[1]
        .comparison
        .as_ref()
        .expect("compared");
    let main = (
        main.paired.p_value.expect("eight pairs"),
        main.holm_p.expect("several"),
    );
    // Holm's procedure on what is left if the main contrast counts once.
    for _ in 0..5 {
        let at = p_values.iter().position(|p| *p == main);
        p_values.remove(at.expect("six studies have it"));
    }
    assert_eq!(p_values.len(), summary.comparisons);
    p_values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut least = 0.0_f64;
    for (rank, (p, corrected)) in p_values.iter().enumerate() {
        least = least.max((p * (summary.comparisons - rank) as f64).min(1.0));
        assert_eq!(*corrected, least, "{rank}");
    }
}

#[test]
fn fewer_than_six_pairs_have_no_interval_anywhere() {
    for (pairs, has_interval) in [(5, false), (6, true)] {
        let files = write(&Sample::of(&StudyKind::ALL, pairs));
        for text in [&files.html, &files.markdown] {
            // Captions explain the interval of other studies; cells and descriptions hold one.
            let columns = text.matches("95 % interval over seeds |").count()
                + text.matches(">95 % interval over seeds<").count();
            assert_eq!(columns > 0, has_interval, "{pairs} pairs");
        }
        let is_described = files.html.contains(" [+") || files.html.contains(" [−");
        assert_eq!(is_described, has_interval, "{pairs} pairs");
    }
}

#[test]
fn the_command_the_configuration_and_every_run_are_in_it() {
    let sample = Sample::of(&[StudyKind::Compare], 3);
    let files = write(&sample);
    assert!(files.markdown.contains(COMMAND));
    let config = serde_json::to_string_pretty(&sample.config).expect("a config");
    assert!(files.markdown.contains(&config));
    for part in ["53aa".repeat(16), "48ea".repeat(16), "54a9".repeat(16)] {
        assert!(files.html.contains(&part), "a hash");
    }
    for run in &sample.records {
        let row = format!(
            "| {} | {} | 8,192 | {} | {:.2} |",
            run.arm,
            run.settings
                .lambda
                .map_or("–".to_owned(), |lambda| lambda.to_string()),
            run.seed,
            100.0 * run.score().expect("a score"),
        );
        assert_eq!(files.markdown.matches(&row).count(), 1, "{row}");
    }
}

#[test]
fn the_paper_is_quoted_as_it_is() {
    let markdown = write(&Sample::of(&[StudyKind::Compare], 6)).markdown;
    for row in [
        "| paper | BERT base | 93.0 | 93.4 | +0.4 | – | 5 |",
        "| paper | XLNet base | 94.4 | 94.7 | +0.3 | – | 5 |",
        "| paper | RoBERTa base | 94.5 | 94.9 | +0.4 | – | 5 |",
        "| paper | ELECTRA base | 94.9 | 95.2 | +0.3 | – | 5 |",
    ] {
        assert!(markdown.contains(row), "{row}");
    }
}

#[test]
fn a_sweep_alone_is_introduced_by_the_lambda_that_was_asked_for() {
    let sample = Sample::of(&[StudyKind::Lambda], 3);
    let files = write(&sample);
    for fact in [
        "<dt>λ = 0 accuracy</dt>",
        "<dt>noise intensity λ</dt><dd>0.15</dd>",
    ] {
        assert!(files.html.contains(fact), "{fact}");
    }
    let study = &sample.summary().studies[0];
    let asked = study.points.iter().find(|p| p.lambda == Some(0.15));
    let mean = asked.and_then(|point| point.scores.mean).expect("it ran");
    let cell = format!(" | {:.2} | ", 100.0 * mean);
    let ours = files.markdown.lines().find(|l| l.starts_with("| here |"));
    assert!(ours.is_some_and(|line| line.contains(&cell)), "{ours:?}");
}

#[test]
fn sentences_that_are_not_from_sst_2_are_not_called_sst_2() {
    let mut sample = Sample::of(&[StudyKind::Compare], 2);
    sample.data = "film-notes".to_owned();
    for run in &mut sample.records {
        run.settings.train.rows = 9_000;
    }
    let files = write(&sample);
    assert!(
        files
            .html
            .contains("<p class=\"eyebrow\">NoisyTune on film-notes</p>")
    );
    let said = "on 8,192 of the 9,000 training sentences of film-notes, with the recipe below. The sentences differ too:";
    assert!(files.html.contains(said));
    let official = write(&Sample::of(&[StudyKind::Compare], 2)).html;
    assert!(official.contains("on 8,192 of the 67,349 training sentences of SST-2"));
    assert!(!official.contains("The sentences differ too"));
}

#[test]
fn the_sentences_are_counted_and_warned_about() {
    let mut sample = Sample::of(&[StudyKind::Compare], 2);
    let before = write(&sample).markdown;
    assert!(!before.contains("Which sentences?"));
    let file = |set: &str, classes: [usize; 2], shared_with_train| FileSummary {
        set: set.to_owned(),
        file: format!("{set}.csv"),
        facts: SplitFacts {
            rows: classes.iter().sum(),
            classes: vec![
                ("bad".to_owned(), classes[0]),
                ("good".to_owned(), classes[1]),
            ],
            repeated: 0,
            conflicting: 0,
        },
        shared_with_train,
        rows: None,
    };
    sample.files = Some(DataSummary {
        files: vec![file("train", [4_000, 4_192], 0), file("dev", [100, 772], 7)],
    });
    let text = write(&sample).markdown;
    for said in [
        "## Which sentences?",
        "| train | train.csv | 8,192 | bad: 4,000 · good: 4,192 | – |",
        "| dev | dev.csv | 872 | bad: 100 · good: 772 | 7 |",
        "- Dev: 88.5 % of the rows are of class good: accuracy says little.",
        "- Dev: 7 of 872 rows are in the training file too",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn curves_of_a_sweep_are_those_of_the_main_comparison() {
    let html = write(&Sample::of(&[StudyKind::Lambda], 6)).html;
    let (_, described) = html
        .split_once("Training loss by optimizer step, mean over seeds: ")
        .expect("its description");
    let (described, _) = described.split_once('"').expect("an attribute");
    assert!(
        described.starts_with("baseline, λ = 0 from "),
        "{described}"
    );
    let noisy = "; noisytune, λ = 0.15 from ";
    assert!(described.contains(noisy), "{described}");
}

#[test]
fn several_arms_are_compared_in_a_figure_of_their_own() {
    let arms = ["baseline", "noisytune", "gaussian-matched"];
    let sample = Sample::with_config(StudyConfig {
        arms: arms.iter().filter_map(|name| Arm::named(name)).collect(),
        seeds: 6,
        ..StudyConfig::default()
    });
    let files = write(&sample);
    let expected = ["pairs", "arms", "training-loss", "dev-by-epoch"];
    assert_eq!(names(&files.written), expected);
    let study = &sample.summary().studies[0];
    for label in &arms[1..] {
        let point = study.points.iter().find(|point| point.label == *label);
        let paired = &point
            .and_then(|p| p.comparison.as_ref())
            .expect("compared")
            .paired;
        let number = |x: f64| format!("{:+.2}", 100.0 * x).replace('-', "−");
        let [low, high] = paired.ci95.expect("an interval");
        let said = format!(
            "{label}: {} [{}, {}]",
            number(paired.mean),
            number(low),
            number(high)
        );
        assert!(files.html.contains(&said), "{said}");
    }
}

#[test]
fn predictions_that_are_gone_are_said_to_be_missing_from_the_comparison() {
    let mut sample = Sample::of(&[StudyKind::Compare], 7);
    let part = "Sentence by sentence, nothing is compared";
    assert!(!write(&sample).markdown.contains(part));
    for run in &mut sample.records {
        let path = format!("predictions/{}-seed{}.dev.tsv", run.arm, run.seed);
        run.predictions = [("dev".to_owned(), RecordedPredictions::File(path))].into();
    }
    let text = write(&sample).markdown;
    assert!(text.contains(part), "{text}");
    let reason = "because 14 files of predictions are gone, the first is predictions/noisytune-seed0.dev.tsv.";
    assert!(text.contains(reason), "{text}");
}

#[test]
fn a_study_over_sizes_names_each_of_them() {
    let one = "| training sentences | 8,192 |";
    let all = "| training sentences | 819, 2,048, 4,096, 8,192, by point |";
    let text = write(&Sample::of(&[StudyKind::DataSize], 2)).markdown;
    assert!(text.contains(all) && !text.contains(one), "{text}");
    // Beside a comparison the page is about that.
    let both = [StudyKind::Compare, StudyKind::DataSize];
    let text = write(&Sample::of(&both, 2)).markdown;
    assert!(text.contains(one) && !text.contains(all), "{text}");
}

#[test]
fn runs_on_several_servers_are_listed_with_them() {
    let mut sample = Sample::of(&[StudyKind::Compare], 2);
    let part = "The runs are on devices of several servers.";
    for run in &mut sample.records {
        run.settings.device = "remote:a:3000".to_owned();
    }
    assert!(!write(&sample).markdown.contains(part));
    sample.records[0].settings.device = "remote:b:3000".to_owned();
    let text = write(&sample).markdown;
    assert!(text.contains(part), "{text}");
    for device in ["| remote:a:3000 |", "| remote:b:3000 |"] {
        assert!(text.contains(device), "{device}: {text}");
    }
}

#[test]
fn saved_models_are_named_with_their_runs() {
    let mut sample = Sample::of(&[StudyKind::Compare], 3);
    let without = write(&sample).markdown;
    assert!(!without.contains("finetuned models"), "{without}");
    for (saving, is_chosen) in [(Saving::Best, true), (Saving::All, false)] {
        let run = &mut sample.records[1];
        let folder = format!("models/{}", run.settings.file_name(run.arm, run.seed));
        run.saved_model = Some(SavedModel {
            folder: folder.clone(),
            saving,
        });
        let markdown = write(&sample).markdown;
        let row = markdown.lines().find(|line| line.contains(&folder));
        let row = row.expect("the folder is named");
        assert!(row.contains(sample.records[1].arm.name()), "{row}");
        assert!(
            markdown.contains("Where are the finetuned models? One model."),
            "{markdown}"
        );
        assert_eq!(markdown.contains("Choosing flatters"), is_chosen);
    }
}
