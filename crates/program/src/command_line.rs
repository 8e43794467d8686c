//! Arguments as clap reads them, and its messages in one line.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use crate::failure::Failure;
use crate::output::print;

/// Parses a program's arguments, the first of which is its name; `None` if an option asked for nothing but help or the
/// version, which is then printed.
///
/// # Errors
/// [`Failure::Usage`], in one line with what is accepted or the nearest name; those of [`print()`].
pub fn parse<T: Parser>(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Option<T>, Failure> {
    let error = match T::try_parse_from(arguments) {
        Ok(arguments) => return Ok(Some(arguments)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print(&error.render().to_string()).map(|()| None)
        }
        _ => Err(Failure::Usage(in_one_line(&error))),
    }
}

/// Joins the lines of a message, without the usage.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim);
    let lines = lines.take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let mut message = String::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let values = line.strip_prefix("[possible values: ");
        if let Some(values) = values.and_then(|rest| rest.strip_suffix(']')) {
            message += &format!("; expected one of {values}");
        } else if let Some(tip) = line.strip_prefix("tip: ") {
            message += &format!("; {tip}");
        } else if let Some(first) = line.strip_prefix("error: ") {
            message += first;
        } else {
            message += &format!(" {line}");
        }
    }
    let is_bare = !message.contains("; ");
    if is_bare
        && matches!(
            error.kind(),
            ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument
        )
    {
        message += "; see --help";
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[arg(long, value_parser = ["red", "green"])]
        colour: Option<String>,
        #[arg(long, conflicts_with = "colour")]
        plain: bool,
        #[arg(long, required = true)]
        size: usize,
    }

    fn refusal(arguments: &[&str]) -> String {
        let arguments = ["p"].iter().chain(arguments).map(OsString::from);
        match parse::<Options>(arguments) {
            Err(failure @ Failure::Usage(_)) => failure.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_message_is_one_line_with_its_hint() {
        for (arguments, expected) in [
            (
                &["--size=1", "--colour=reed"][..],
                "error: invalid value 'reed' for '--colour <COLOUR>'; expected one of red, green; a similar value exists: 'red'",
            ),
            (
                &["--size=1", "--colou=red"],
                "error: unexpected argument '--colou' found; a similar argument exists: '--colour'",
            ),
            (
                &["--size=1", "--zzz"],
                "error: unexpected argument '--zzz' found; see --help",
            ),
            (
                &["--size=1", "--plain", "--colour=red"],
                "error: the argument '--plain' cannot be used with '--colour <COLOUR>'",
            ),
            (
                &[],
                "error: the following required arguments were not provided: --size <SIZE>; see --help",
            ),
            (
                &["--size=many"],
                "error: invalid value 'many' for '--size <SIZE>': invalid digit found in string",
            ),
        ] {
            assert_eq!(refusal(arguments), expected);
        }
    }

    #[test]
    fn arguments_that_are_right_are_parsed() {
        let arguments = ["p", "--size=3", "--colour=red"].map(OsString::from);
        let options = parse::<Options>(arguments).expect("they are right");
        let options = options.expect("no help was asked for");
        assert_eq!((options.size, options.plain), (3, false));
        assert_eq!(options.colour.as_deref(), Some("red"));
    }
}
