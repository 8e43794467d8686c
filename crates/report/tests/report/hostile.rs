//! Names, reasons and commands from outside are text in pages, figures and Markdown, whatever they hold.

use std::collections::BTreeMap;

use study::data::FileSummary;
use study::record::{SavedModel, Saving};
use study::{Arm, DataSummary, StudyKind};
use tasks::SplitFacts;

use crate::files::{Files, read, write};
use crate::sample::Sample;

/// Markup of HTML, SVG and Markdown, ANSI codes, a C1 control character, an override of direction, NUL and line ends.
const HOSTILE: &str = "<script>alert(1)</script></style></title></desc></text>]]>--><img src=x onload=alert(1)>\u{1b}[31m\u{9b}2J\u{202e}\0\r\n\n\
                       # a\n| b | `c` [d](javascript:e) ![f](g) *h* ~~i~~ $j$ & \" ' {{ 1 }} https://k.l www.m.n\u{2028}\t";

/// A study of which everything that a stranger may have chosen is hostile.
pub(crate) fn hostile(seeds: usize) -> Sample {
    named(HOSTILE, seeds)
}

/// A study in which everything that comes from outside is `name`.
fn named(name: &str, seeds: usize) -> Sample {
    let mut sample = Sample::of(&[StudyKind::Compare, StudyKind::L1Change], seeds);
    let text = || name.to_owned();
    sample.data = text();
    sample.command = text();
    for run in &mut sample.records {
        run.only_class = Some(text());
        run.saved_model = Some(SavedModel {
            folder: text(),
            saving: Saving::Best,
        });
        if let Some(noise) = &mut run.noise {
            noise.skipped = vec![(text(), text())];
        }
        let settings = &mut run.settings;
        settings.task = text();
        settings.device = text();
        settings.model.name = text();
        settings.model.config = serde_json::json!({ "name": text() });
        settings.headline.set = text();
        settings.headline.metric = text();
        settings.train.sha256 = text();
        settings.evaluation = renamed(std::mem::take(&mut settings.evaluation), name);
        run.predictions = renamed(std::mem::take(&mut run.predictions), name);
        for epoch in &mut run.epochs {
            epoch.evaluations = renamed(std::mem::take(&mut epoch.evaluations), name);
            for evaluation in epoch.evaluations.values_mut() {
                evaluation.metrics = renamed(std::mem::take(&mut evaluation.metrics), name);
            }
        }
        run.versions.burn = text();
        run.versions.noisytune_burn = text();
        run.machine.os = text();
        run.machine.arch = text();
    }
    sample.fail(Arm::NOISYTUNE, 1, name);
    sample.files = Some(DataSummary {
        files: vec![FileSummary {
            set: text(),
            file: text(),
            facts: SplitFacts {
                rows: 100,
                classes: vec![(text(), 95), (text(), 5)],
                repeated: 1,
                conflicting: 1,
            },
            shared_with_train: 1,
            rows: None,
        }],
    });
    sample
}

/// The same values under this name alone.
fn renamed<T>(map: BTreeMap<String, T>, name: &str) -> BTreeMap<String, T> {
    map.into_values()
        .map(|value| (name.to_owned(), value))
        .collect()
}

/// The reports of a hostile study, and of one whose names are as long and nothing but letters.
fn both() -> [Files; 2] {
    let letters = "x".repeat(harmless::shown(HOSTILE).len());
    [HOSTILE, &letters].map(|name| write(&named(name, 3)))
}

/// The tags of a page or figure, with the names of their attributes.
fn markup(text: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (mut tag, mut is_quoted) = (String::new(), false);
        rest = &rest[at..];
        let mut end = rest.len();
        for (at, letter) in rest.char_indices() {
            match letter {
                '"' => is_quoted = !is_quoted,
                '>' if !is_quoted => {
                    end = at;
                    break;
                }
                letter if !is_quoted => tag.push(letter),
                _ => {}
            }
        }
        tags.push(tag);
        rest = &rest[end..];
    }
    tags
}

/// What has a meaning in Markdown, line by line, outside of code.
fn marks(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        let (mut marks, mut is_escaped) = (String::new(), is_code || is_fence);
        for letter in line.chars().filter(|_| !is_code && !is_fence) {
            match letter {
                letter if is_escaped => {
                    is_escaped = false;
                    assert!(letter.is_ascii_punctuation(), "\\{letter}: {line}");
                }
                '\\' => is_escaped = true,
                letter if "`*_[]<>|#~$&".contains(letter) => marks.push(letter),
                _ => {}
            }
        }
        lines.push(marks);
    }
    lines
}

#[test]
fn a_page_has_the_markup_that_it_has_with_harmless_names() {
    let [hostile, plain] = both();
    assert!(
        hostile.html.contains("&#60;script&#62;alert(1)"),
        "the name is shown"
    );
    assert_eq!(markup(&hostile.html), markup(&plain.html));
    assert_nothing_acts(&hostile.html);
}

#[test]
fn figures_have_the_markup_that_they_have_with_harmless_names() {
    let [hostile, plain] = both();
    assert_eq!(hostile.written.figures.len(), plain.written.figures.len());
    assert!(!hostile.written.figures.is_empty());
    let mut shown = 0;
    for (path, other) in hostile.written.figures.iter().zip(&plain.written.figures) {
        let svg = read(path);
        assert_eq!(markup(&svg), markup(&read(other)), "{}", path.display());
        assert_nothing_acts(&svg);
        shown += svg.matches("alert(1)").count();
    }
    assert!(shown > 0, "no figure shows the name");
}

#[test]
fn markdown_has_the_marks_that_it_has_with_harmless_names() {
    let [hostile, plain] = both();
    assert!(
        hostile.markdown.contains("\\<script\\>alert(1)"),
        "the name is shown"
    );
    let ampersands = |lines: Vec<String>| -> Vec<String> {
        // Entities are text.
        lines
            .into_iter()
            .map(|line| line.replace('&', ""))
            .collect()
    };
    // The command is code, and has lines of its own.
    let without_code = |markdown: &str| {
        let begin = markdown.find("console\n").expect("a command");
        let end = markdown[begin..].find("\n```").expect("its end");
        format!("{}{}", &markdown[..begin], &markdown[begin + end..])
    };
    assert_eq!(
        ampersands(marks(&without_code(&hostile.markdown))),
        ampersands(marks(&without_code(&plain.markdown)))
    );
    for link in ["https://k", "www.m"] {
        let command = hostile.markdown.matches(link).count();
        assert_eq!(command, 1, "{link} is a link outside of the command");
    }
    assert_nothing_acts(&hostile.markdown);
}

#[track_caller]
fn assert_nothing_acts(text: &str) {
    let line = text
        .lines()
        .find(|line| line.contains(|c| harmless::acts(c) && c != '\t'));
    assert_eq!(line, None);
}

#[test]
fn an_ordinary_report_needs_no_escapes() {
    let files = write(&Sample::all(3));
    for text in [&files.html, &files.markdown] {
        assert!(
            !text.contains("\\n") && !text.contains("\\u{"),
            "something acts in: {text}"
        );
    }
}
