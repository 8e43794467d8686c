//! Texts and names that mean harm do nothing in what the program says.

use std::fs;
use std::process::Output;

use crate::World;

/// ANSI codes, a C1 control character, an override of direction and a second line.
const NAME: &str = "a\u{1b}[2J\u{9b}1A\u{202e}\nerror: forged\rx\u{7f}";

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
fn a_hostile_text_in_a_hostile_folder_is_pretrained_on() {
    let world = World::new();
    let text = fs::read_to_string(world.path("text.txt")).expect("a text");
    let hostile = format!(
        "{text}\u{1b}[2J \u{9b}1A \u{202e}<script> =1+1 \u{0}\n{}\n",
        "x".repeat(10_000_000)
    );
    fs::write(world.path(NAME), hostile).expect("a file");
    let out = format!("out{NAME}");
    let output = world.run(&[NAME, "--out", &out]);
    let [text, errors] = harmless_output(&output);
    assert!(output.status.success(), "{errors}");
    assert!(text.contains("snapshot  outa\\u{1b}[2J"), "{text}");
}

#[test]
fn hostile_names_and_arguments_are_one_line_that_only_shows() {
    let world = World::new();
    fs::write(world.path("b\u{1b}\nc"), b"\xff").expect("a file");
    for arguments in [
        &[NAME][..],
        &["b\u{1b}\nc"],
        &["text.txt", "--exclude", NAME],
        &["text.txt", "--documents", NAME],
        &["text.txt", "--device", NAME],
    ] {
        let output = world.run(arguments);
        assert!(!output.status.success());
        let [text, errors] = harmless_output(&output);
        assert_eq!((text.as_str(), errors.lines().count()), ("", 1), "{errors}");
    }
}
