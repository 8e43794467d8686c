//! What is no file of the task is refused in one line with the place, the value and what is accepted.

use std::fs;
use std::path::{Path, PathBuf};

use tasks::glue::{self, GlueTask};
use tempfile::TempDir;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/glue")
}

/// A folder with this file.
fn folder_with(name: &str, bytes: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    folder
}

/// The message about a training file, from the file's name on.
fn refusal(task: &GlueTask, bytes: impl AsRef<[u8]>) -> String {
    refusal_of(task, "train", "train.tsv", bytes)
}

/// The message about the file of a set, from the file's name on.
fn refusal_of(task: &GlueTask, set: &str, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let folder = folder_with(name, bytes);
    let task = task.in_folder(folder.path()).unwrap();
    let error = match set {
        "train" => task.read_train(),
        set => task.read_evaluation_set(set),
    };
    let message = error.unwrap_err().to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    let prefix = format!("{}/", folder.path().display());
    let rest = message.strip_prefix(&prefix);
    rest.expect("it starts with the path").to_owned()
}

#[test]
fn the_file_of_another_task_is_named() {
    let file = |path: &str| fs::read(golden().join("tsv").join(path)).unwrap();
    for (task, given, expected) in [
        (
            glue::rte(),
            "QNLI/train.tsv",
            r#"train.tsv:1: "index\tquestion\tsentence\tlabel" is the header of QNLI/train.tsv, QNLI/dev.tsv; expected "index\tsentence1\tsentence2\tlabel""#,
        ),
        (
            glue::cola(),
            "SST-2/train.tsv",
            r#"train.tsv:1: "sentence\tlabel" is the header of SST-2/train.tsv, SST-2/dev.tsv; expected 4 columns and no header"#,
        ),
        // As many columns as CoLA has.
        (
            glue::cola(),
            "WNLI/dev.tsv",
            r#"train.tsv:1: "index\tsentence1\tsentence2\tlabel" is the header of RTE/train.tsv, RTE/dev.tsv, WNLI/train.tsv, WNLI/dev.tsv; expected 4 columns and no header"#,
        ),
        (
            glue::mrpc(),
            "QQP/train.tsv",
            r#"train.tsv:1: "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate" is the header of QQP/train.tsv, QQP/dev.tsv; expected "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String""#,
        ),
        (
            glue::qqp(),
            "MRPC/train.tsv",
            r##"train.tsv:1: "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String" is the header of MRPC/train.tsv, MRPC/dev.tsv; expected "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate""##,
        ),
    ] {
        assert_eq!(refusal(&task, file(given)), expected);
    }
}

#[test]
fn every_task_refuses_the_training_file_of_every_other() {
    for task in glue::all() {
        for other in glue::all().iter().filter(|other| other.name != task.name) {
            let path = golden().join("tsv").join(other.folder).join("train.tsv");
            let message = refusal(&task, fs::read(path).unwrap());
            // RTE and WNLI have the same header; their labels differ.
            let accepted = match (task.name, other.name) {
                ("rte", "wnli") => r#"expected one of entailment, not_entailment"#,
                ("wnli", "rte") => r#"expected one of 0, 1"#,
                ("cola", _) => "expected 4 columns and no header",
                _ => "expected \"",
            };
            assert!(
                message.contains(accepted),
                "{} {}: {message}",
                task.name,
                other.name
            );
            assert!(message.starts_with("train.tsv:"), "{message}");
            let names = message.contains(&format!("{}/train.tsv", other.folder));
            let can_name = !["cola"].contains(&other.name)
                && !matches!((task.name, other.name), ("rte", "wnli") | ("wnli", "rte"));
            assert_eq!(names, can_name, "{} {}: {message}", task.name, other.name);
        }
    }
}

#[test]
fn a_file_of_another_split_is_refused() {
    assert_eq!(
        refusal(
            &glue::rte(),
            "index\tsentence1\tsentence2\n0\tIt rains.\tIt pours.\n"
        ),
        r#"train.tsv:1: header "index\tsentence1\tsentence2"; expected "index\tsentence1\tsentence2\tlabel""#
    );
    assert_eq!(
        refusal_of(&glue::cola(), "test", "test.tsv", "src\t1\t\tIt rains.\n"),
        r#"test.tsv:1: header "src\t1\t\tIt rains."; expected "index\tsentence""#
    );
}

