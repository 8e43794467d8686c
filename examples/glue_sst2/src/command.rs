//! The command line as one would type it.

/// How this program was called, through cargo; `features` are for the build.
pub(crate) fn with_features(features: &[&str]) -> String {
    let features: String = features
        .iter()
        .map(|f| format!(" --features {f}"))
        .collect();
    let arguments: String = std::env::args_os()
        .skip(1)
        .map(|argument| format!(" {}", quoted(argument.to_string_lossy().into_owned())))
        .collect();
    let separator = if arguments.is_empty() { "" } else { " --" };
    format!("cargo run --example glue_sst2{features}{separator}{arguments}")
}

fn quoted(argument: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument;
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_shell_reads_an_argument_as_it_was() {
        let quoted = |text: &str| super::quoted(text.to_owned());
        assert_eq!(quoted("hf:owner/name@main"), "hf:owner/name@main");
        assert_eq!(quoted("my model"), "'my model'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
