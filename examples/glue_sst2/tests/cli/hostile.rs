//! Folders whose names mean harm do nothing in what the program says, and neither do arguments.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Output};

use crate::program::World;

/// ANSI codes, a C1 control character, an override of direction and a second line.
const NAME: &str = "a\u{1b}[2J\u{9b}1A\u{202e}\nerror: forged\rx\u{7f}";

/// Both streams, in which nothing acts on a terminal and no line is the name's own.
#[track_caller]
fn harmless_output(output: &Output) -> [String; 2] {
    [&output.stdout, &output.stderr].map(|bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        let acting = text
            .lines()
            .find(|line| line.contains(harmless::acts) || line.starts_with("error: forged"));
        assert_eq!(acting, None, "{text}");
        text
    })
}

#[test]
fn hostile_folders_do_nothing_in_progress_tables_and_json() {
    let world = World::new();
    for folder in ["model", "data"] {
        let hostile = format!("{folder}{NAME}");
        fs::rename(world.path(folder), world.path(&hostile)).expect("it is renamed");
    }
    let (model, data, out) = (
        format!("model{NAME}"),
        format!("data{NAME}"),
        format!("out{NAME}"),
    );
    let mut command = world.command(&["--model", &model, "--data", &data, "--seeds", "1"]);
    // The default is there already, and an option is given once.
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let program = command.get_program().to_owned();
    command = Command::new(program);
    command.current_dir(world.folder.path());
    command.args(arguments.iter().map(|argument| {
        let is_default = argument == "out";
        if is_default {
            OsStr::new(&out)
        } else {
            argument
        }
    }));
    let [text, errors] = harmless_output(&command.output().expect("the example starts"));
    assert!(text.contains("model    modela\\u{1b}[2J"), "{text}");
    assert!(errors.contains("modela\\u{1b}[2J"), "{errors}");
    assert!(text.contains("report   outa\\u{1b}[2J"), "{text}");

    let [json, _] = harmless_output(&command.arg("--json").output().expect("the example starts"));
    let _: serde_json::Value = serde_json::from_str(&json).expect("it is still JSON");
    let page = fs::read_to_string(world.path(&out).join("report.html")).expect("a page");
    assert!(page.contains("modela\\u{1b}[2J"), "the name is shown");
    assert!(
        page.contains("$&#39;modela\\033[2J"),
        "the command can be typed"
    );
}

#[test]
fn hostile_arguments_are_one_line_that_only_shows() {
    let world = World::new();
    for arguments in [
        &["--model", NAME][..],
        &["--data", NAME],
        &["--seeds", NAME],
        &["--arms", NAME],
        &["--device", NAME],
        &[NAME],
        &["--submit", NAME],
    ] {
        let output = world.run(arguments);
        assert!(!output.status.success());
        let [text, errors] = harmless_output(&output);
        assert_eq!((text.as_str(), errors.lines().count()), ("", 1), "{errors}");
    }
}

#[test]
fn a_damaged_model_in_a_hostile_folder_is_one_line() {
    let world = World::new();
    let hostile = world.path(NAME);
    fs::rename(world.path("model"), &hostile).expect("it is renamed");
    let config = hostile.join("config.json");
    let text = fs::read_to_string(&config).expect("a file");
    for (file, text) in [
        (
            "config.json",
            text.replace("\"bert\"", "\"b\u{9b}2J\u{202e}\""),
        ),
        ("config.json", "{\"\u{202e}\": \u{1b}".to_owned()),
        ("tokenizer.json", "\u{1b}".to_owned()),
        ("model.safetensors", "\u{1b}".repeat(100)),
    ] {
        let whole = fs::read(hostile.join(file)).expect("a file");
        fs::write(hostile.join(file), text).expect("it is written");
        let output = world.run(&["--model", NAME]);
        assert_eq!(output.status.code(), Some(1));
        let [_, errors] = harmless_output(&output);
        assert_eq!(errors.lines().count(), 1, "{errors}");
        fs::write(hostile.join(file), whole).expect("it is written");
    }
}