#[test]
fn swapped_columns_and_another_spelling_are_told_apart() {
    assert_eq!(
        refusal(
            &glue::rte(),
            "index\tlabel\tsentence1\tsentence2\n0\tentailment\ta\tb\n"
        ),
        r#"train.tsv:1: header "index\tlabel\tsentence1\tsentence2"; expected "index\tsentence1\tsentence2\tlabel"; the columns are in another order"#
    );
    for header in [
        "Index\tSentence1\tSentence2\tLabel",
        "index\tsentence_1\tsentence_2\tlabel",
        "index\tsentence1\tsentence2\tlabel ",
    ] {
        assert_eq!(
            refusal(&glue::rte(), format!("{header}\n0\ta\tb\tentailment\n")),
            format!(
                r#"train.tsv:1: header {header:?}; expected "index\tsentence1\tsentence2\tlabel"; only the spelling differs"#
            )
        );
    }
}

#[test]
fn an_unknown_label_is_refused_and_the_known_ones_are_listed() {
    let pairs = "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t";
    for (task, text, expected) in [
        (
            glue::rte(),
            format!("{pairs}not_entailment\n1\ta\tb\tneutral\n"),
            r#"train.tsv:3: label "neutral"; expected one of entailment, not_entailment"#,
        ),
        (
            glue::wnli(),
            format!("{pairs}entailment\n"),
            r#"train.tsv:2: label "entailment"; expected one of 0, 1"#,
        ),
        (
            glue::cola(),
            "src\t1\t\tIt rains.\nIt rains.\tsrc\t\t1\n".to_owned(),
            r#"train.tsv:2: label "src"; expected one of 0, 1"#,
        ),
        (
            glue::stsb(),
            format!(
                "{}\n{}\t5.5\n",
                glue::stsb().train.columns.header.unwrap(),
                ["x"; 9].join("\t")
            ),
            r#"train.tsv:2: label "5.5"; expected a number from 0 to 5"#,
        ),
        (
            glue::mnli(),
            format!(
                "{}\n{}\t-\n",
                glue::mnli().train.columns.header.unwrap(),
                ["x"; 11].join("\t")
            ),
            r#"train.tsv:2: label "-"; expected one of entailment, neutral, contradiction"#,
        ),
    ] {
        assert_eq!(refusal(&task, text), expected);
    }
}

#[test]
fn a_missing_split_is_named_with_the_files_of_the_task() {
    let folder = folder_with("train.tsv", "");
    let mnli = glue::mnli().in_folder(folder.path()).unwrap();
    for (set, file) in [
        ("dev_matched", "dev_matched.tsv"),
        ("test_mismatched", "test_mismatched.tsv"),
        ("ax", "AX.tsv"),
    ] {
        let error = mnli.read_evaluation_set(set).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{}: cannot read this file of mnli: No such file or directory (os error 2); expected a folder with \
                 train.tsv, dev_matched.tsv, dev_mismatched.tsv, test_matched.tsv, test_mismatched.tsv, AX.tsv",
                folder.path().join(file).display()
            )
        );
    }
}

#[test]
fn an_empty_file_is_refused() {
    for task in glue::all() {
        let expected = match &task.train.columns.header {
            Some(header) => format!("train.tsv:1: header \"\"; expected {header:?}"),
            None => "train.tsv: no examples; expected at least one row".to_owned(),
        };
        assert_eq!(refusal(&task, ""), expected);
    }
}

#[test]
fn a_file_whose_rows_all_break_off_has_no_examples() {
    assert_eq!(
        refusal(
            &glue::qqp(),
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta\tb\n"
        ),
        "train.tsv: no examples; expected at least one row"
    );
}

#[test]
fn a_parquet_file_with_the_columns_of_another_task_is_refused() {
    let given = |path: &str| fs::read(golden().join("hub").join(path)).unwrap();
    for (task, from, expected) in [
        (
            glue::rte(),
            "qqp/train",
            r#"columns question1, question2, label, idx; expected a column "sentence1" of text"#,
        ),
        (
            glue::qnli(),
            "sst2/train",
            r#"columns sentence, label, idx; expected a column "question" of text"#,
        ),
        (
            glue::stsb(),
            "mrpc/train",
            r#"label is a column of INT64; expected a column "label" of float"#,
        ),
        (
            glue::mrpc(),
            "stsb/train",
            r#"label is a column of FLOAT; expected a column "label" of int64"#,
        ),
        // The hub's columns are the same, and so are most of its numbers.
        (
            glue::wnli(),
            "rte/test",
            "row 1: label is -1, which means no label; expected 0 to 1",
        ),
    ] {
        let bytes = given(&format!("{from}-00000-of-00001.parquet"));
        assert_eq!(
            refusal_of(&task, "train", task.train.hub, bytes),
            format!("{}: {expected}", task.train.hub)
        );
    }
}
