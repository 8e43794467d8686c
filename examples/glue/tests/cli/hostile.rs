//! Sentences, columns, classes and names that mean harm do nothing in what the program says and writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::program::{World, tiny_model};

/// ANSI codes, a C1 control character, an override of direction, markup and a second line, as a name of a file.
const NAME: &str = "=r\u{1b}[2J\u{9b}1A\u{202e}<script>\nnote: forged\r";
/// A class has no control characters.
const CLASSES: [&str; 2] = [
    "=cmd|' /C calc'!A0",
    "</td><script>alert(1)</script>\u{202e}|`x`",
];
/// The same in sentences, with NUL, quotes, formulas and white space.
const SENTENCES: [&str; 6] = [
    "<script>alert(1)</script></style>",
    "\u{1b}]0;title\u{7}\u{1b}[31m red",
    "\u{202e}desrever\u{2066} \u{0} \u{85}",
    "=1+1\"\"\t@SUM(A1)\r\n-x",
    "\u{feff}\u{200b}\u{2028}\u{2029}",
    "a film",
];

/// The program on a model, without `--quiet`.
fn program(world: &World, model: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glue"));
    command
        .current_dir(world.path("."))
        .arg("--model")
        .arg(model)
        .args([
            "--epochs=1",
            "--batch-size=4",
            "--max-length=32",
            "--seeds=1",
        ])
        .args(more);
    command
}

/// Every file under a folder, and every folder.
fn found(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(self::found(&path));
        }
        found.push(path);
    }
    found
}

/// Both streams, in which nothing acts on a terminal.
#[track_caller]
fn harmless_output(output: &Output) -> [String; 2] {
    [&output.stdout, &output.stderr].map(|bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        let acting = text.lines().find(|line| line.contains(harmless::acts));
        assert_eq!(acting, None, "{text}");
        text
    })
}

#[test]
fn hostile_names_columns_classes_and_sentences_do_nothing_in_any_output() {
    let world = World::new();
    let model = world.path(NAME);
    fs::create_dir(&model).expect("a folder");
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        fs::copy(tiny_model().join(file), model.join(file)).expect("a copy");
    }
    let column = "=text\u{9b}\u{202e}<b>";
    let mut csv = format!("{column},label\n");
    for row in 0..36 {
        let (sentence, class) = (SENTENCES[row % 6], CLASSES[row % 2]);
        csv += &format!("\"{sentence} {row}\",\"{class}\"\n");
    }
    let file = format!("{NAME}.csv");
    world.write(&file, &csv);
    let output = program(
        &world,
        &model,
        &[
            "--train-file",
            &file,
            "--validation-split=0.25",
            "--text-column",
            column,
            "--save-model=best",
        ],
    )
    .output()
    .expect("the program starts");
    let [out, err] = harmless_output(&output);
    assert!(output.status.success(), "{err}");
    let forged = |text: &str| text.lines().any(|line| line.starts_with("note: forged"));
    assert!(!forged(&out) && !forged(&err), "{out}{err}");
    assert!(
        out.contains("model    =r\\u{1b}[2J"),
        "the name is shown: {out}"
    );

    let mut kinds = Vec::new();
    for path in found(&world.path("out")) {
        let shown = path.display().to_string();
        assert!(!shown.contains(harmless::acts), "{shown:?}");
        let kind = path.extension().unwrap_or_default().to_string_lossy();
        if !matches!(&*kind, "html" | "md" | "svg" | "tsv") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text file");
        let acts = |c: char| harmless::acts(c) && !matches!(c, '\n' | '\t');
        assert!(!text.contains(acts), "{shown}");
        // Markdown shows the command as code, and a file of predictions is no page.
        let is_page = kind != "tsv";
        let mut lines = text.lines().filter(|line| !line.starts_with("cargo run "));
        assert!(
            !is_page || !lines.any(|line| line.contains("<script>")),
            "{shown}"
        );
        if kind == "tsv" {
            let mut cells = text.split(['\t', '\n']);
            assert!(
                !cells.any(|cell| cell.starts_with(['=', '+', '-', '@'])),
                "{text}"
            );
            assert!(text.contains("\t\\=cmd|"), "{text}");
        }
        if kind == "md" {
            assert!(!text.contains("|`x`"), "{shown}: {text}");
        }
        kinds.push(kind.into_owned());
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, ["html", "md", "svg", "tsv"]);
    let entries = fs::read_dir(world.path("out/glue")).expect("a folder");
    assert_eq!(entries.count(), 1, "the study has a folder of its own");
}

