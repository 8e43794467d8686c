//! A program's command line, as one would type it.

use crate::{device, run_glue};

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// It stands alone.
    Nothing,
    /// A value, as the next argument or after `=`.
    Value,
}

/// A program of this workspace, as cargo runs it.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The name of its example.
    pub name: &'static str,
    /// Its features other than devices, and whether this build has them.
    pub features: &'static [(&'static str, bool)],
}

impl Program {
    /// The cargo command that runs the program with its present arguments and the features of this build.
    pub fn command(&self) -> String {
        self.command_with(&[])
    }

    /// The same command with more features.
    pub fn command_with(&self, more: &[&str]) -> String {
        let arguments = std::env::args_os().skip(1);
        let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
        self.line(more, arguments)
    }

    /// The cargo command without some options of the present arguments, and with others at the end.
    pub fn command_instead(&self, without: &[(&str, Takes)], with: &[&str]) -> String {
        let arguments = std::env::args_os().skip(1);
        let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
        let more = with.iter().map(|argument| (*argument).to_owned());
        self.line(&[], left(arguments, without).into_iter().chain(more))
    }

    fn line(&self, more: &[&str], arguments: impl Iterator<Item = String>) -> String {
        let others = self.features.iter().filter(|(_, is_on)| *is_on);
        let features: Vec<&str> = device::features()
            .chain(others.map(|(name, _)| *name))
            .collect();
        let features: String = [features.as_slice(), more]
            .concat()
            .iter()
            .map(|feature| format!(" --features {feature}"))
            .collect();
        let arguments: String = arguments
            .map(|argument| format!(" {}", quoted(argument)))
            .collect();
        let separator = if arguments.is_empty() { "" } else { " --" };
        let name = self.name;
        // As this program was built, or cargo would build it a second time.
        let profile = match cfg!(debug_assertions) {
            true => "",
            false => " --release",
        };
        format!("cargo run{profile} --example {name}{features}{separator}{arguments}")
    }
}

/// The arguments without some options.
fn left(arguments: impl Iterator<Item = String>, without: &[(&str, Takes)]) -> Vec<String> {
    let mut left = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let name = argument
            .split_once('=')
            .map_or(&*argument, |(name, _)| name);
        match without.iter().find(|(option, _)| *option == name) {
            None => left.push(argument),
            Some((_, Takes::Value)) if name == argument => {
                arguments.next();
            }
            Some((_, Takes::Nothing)) => {
                arguments.next_if(|next| run_glue::truth(next).is_some());
            }
            Some(_) => {}
        }
    }
    left
}

/// As a shell reads it; with what acts on a terminal, as bash, ksh and zsh do.
fn quoted(argument: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument;
    }
    if !argument.contains(harmless::acts) {
        return format!("'{}'", argument.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    for letter in argument.chars() {
        match letter {
            '\'' | '\\' => quoted.extend(['\\', letter]),
            // Three digits, so that none of the text is taken for another one.
            letter if harmless::acts(letter) => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    quoted += &format!("\\{byte:03o}");
                }
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::{Program, Takes, left};

    #[test]
    fn options_can_be_left_out_with_their_values() {
        let left = |arguments: &[&str]| {
            let arguments = arguments.iter().map(|text| (*text).to_owned());
            left(
                arguments,
                &[("--shard", Takes::Value), ("--merge", Takes::Nothing)],
            )
        };
        let expected = ["--seeds", "2", "--out", "x"];
        assert_eq!(
            left(&["--seeds", "2", "--shard", "1/2", "--out", "x"]),
            expected
        );
        assert_eq!(
            left(&["--shard=1/2", "--seeds", "2", "--merge", "--out", "x"]),
            expected
        );
        assert_eq!(
            left(&["--merge", "True", "--seeds", "2", "--out", "x"]),
            expected
        );
        assert_eq!(left(&["--sharding", "--shard"]), ["--sharding"]);
    }

    #[test]
    fn a_command_has_the_features_of_this_build_and_those_asked_for() {
        let program = Program {
            name: "train",
            features: &[("hub", true), ("persistence", false)],
        };
        let line = |more: &[&str], arguments: &[&str]| {
            program.line(more, arguments.iter().map(|text| (*text).to_owned()))
        };
        // The devices other than the default one come first, if the build has any.
        assert!(line(&[], &[]).starts_with("cargo run --example train"));
        assert!(line(&[], &[]).ends_with(" --features hub"));
        let end = " --features hub --features wgpu -- --out 'my runs'";
        assert!(line(&["wgpu"], &["--out", "my runs"]).ends_with(end));
    }

    #[test]
    fn a_shell_reads_an_argument_as_it_was() {
        let quoted = |text: &str| super::quoted(text.to_owned());
        assert_eq!(quoted("hf:owner/name@main"), "hf:owner/name@main");
        assert_eq!(quoted("my model"), "'my model'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(
            quoted("it's\n\\\u{1b}1\u{202e}"),
            r"$'it\'s\012\\\0331\342\200\256'"
        );
    }
}
