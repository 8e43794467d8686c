//! The sentences: files, rows, classes.

use study::data::FileSummary;

use crate::document::{Block, Section, Table};
use crate::material::Material;
use crate::number::{NONE, sentence, thousands};

/// At most so many classes are listed by name.
const LISTED: usize = 12;

/// `None` if the files are not known.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let files = &material.files?.files;
    let mut table = Table::new(
        "Rows that are used. Repeated: rows whose text is that of an earlier row of the file. Seen in training: rows of an evaluation set \
         whose text the model is trained on.",
        &[
            "",
            "file",
            "#rows",
            "classes",
            "#repeated",
            "#seen in training",
        ],
    );
    for file in files {
        table.rows.push(vec![
            file.set.clone(),
            file.file.clone(),
            thousands(file.facts.rows),
            classes(file),
            unless_0(file.facts.repeated),
            unless_0(file.shared_with_train),
        ]);
    }
    let mut blocks = vec![Block::Table(table.without_columns_of(NONE))];
    let warnings: Vec<String> = files.iter().flat_map(FileSummary::warnings).collect();
    if !warnings.is_empty() {
        let warnings = warnings.iter().map(|warning| sentence(warning));
        blocks.push(Block::List(warnings.collect()));
    }
    Some(Section {
        id: "data",
        heading: "Which sentences?".to_owned(),
        finding: None,
        blocks,
    })
}

fn unless_0(count: usize) -> String {
    match count {
        0 => NONE.to_owned(),
        _ => thousands(count),
    }
}

fn classes(file: &FileSummary) -> String {
    let classes = &file.facts.classes;
    let listed = classes.iter().take(LISTED);
    let mut listed: Vec<String> = listed
        .map(|(name, rows)| format!("{name}: {}", thousands(*rows)))
        .collect();
    match classes.len() {
        0 => return NONE.to_owned(),
        count if count > LISTED => listed.push(format!("and {} more", thousands(count - LISTED))),
        _ => {}
    }
    listed.join(" · ")
}