#[test]
fn a_file_whose_name_is_dots_leads_out_of_no_folder() {
    let world = World::new();
    world.write("...csv", "text,label\na,0\nb,1\nc,0\nd,1\n");
    let output = program(
        &world,
        &tiny_model(),
        &[
            "--train-file=...csv",
            "--validation-file=...csv",
            "--arms=baseline",
        ],
    )
    .output()
    .expect("the program starts");
    let [out, err] = harmless_output(&output);
    assert!(output.status.success(), "{err}");
    assert!(out.contains("out/glue/_/runs.jsonl"), "{out}");
}

#[test]
fn what_is_wrong_with_hostile_files_is_one_line_that_only_shows() {
    let world = World::new();
    let file = format!("{NAME}.csv");
    let control = "text,label\na,\"x\u{1b}[2J\"\nb,y\nc,y\nd,y\n";
    let long = format!("{},label\na,0\nb,1\n", "x".repeat(10_000_000));
    let cases = [
        ("text,label\na,\n", "label"),
        (
            "a\u{1b}b\u{202e},c\u{9b}d\nx,y\n",
            "no column \\\"label\\\"",
        ),
        (
            control,
            "csv:2: label is \"x\\u{1b}[2J\"; expected names without tabs, line ends and other control characters",
        ),
        (long.as_str(), "text"),
        ("text,label\na,b,c\n", ""),
    ];
    for (csv, part) in cases {
        world.write(&file, csv);
        let output = program(
            &world,
            &tiny_model(),
            &[
                "--train-file",
                &file,
                "--validation-file",
                &file,
                "--text-column=text",
            ],
        )
        .output()
        .expect("the program starts");
        let [out, err] = harmless_output(&output);
        assert_eq!(
            (output.status.success(), out.as_str()),
            (false, ""),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.starts_with("error: "), "{err}");
        assert!(err.len() < 30_000, "{} bytes", err.len());
        assert!(
            err.contains(&part.replace("\\\"", "\"")),
            "`{part}` is not in: {err}"
        );
    }
    for arguments in [
        vec!["--task", NAME],
        vec!["--task=rte", "--data", NAME],
        vec!["--train-file", NAME, "--validation-split=0.5"],
        vec![NAME],
        vec!["--task=rte", "--data=.", "--predict", NAME],
    ] {
        let output = program(&world, Path::new(NAME), &arguments)
            .output()
            .expect("it starts");
        let [_, err] = harmless_output(&output);
        assert!(!output.status.success(), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

/// Memory of a run with sentences of 10 MB beyond that of the same run with short ones: their text is there as bytes read, as
/// sentences, and while it is tokenized.
const MOST_MEMORY: u64 = 1 << 30;
/// Seconds with two busy cores, of which such a run takes a few.
const MOST_TIME: Duration = Duration::from_secs(120);

#[test]
fn sentences_of_10_mb_without_a_space_are_trained_on_in_bounded_time_and_memory() {
    let world = World::new();
    let long = "x".repeat(10_000_000);
    let rows = |first: &str| {
        let mut csv = format!("text,label\n{first},0\n");
        for row in 0..11 {
            csv += &format!("a film {row},{}\n", row % 2);
        }
        csv
    };
    world.write("short.csv", &rows("x"));
    world.write("long.csv", &rows(&long));
    let [short, long] = ["short.csv", "long.csv"].map(|file| {
        let mut child = program(
            &world,
            &tiny_model(),
            &[
                "--train-file",
                file,
                "--validation-file",
                file,
                "--out",
                &format!("out-{file}"),
            ],
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
        let (started, mut peak) = (Instant::now(), 0);
        let status = loop {
            peak = peak.max(peak_of(child.id()));
            if let Some(status) = child.try_wait().expect("its state") {
                break status;
            }
            assert!(started.elapsed() < MOST_TIME, "{file} hangs");
            std::thread::sleep(Duration::from_millis(2));
        };
        assert!(status.success(), "{file}");
        println!(
            "{file}: {:?}, at most {} MiB",
            started.elapsed(),
            peak >> 20
        );
        peak
    });
    assert!(
        long < short + MOST_MEMORY,
        "{} MiB and {} MiB",
        long >> 20,
        short >> 20
    );
    let report = world.read("out-long.csv/report.html");
    assert!(report.len() < 10_000_000, "{} bytes", report.len());
}

/// The most memory that a process has had, in bytes; 0 if it has ended.
fn peak_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
